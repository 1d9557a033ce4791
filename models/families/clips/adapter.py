"""Clip classifiers: opened from their checkpoints, trained and judged on drawn clips."""

import torch

from unrolled.models.adapters.adapter import CheckpointAdapter
from unrolled.models.checkpoints.checkpoint import Checkpoint
from unrolled.models.data.drawn_clips import draw_clip
from unrolled.models.evaluation.request import Evaluation, EvaluationRequest
from unrolled.models.families.clips.network import ClipConfig, ClipNetwork, ClipStepper
from unrolled.models.families.clips.training import ClipOptions, as_tensor, kind_of, train_clips
from unrolled.models.stepping.stepper import AnyStepper
from unrolled.models.training.recipe import Recipe

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


def open_clips(checkpoint: Checkpoint, device: str, reuse: AnyStepper | None) -> ClipStepper:
    config, labels = checkpoint.config(ClipConfig), checkpoint.header.words
    checkpoint.check_count(len(labels), config.labels, of="labels")
    return ClipStepper(checkpoint.network(lambda: ClipNetwork(config)), labels, device=device,
                       identity=checkpoint.identity("accuracy"))


ADAPTER = CheckpointAdapter(
    family="clips", input_kind="clip", open=open_clips, evaluate=evaluate_clips,
    recipes={
        "frames-lstm": Recipe(ClipOptions(), train_clips),
        "clip-lstm": Recipe(ClipOptions(every_frame=False, updates=2500, learning_rate=1e-3, warm_up=100), train_clips),
    })
