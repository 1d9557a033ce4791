"""`unrolled train`: a training with progress in the terminal."""

from __future__ import annotations

import argparse
from typing import Any

import msgspec
from tqdm import tqdm

from unrolled.models.backend.devices import pick
from unrolled.models.training.captioner import CaptionerTraining
from unrolled.models.training.options import TrainingOptions


class _Bars:
    """One progress bar a phase."""

    def __init__(self) -> None:
        self._phase = ""
        self._bar: Any = None

    def __call__(self, phase: str, done: int, total: int, means: dict[str, float]) -> None:
        if phase != self._phase:
            self.close()
            self._phase, self._bar = phase, tqdm(total=total, desc=phase, unit="" if phase == "encoding" else " updates")
        self._bar.total = total
        self._bar.update(done - self._bar.n)
        if means:
            self._bar.set_postfix({name: f"{value:.3f}" for name, value in means.items()}, refresh=False)

    def close(self) -> None:
        if self._bar is not None:
            self._bar.close()


def train(arguments: argparse.Namespace) -> int:
    """Train and write the checkpoint."""
    named = {name: getattr(arguments, name) for name in TrainingOptions.__struct_fields__
             if getattr(arguments, name, None) is not None}
    options = msgspec.convert(named, TrainingOptions)
    output = arguments.output
    if output.suffix != ".safetensors":
        raise ValueError(f"A checkpoint's name ends in .safetensors, and “{output.name}” does not.")
    if not output.parent.is_dir():
        raise ValueError(f"There is no folder “{output.parent}” to write the checkpoint to.")
    bars = _Bars()
    try:
        training = CaptionerTraining(data=arguments.data, output=output, cache=arguments.cache or output.parent / "features",
                                     device=pick(arguments.device), options=options, say=bars)
        training.run()
    finally:
        bars.close()
    print(output)
    return 0
