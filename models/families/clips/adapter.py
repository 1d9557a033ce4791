"""Clip classifiers: opened from their checkpoints, trained and judged on drawn clips."""

from __future__ import annotations

from unrolled.models.adapters.adapter import CheckpointAdapter
from unrolled.models.checkpoints.checkpoint import Checkpoint
from unrolled.models.families.clips.evaluation import evaluate_clips
from unrolled.models.families.clips.network import ClipConfig, ClipNetwork
from unrolled.models.families.clips.stepper import ClipStepper
from unrolled.models.families.clips.training import ClipOptions, train_clips
from unrolled.models.stepping.stepper import AnyStepper
from unrolled.models.training.recipe import Recipe


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
