"""What is drawn, held against what the model itself gave. It knows neither Qt nor torch."""

from __future__ import annotations

import numpy as np

from unrolled.models.protocol.questions import Replayed
from unrolled.models.trace import Trace

TOLERANCE = 1e-4   # of values around 1; float32 on another device than the processor stays well below
LOG_PROBS = "log_probs"


class Fidelity:
    """The largest difference so far.

    Attributes
    ----------
    steps : int
        How many were held against the model.
    largest : float
        The largest difference of any value.
    relative : float
        The largest, as a share of the value where that is above 1.
    where : str
        Channel, unit and step of it, in words; steps are counted from 1.
    by_channel : dict of str to float
        The largest of each channel; ``log_probs`` is of the words written.
    modules : set of str
        The modules of torch that the model was replayed through.
    by_hand : bool
        An edit reaches into the cell at some steps, which torch's module cannot do: there its own equations were used.
    """

    def __init__(self) -> None:
        self.steps = 0
        self.largest = 0.0
        self.relative = 0.0
        self.where = ""
        self.by_channel: dict[str, float] = {}
        self.modules: set[str] = set()
        self.by_hand = False

    @property
    def agrees(self) -> bool:
        """Whether every difference is within tolerance."""
        return self.relative <= TOLERANCE

    @property
    def by(self) -> str:
        """Who the model was replayed by, in words."""
        hand = ["its own equations where a gate is edited"] if self.by_hand else []
        return " and ".join([*sorted(self.modules), *hand])

    def take(self, part: Replayed, trace: Trace) -> bool:
        """Hold some steps of a trace against what the model gave; says whether they fit together at all."""
        stop = part.first + part.count
        sizes = {name: channel.size for name, channel in trace.channels.items()} | {LOG_PROBS: 1}
        total = sum(sizes.get(name, 0) for name in part.channels)
        if stop > len(trace) or len(part.values) != 4 * part.count * total:
            return False
        values = np.frombuffer(part.values, "<f4").reshape(part.count, -1)
        begin = 0
        for name in part.channels:
            drawn = trace.log_probs[part.first : stop, None] if name == LOG_PROBS else \
                trace.column(name)[part.first : stop].reshape(part.count, -1)
            self._hold(name, drawn, values[:, begin : begin + drawn.shape[1]], part.first)
            begin += drawn.shape[1]
        self.steps += part.count
        self.modules.update(part.modules)
        self.by_hand |= not part.modules
        return True

    def _hold(self, name: str, drawn: np.ndarray[tuple[int, ...], np.dtype[np.float32]],
              own: np.ndarray[tuple[int, ...], np.dtype[np.float32]], first: int) -> None:
        with np.errstate(invalid="ignore"):
            away = np.abs(own.astype(np.float64) - drawn)
        away[own == drawn] = 0.0  # a word that is never written has minus infinity in both
        away[np.isnan(away)] = np.inf
        relative = away / np.maximum(1.0, np.where(np.isfinite(drawn), np.abs(drawn), 1.0))
        worst = np.unravel_index(int(np.argmax(relative)), relative.shape)
        size = float(away[worst])
        self.relative = max(self.relative, float(relative[worst]))
        self.by_channel[name] = max(self.by_channel.get(name, 0.0), size)
        if not self.where or size > self.largest:
            self.largest = size
            unit = f", unit {worst[1]}" if name != LOG_PROBS else ""
            self.where = f"{name.replace('_', ' ')}{unit}, step {first + int(worst[0]) + 1:,}"
