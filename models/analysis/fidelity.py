"""What is drawn, held against the same steps computed a second time. It knows neither Qt nor torch."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from unrolled.models.protocol.questions import CANDIDATE_LOG_PROBS, LOG_PROBS, Replayed
from unrolled.models.trace import Trace

TOLERANCE = 1e-4   # of values around 1: single precision stays well below, on any device
OF_WORDS = {LOG_PROBS: "log-probability of the token written", CANDIDATE_LOG_PROBS: "log-probabilities of the candidates"}

Values = npt.NDArray[np.floating]


class Fidelity:
    """The largest difference so far.

    Attributes
    ----------
    steps : int
        How many were computed a second time.
    largest : float
        The largest difference of any value, as a share of the value where that is above 1.
    where : str
        Channel, unit and step of it, in words; steps are counted from 1.
    by_channel : dict of str to float
        The largest of each channel, and of the log-probabilities, in the order in which they came.
    computed_by : tuple of str
        The modules and functions of torch that computed the steps.
    missing : tuple of str
        Channels that are drawn and were not computed a second time.
    """

    def __init__(self) -> None:
        self.steps = 0
        self.largest = 0.0
        self.where = ""
        self.by_channel: dict[str, float] = {}
        self.computed_by: tuple[str, ...] = ()
        self.missing: tuple[str, ...] = ()

    @property
    def agrees(self) -> bool:
        """Whether every channel was compared, and every difference is within tolerance."""
        return self.largest <= TOLERANCE and not self.missing

    @property
    def checked(self) -> str:
        return ", ".join(OF_WORDS.get(name, name.replace("_", " ")) for name in self.by_channel)

    @property
    def how(self) -> str:
        return f"in double precision from the stored weights, by {', '.join(self.computed_by)}"

    def take(self, part: Replayed, trace: Trace) -> bool:
        """Hold some steps of a trace against what they came to; says whether they fit together at all."""
        stop = part.first + part.count
        best = min((len(trace.candidates[step]) for step in range(part.first, min(stop, len(trace)))), default=0)
        sizes = {name: channel.size for name, channel in trace.channels.items()} | {LOG_PROBS: 1, CANDIDATE_LOG_PROBS: best}
        total = sum(sizes.get(name, 0) for name in part.channels)
        if stop > len(trace) or len(part.values) != 4 * part.count * total:
            return False
        values = np.frombuffer(part.values, "<f4").reshape(part.count, -1)
        begin = 0
        for name in part.channels:
            drawn = _drawn(trace, name, part.first, stop, sizes[name])
            self._hold(name, drawn, values[:, begin : begin + sizes[name]], part.first)
            begin += sizes[name]
        self.steps += part.count
        self.computed_by = tuple(dict.fromkeys((*self.computed_by, *part.computed_by)))
        self.missing = tuple(name for name in (*trace.channels, *OF_WORDS) if name not in self.by_channel)
        return True

    def _hold(self, name: str, drawn: Values, own: Values, first: int) -> None:
        with np.errstate(invalid="ignore"):
            away = np.abs(own.astype(np.float64) - drawn)
        away[own == drawn] = 0.0  # infinities that are the same
        away[np.isnan(away)] = np.inf
        relative = away / np.maximum(1.0, np.where(np.isfinite(drawn), np.abs(drawn), 1.0))
        worst = np.unravel_index(int(np.argmax(relative)), relative.shape)
        size = float(relative[worst])
        self.by_channel[name] = max(self.by_channel.get(name, 0.0), size)
        if not self.where or size > self.largest:
            self.largest = size
            unit = f", unit {worst[1]}" if drawn.shape[1] > 1 and name not in OF_WORDS else ""
            self.where = f"{OF_WORDS.get(name, name.replace('_', ' '))}{unit}, step {first + int(worst[0]) + 1:,}"


def _drawn(trace: Trace, name: str, first: int, stop: int, size: int) -> Values:
    """What the trace has of a channel, or of the log-probabilities, flat, (steps, size)."""
    if name == LOG_PROBS:
        return trace.log_probs[first:stop, None]
    if name == CANDIDATE_LOG_PROBS:
        return np.array([[own.log_prob for own in trace.candidates[step][:size]] for step in range(first, stop)])
    return trace.column(name)[first:stop].reshape(stop - first, -1)
