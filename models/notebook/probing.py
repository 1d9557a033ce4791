"""One sequence that is run again and again while a network is trained, so that what it does can be compared."""

import warnings
from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
import torch
from torch import nn

from unrolled.models.notebook.recording import Recording, record
from unrolled.models.trace import Channel, Trace
from unrolled.models.trace.names import first_line

ROOM = 2.0  # of what is not bounded, later updates may reach so many times as far as the first


class Probe:
    """What the network takes, and what it makes of it. Raises `ValueError` when the network cannot run it, or nothing in it can
    be recorded: one sentence.
    """

    def __init__(self, network: nn.Module, given: Any, tokens: Sequence[object] | None, item: int) -> None:
        self._network, self._item = network, item
        self._given = given if isinstance(given, tuple) else (given,)
        try:
            trace = self._trace(self.run(), tokens)
        except Exception as error:  # whatever the network says of it
            raise ValueError(f"The probe cannot be run: {type(error).__name__}: {first_line(error)}.") from error
        self.words = tuple(trace.words)  # what every step reads
        self.channels: tuple[Channel, ...] = tuple(
            channel if channel.low in (0.0, -1.0, -3.0) or not channel.axes else
            msgspec.structs.replace(channel, low=ROOM * channel.low, high=ROOM * channel.high)
            for channel in trace.channels.values())

    def run(self) -> Recording:
        """Run it, in evaluation mode and without gradients; the network and torch's generator are as before afterwards."""
        modes = [(module, module.training) for module in self._network.modules()]
        try:
            self._network.eval()
            with torch.random.fork_rng(devices=[]), torch.no_grad(), record(self._network) as recording:
                self._network(*self._given)
        finally:
            for module, mode in modes:
                module.training = mode
        return recording

    def values(self, recording: Recording) -> bytes:
        """All channels of a run, float32, (steps, total). Raises `ValueError` where it brought others than the first."""
        trace = self._trace(recording, self.words)
        if tuple(trace.channels) != tuple(channel.name for channel in self.channels) or any(
                trace.channels[channel.name].shape != channel.shape for channel in self.channels):
            raise ValueError("it brought other quantities than at first")
        flat = [trace.column(channel.name).reshape(len(trace), -1) for channel in self.channels]
        return np.concatenate(flat, axis=1).astype("<f4").tobytes()

    def _trace(self, recording: Recording, tokens: Sequence[object] | None) -> Trace:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what has another number of steps is left out at every update
            return recording.trace(self._item, tokens=tokens)
