"""How often gates are shut and open, after Karpathy, Johnson and Fei-Fei (2015), and how long units remember."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from unrolled.models.trace import Channel, FloatArray

Fractions = npt.NDArray[np.float64]

SHUT, OPEN = 0.1, 0.9  # the paper's limits of left and right saturation
GATES = ("input_gate", "forget_gate", "output_gate", "reset_gate", "update_gate")
KEEPING = ("forget_gate", "update_gate")  # what multiplies the state before: f · c, z · h
LEAST = float(np.finfo(np.float32).tiny)
PART = 8192  # steps


@dataclass(frozen=True, slots=True, eq=False)
class Saturation:
    # shut, open: (units,): the fraction of steps that each unit is below 0.1 and above 0.9; nan where no step has a number
    shut: Fractions
    open: Fractions
    mean_log: Fractions  # (units,): the mean natural logarithm of the gate, values below the least float32 above 0 taken for that
    steps: int           # how many there were

    @property
    def half_life(self) -> Fractions:
        """In how many steps the gate alone would halve what a unit holds: ln 2 / −mean ln f; inf where it is always 1.

        A proxy: it leaves out what is added, and what the recurrent weights bring back.
        """
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(self.mean_log >= 0, np.inf, np.log(2.0) / -self.mean_log)

    @property
    def told(self) -> npt.NDArray[np.bool_]:
        """Whose half-life the run is long enough to tell: one that is no longer than the run."""
        return self.half_life <= self.steps


class Saturating:
    """Counts a gate's values as a run grows: each step is looked at once."""

    def __init__(self, units: int) -> None:
        self._counts = np.zeros((3, units))  # below, above, seen
        self._logs = np.zeros(units)
        self._steps = 0

    def follow(self, values: FloatArray) -> None:
        """Take over the steps that are new in (steps, units); a shorter run begins again."""
        if len(values) < self._steps:
            self.__init__(values.shape[1])  # type: ignore[misc]
        self.add(values[self._steps :])

    def add(self, values: FloatArray) -> None:
        """Count steps, (steps, units), whatever run they are of."""
        for start in range(0, len(values), PART):
            part = values[start : start + PART].astype(np.float64)
            there = np.isfinite(part)
            self._counts += (((part < SHUT) & there).sum(axis=0), ((part > OPEN) & there).sum(axis=0), there.sum(axis=0))
            self._logs += np.where(there, np.log(np.clip(np.where(there, part, 1.0), LEAST, None)), 0.0).sum(axis=0)
        self._steps += len(values)

    @property
    def result(self) -> Saturation:
        below, above, seen = self._counts
        with np.errstate(divide="ignore", invalid="ignore"):
            return Saturation(below / seen, above / seen, self._logs / seen, self._steps)


def gate_channels(channels: Iterable[Channel]) -> tuple[Channel, ...]:
    return tuple(channel for channel in channels if channel.role in GATES and channel.axes == ("unit",))


def saturation(values: FloatArray) -> Saturation:
    """Of a gate's values, (steps, units)."""
    counted = Saturating(values.shape[1])
    counted.follow(values)
    return counted.result
