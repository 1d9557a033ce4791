"""`unrolled evaluate`: a model's figures on data with the truth beside it."""

from __future__ import annotations

import argparse
import json
import sys

from tqdm import tqdm

from unrolled.models.backend.devices import pick
from unrolled.models.checkpoints.registry import load
from unrolled.models.evaluation.captioning import evaluate_captioner


def evaluate(arguments: argparse.Namespace) -> int:
    """Evaluate and print."""
    if arguments.beam < 1:
        raise ValueError("A beam is at least 1 wide.")
    stepper = load(arguments.model, device=pick(arguments.device))
    with tqdm(desc="photographs", disable=not sys.stderr.isatty()) as bar:
        def say(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        result = evaluate_captioner(stepper, arguments.data, split=arguments.split, beam=arguments.beam,
                                    length_penalty=arguments.length_penalty, limit=arguments.limit, say=say)
    if arguments.json:
        print(json.dumps(result))
        return 0
    print(f"{result['model']} on {result['count']} photographs ({result['split']}), beam {result['beam']}, "
          f"{result['seconds']:.0f} s; tokeniser: {result['tokeniser']}")
    for name, value in result["metrics"].items():
        print(f"  {name:<20} {value:8.3f}")
    return 0
