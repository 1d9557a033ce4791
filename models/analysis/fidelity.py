"""What is drawn or recorded, held against the same steps computed a second time or returned."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from unrolled.models.protocol.questions import CANDIDATE_LOG_PROBS, LOG_PROBS, STATE_GAP, Replayed
from unrolled.models.trace import Agreement, Channel, Trace
from unrolled.models.trace.numbers import brief
from unrolled.models.trace.slices import spoken

TOLERANCE = 1e-4   # of values around 1: single precision stays well below, on any device
BESIDE = {STATE_GAP: "state carried on from the step before", LOG_PROBS: "log-probability of the token written",
          CANDIDATE_LOG_PROBS: "log-probabilities of the candidates"}
HALF = {"bfloat16": 3e-2, "float16": 5e-3}  # some units in the last place, of values around 1
MOST_NAMED = 4

Values = npt.NDArray[np.floating]


def place_in_words(channel: str, unit: int | None, step: int, channels: Mapping[str, Channel]) -> str:
    """A channel, its unit, layer and whatever else it has, and step for people, who count steps from 1."""
    of = "" if unit is None or channel not in channels else f", {channels[channel].place(unit)}"
    return f"{BESIDE.get(channel, spoken(channel))}{of}, step {step + 1:,}"


@dataclass(eq=False)
class Fidelity:
    """The largest difference so far."""

    steps: int = 0              # how many were computed a second time
    largest: float = 0.0        # of any value, as a share of the value where that is above 1
    # channel, unit, step: where it is, step and which of the channel's values counted from 0; None of what has but one
    channel: str = ""
    unit: int | None = None
    step: int = 0
    # the largest of each channel, of the state that is carried on, and of the log-probabilities, in the order in which they came
    by_channel: dict[str, float] = field(default_factory=dict)
    computed_by: tuple[str, ...] = ()  # the modules and functions of torch that computed the steps
    manner: str = ""                   # in what precision, and from what
    missing: tuple[str, ...] = ()      # channels that are drawn and were not computed a second time
    _channels: Mapping[str, Channel] = field(default_factory=dict)

    @property
    def agrees(self) -> bool:
        """Whether every channel was compared, and every difference is within tolerance."""
        return self.largest <= TOLERANCE and not self.missing

    @property
    def where(self) -> str:
        """Where the largest difference is, in words; empty while nothing was compared."""
        return place_in_words(self.channel, self.unit, self.step, self._channels) if self.channel else ""

    @property
    def checked(self) -> str:
        return ", ".join(BESIDE.get(name, spoken(name)) for name in self.by_channel)

    @property
    def how(self) -> str:
        return f"{self.manner}, by {', '.join(self.computed_by)}"

    def take(self, part: Replayed, trace: Trace) -> bool:
        """Hold some steps of a trace against what they came to; says whether they fit together at all."""
        stop = part.first + part.count
        recorded = min((len(trace.candidates[step]) for step in range(part.first, min(stop, len(trace)))), default=0)
        candidates = len(part.candidate_tokens) // 4 // part.count if part.count else 0
        sizes = {name: channel.size for name, channel in trace.channels.items()}
        sizes |= {STATE_GAP: 1, LOG_PROBS: 1, CANDIDATE_LOG_PROBS: candidates}
        total = sum(sizes.get(name, 0) for name in part.channels)
        lengths = [len(sent) for sent in (part.values, part.tokens, part.candidate_tokens)]
        if stop > len(trace) or candidates < recorded or lengths != [4 * part.count * each for each in (total, 1, candidates)]:
            return False
        values = np.frombuffer(part.values, "<f4").reshape(part.count, -1)
        begin = 0
        for name in part.channels:
            own = values[:, begin : begin + sizes[name]]
            begin += sizes[name]
            if name == CANDIDATE_LOG_PROBS:
                drawn = np.array([[one.log_prob for one in best[:recorded]] for best in trace.candidates[part.first : stop]])
                self._hold(name, drawn, own[:, :recorded], part.first)                      # they are the best,
                self._hold(name, drawn, _by_token(part, own, trace, recorded), part.first)  # and each is named rightly
            else:
                self._hold(name, _drawn(part, trace, name), own, part.first)
        self.steps += part.count
        self._channels = trace.channels
        self.computed_by = tuple(dict.fromkeys((*self.computed_by, *part.computed_by)))
        self.manner = part.manner
        self.missing = tuple(name for name in (*trace.channels, *BESIDE) if name not in self.by_channel)
        return True

    def _hold(self, name: str, drawn: Values, own: Values, first: int) -> None:
        if not drawn.size:
            return
        with np.errstate(invalid="ignore"):
            away = np.abs(own.astype(np.float64) - drawn)
        away[own == drawn] = 0.0  # infinities that are the same
        away[np.isnan(away)] = np.inf
        relative = away / np.maximum(1.0, np.where(np.isfinite(drawn), np.abs(drawn), 1.0))
        worst = np.unravel_index(int(np.argmax(relative)), relative.shape)
        size = float(relative[worst])
        self.by_channel[name] = max(self.by_channel.get(name, 0.0), size)
        if not self.channel or size > self.largest:
            self.largest, self.channel, self.step = size, name, first + int(worst[0])
            self.unit = int(worst[1]) if drawn.shape[1] > 1 and name not in BESIDE else None


def _drawn(part: Replayed, trace: Trace, name: str) -> Values:
    """What the trace has of a channel, or of what is held beside the channels, flat, (steps, size)."""
    steps = slice(part.first, part.first + part.count)
    if name == STATE_GAP:
        return np.zeros((part.count, 1))
    if name == LOG_PROBS:
        same = np.array(trace.tokens[steps]) == np.frombuffer(part.tokens, "<i4")
        return np.where(same, trace.log_probs[steps], np.nan)[:, None]  # of another word it is no number of this one
    return trace.column(name)[steps].reshape(part.count, -1)


def _by_token(part: Replayed, own: Values, trace: Trace, recorded: int) -> Values:
    """What the second computation gives the recorded candidates, each by its token, (steps, recorded)."""
    tokens = np.frombuffer(part.candidate_tokens, "<i4").reshape(part.count, -1)
    each = [dict(zip(row.tolist(), values.tolist(), strict=True)) for row, values in zip(tokens, own, strict=True)]
    return np.array([[found.get(one.token, -np.inf) for one in trace.candidates[part.first + row][:recorded]]
                     for row, found in enumerate(each)])


class Agreed:
    def __init__(self, trace: Trace) -> None:
        titles = {name: channel.title for name, channel in trace.channels.items()}
        known = [own for own in trace.provenance.agreements if own.channel in titles]
        compared = [(own.difference, own) for own in known if own.difference is not None]
        worst = max(compared, key=lambda pair: pair[0], default=(0.0, None))
        self.largest = worst[0]  # of all differences
        self.where = titles[worst[1].channel] if worst[1] is not None else ""  # the channel that has it
        # whether that is no more than the precision explains
        self.within = self.largest <= HALF.get(trace.provenance.precision, TOLERANCE)
        named = {own.channel for _, own in compared}
        # the channels that could not be compared
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
            lines.append(f"{', '.join(named)}{more}: {way}" + ("." if largest is None else f"; at most {brief(largest)}."))
        return "\n".join(lines)
