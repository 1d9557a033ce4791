"""The step of an LSTM, done again for one unit from what was recorded, to be compared with the model's own result.

It goes by the roles of channels, never by a model's name, and knows no Qt. Hochreiter and Schmidhuber (1997) with
the forget gate of Gers, Schmidhuber and Cummins (2000):
c_t = f_t · c_{t-1} + i_t · g_t and h_t = o_t · tanh(c_t).
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from unrolled.models.trace import Channel, Trace

ROLES = ("input_gate", "forget_gate", "output_gate", "cell_gate", "cell", "hidden")
TOLERANCE = 1e-5  # float32 has seven figures and a cell is a few units large; half precision would not pass


@dataclass(frozen=True, slots=True)
class LstmStep:
    """One unit's step, as recorded: gates, cell and hidden value; and the cell's value at the step before, None at step 0,
    since the start state is not recorded.
    """

    step: int
    unit: int
    i: float
    f: float
    o: float
    g: float
    c: float
    h: float
    before: float | None

    @property
    def cell(self) -> float | None:
        """Computed again: f·before + i·g."""
        return None if self.before is None else self.f * self.before + self.i * self.g

    @property
    def hidden(self) -> float:
        """Computed again: o·tanh(c)."""
        return self.o * math.tanh(self.c)

    @property
    def difference(self) -> float:
        """The larger of the two differences between recorded and computed again."""
        of_cell = 0.0 if self.cell is None else abs(self.cell - self.c)
        return max(of_cell, abs(self.hidden - self.h))

    @property
    def agrees(self) -> bool:
        return self.difference <= TOLERANCE * max(1.0, abs(self.c))


def lstm_channels(channels: Iterable[Channel]) -> dict[str, Channel] | None:
    """The first channel of each LSTM role, if all are there, of one layer and of one length."""
    found: dict[str, Channel] = {}
    for channel in channels:
        if channel.role in ROLES and channel.axes == ("unit",):
            found.setdefault(channel.role, channel)
    if len(found) < len(ROLES) or len({(channel.shape, channel.layer) for channel in found.values()}) > 1:
        return None
    return found


def lstm_step(trace: Trace, channels: dict[str, Channel], *, step: int, unit: int) -> LstmStep:
    """Do one unit's step again in double precision. Raises `IndexError` where there is no such step or unit."""

    def at(role: str, when: int) -> float:
        return float(trace.column(channels[role].name)[when, unit])

    i, f, o, g, c, h = (at(role, step) for role in ROLES)
    return LstmStep(step, unit, i, f, o, g, c, h, before=at("cell", step - 1) if step > 0 else None)
