"""`unrolled evaluate`: a model's figures on data with the truth beside it."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tqdm import tqdm

from unrolled.models.adapters.registry import load
from unrolled.models.backend.devices import pick
from unrolled.models.families.captioning.evaluation import evaluate_captioner
from unrolled.models.families.captioning.stepper import CaptionerStepper
from unrolled.models.families.characters.evaluation import evaluate_characters
from unrolled.models.families.characters.stepper import CharacterStepper
from unrolled.models.families.clips.evaluation import evaluate_clips
from unrolled.models.families.clips.stepper import ClipStepper
from unrolled.models.families.shapes.evaluation import evaluate_shapes
from unrolled.models.families.shapes.stepper import ShapesStepper
from unrolled.models.families.translation.evaluation import evaluate_translator
from unrolled.models.families.translation.stepper import TranslatorStepper
from unrolled.models.stepping.stepper import AnyStepper

Say = Callable[[int, int], None]
CAPTION_BEAM, TRANSLATION_BEAM = 3, 4


def evaluate(arguments: argparse.Namespace) -> int:
    """Evaluate and print."""
    if arguments.beam is not None and arguments.beam < 1:
        raise ValueError("A beam is at least 1 wide.")
    stepper = load(arguments.model, device=pick(arguments.device))
    with tqdm(desc=stepper.description.task, disable=not sys.stderr.isatty()) as bar:
        def say(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        result = figures(stepper, arguments, say)
    if arguments.json:
        print(json.dumps(result))
        return 0
    beam = f", beam {result['beam']}" if "beam" in result else ""
    split = f" ({result['split']})" if result["split"] else ""
    print(f"{result['model']} on {result['count']} of {result['data']}{split}{beam}, {result['seconds']:.0f} s; "
          f"tokeniser: {result['tokeniser']}")
    for name, value in result["metrics"].items():
        print(f"  {name:<22} {value:9.3f}")
    return 0


def figures(stepper: AnyStepper, arguments: argparse.Namespace, say: Say) -> dict[str, Any]:
    """The figures of the model's own task.

    Raises
    ------
    ValueError
        When the task needs data and none were named.
    """
    split, beam, limit = arguments.split, arguments.beam, arguments.limit
    if isinstance(stepper, ShapesStepper):
        return evaluate_shapes(stepper, split=split, limit=limit, say=say)
    if isinstance(stepper, ClipStepper):
        return evaluate_clips(stepper, split=split, limit=limit, say=say)
    data = _data(arguments)
    if isinstance(stepper, CharacterStepper):
        return evaluate_characters(stepper, data, limit=limit, compare=arguments.compare, say=say)
    if isinstance(stepper, TranslatorStepper):
        return evaluate_translator(stepper, data, split=split, beam=beam or TRANSLATION_BEAM,
                                   length_penalty=arguments.length_penalty, limit=limit, say=say)
    assert isinstance(stepper, CaptionerStepper)
    return evaluate_captioner(stepper, data, split=split, beam=beam or CAPTION_BEAM,
                              length_penalty=arguments.length_penalty, limit=limit, say=say)


def _data(arguments: argparse.Namespace) -> Path:
    if arguments.data is None:
        raise ValueError("Say which data to judge it on, with --data DIR.")
    return Path(arguments.data)
