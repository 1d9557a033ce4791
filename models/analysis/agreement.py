"""How well a recording agrees with what the recorded network returned, in words. It knows neither Qt nor torch."""

from __future__ import annotations

from unrolled.models.analysis.fidelity import TOLERANCE
from unrolled.models.trace import Agreement, Trace

HALF = {"bfloat16": 3e-2, "float16": 5e-3}  # some units in the last place, of values around 1
MOST_NAMED = 4


class Agreed:
    """What the agreements of a trace come to.

    Attributes
    ----------
    largest : float
        Of all differences.
    where : str
        The channel that has it.
    within : bool
        Whether that is no more than the precision explains.
    uncompared : tuple of str
        The channels that could not be compared.
    """

    def __init__(self, trace: Trace) -> None:
        titles = {name: channel.title for name, channel in trace.channels.items()}
        known = [own for own in trace.provenance.agreements if own.channel in titles]
        compared = [(own.difference, own) for own in known if own.difference is not None]
        worst = max(compared, key=lambda pair: pair[0], default=(0.0, None))
        self.largest = worst[0]
        self.where = titles[worst[1].channel] if worst[1] is not None else ""
        self.within = self.largest <= HALF.get(trace.provenance.precision, TOLERANCE)
        named = {own.channel for _, own in compared}
        self.uncompared = tuple(title for name, title in titles.items() if name not in named)
        self._known, self._titles = known, titles

    @property
    def how(self) -> str:
        """A line for every way of comparing, with its channels and their largest difference."""
        by_way: dict[str, list[Agreement]] = {}
        for own in self._known:
            by_way.setdefault(own.against, []).append(own)
        lines = []
        for way, group in by_way.items():
            named = [self._titles[own.channel] for own in group[:MOST_NAMED]]
            more = f" and {len(group) - MOST_NAMED} more" if len(group) > MOST_NAMED else ""
            largest = max((own.difference for own in group if own.difference is not None), default=None)
            lines.append(f"{', '.join(named)}{more}: {way}" + ("." if largest is None else f"; at most {largest:.2g}."))
        return "\n".join(lines)
