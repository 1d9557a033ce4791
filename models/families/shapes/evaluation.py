"""Judge the scene captioner on scenes of a split that its training never drew: words and attention have a truth here."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import torch

from unrolled.models.data.drawn_scenes import cover, draw_scene
from unrolled.models.data.drawn_shapes import OUTLINES
from unrolled.models.families.shapes.stepper import LONGEST, ShapesStepper
from unrolled.models.tokenizers.word_tokenizer import TOKENISER

SCENES = 2000
BATCH = 100


@torch.inference_mode()
def evaluate_shapes(stepper: ShapesStepper, *, split: str = "dev", limit: int = 0,
                    say: Callable[[int, int], None] = lambda done, total: None) -> dict[str, Any]:
    """What `unrolled evaluate` prints; captions are written greedily.

    `exact` is the share of captions that are right in every word. `attention_inside` is the mean share of the attention
    that lies inside the named thing's box (a cell that the box covers in part counts in part), at the words that name a
    thing, in the captions that are right; `uniform_inside` is the same of even attention: the share of the picture that
    the boxes take.
    """
    started = time.perf_counter()
    network, vocabulary = stepper.network, stepper.vocabulary
    count = limit or SCENES
    exact, inside, even, named = 0, 0.0, 0.0, 0
    for first in range(0, count, BATCH):
        scenes = [draw_scene(number, split=split) for number in range(first, min(first + BATCH, count))]
        pixels = torch.stack([network.pixels(scene.picture) for scene in scenes]).to(stepper.device)
        tokens, maps = network.written(pixels, start=vocabulary.start, end=vocabulary.end, barred=stepper.suppressed_tokens,
                                       most=LONGEST)
        for row, scene in enumerate(scenes):
            if tuple(vocabulary.decode(tokens[row].tolist())) != tuple(scene.caption):
                continue
            exact += 1
            naming = [place for place, word in enumerate(scene.caption) if word in OUTLINES]
            for place, thing in zip(naming, scene.things, strict=True):
                share = torch.from_numpy(cover(thing.box, network.config.side)).flatten().to(maps)
                inside += float((maps[row, place] * share).sum())
                even += float(share.mean())
                named += 1
        say(min(first + BATCH, count), count)
    return {"model": stepper.description.name, "data": "scenes drawn by code", "split": split, "count": count, "beam": 1,
            "tokeniser": TOKENISER, "device": str(stepper.device), "seconds": round(time.perf_counter() - started, 2),
            "metrics": {"exact": exact / count, "attention_inside": inside / max(named, 1),
                        "uniform_inside": even / max(named, 1)}}
