"""Judge a clip classifier on drawn clips of a split that its training never drew."""

from __future__ import annotations

import torch

from unrolled.models.data.drawn_clips import draw_clip
from unrolled.models.evaluation.request import Evaluation, EvaluationRequest
from unrolled.models.families.clips.stepper import ClipStepper
from unrolled.models.families.clips.training import as_tensor, kind_of

CLIPS = 1000
BATCH = 50


@torch.inference_mode()
def evaluate_clips(stepper: ClipStepper, request: EvaluationRequest) -> Evaluation:
    """On clips drawn on the way: the share of frames, or of clips, whose label is right."""
    config = stepper.network.config
    count, right, asked = request.limit or CLIPS, 0, 0
    for first in range(0, count, BATCH):
        clips = [draw_clip(kind_of(config), number, split=request.split) for number in range(first, min(first + BATCH, count))]
        frames, labels = as_tensor(clips, every_frame=config.every_frame)
        logits, *_ = stepper.network.clips(frames.to(stepper.device))
        said = stepper.network.answers(logits).argmax(-1).cpu()
        right += int((said == labels).sum())
        asked += labels.numel()
        request.say(min(first + BATCH, count), count)
    return Evaluation(data="clips drawn by code", split=request.split, count=count, tokeniser="labels",
                      metrics={"accuracy": right / asked}, more={"answers": asked})
