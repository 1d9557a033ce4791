"""Judge a clip classifier on drawn clips of a split that its training never drew."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import torch

from unrolled.models.data.drawn_clips import draw_clip
from unrolled.models.families.clips.stepper import ClipStepper
from unrolled.models.families.clips.training import as_tensor, kind_of

CLIPS = 1000
BATCH = 50


@torch.inference_mode()
def evaluate_clips(stepper: ClipStepper, *, split: str = "dev", limit: int = 0,
                   say: Callable[[int, int], None] = lambda done, total: None) -> dict[str, Any]:
    """What `unrolled evaluate` prints: the share of frames, or of clips, whose label is right."""
    started = time.perf_counter()
    config = stepper.network.config
    count, right, asked = limit or CLIPS, 0, 0
    for first in range(0, count, BATCH):
        clips = [draw_clip(kind_of(config), number, split=split) for number in range(first, min(first + BATCH, count))]
        frames, labels = as_tensor(clips, every_frame=config.every_frame)
        logits, *_ = stepper.network.clips(frames.to(stepper.device))
        said = stepper.network.answers(logits).argmax(-1).cpu()
        right += int((said == labels).sum())
        asked += labels.numel()
        say(min(first + BATCH, count), count)
    return {"model": stepper.description.name, "data": "clips drawn by code", "split": split, "count": count,
            "answers": asked, "tokeniser": "labels", "device": str(stepper.device),
            "seconds": round(time.perf_counter() - started, 2), "metrics": {"accuracy": right / asked}}
