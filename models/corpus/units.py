"""What each unit does over all documents: its values, where they are extreme, how long they last, what of a text they follow."""

import heapq
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from unrolled.models.analysis.text_properties import PROPERTIES
from unrolled.models.corpus.parts import Extents, Told, Wanted, part_notes, read_parts
from unrolled.models.store.layout import BY_UNIT, Stored, StoreError, is_searched, values_of
from unrolled.models.store.store import Store
from unrolled.models.trace import Channel
from unrolled.models.trace.pyramid import MISSING, PLACES, places_of

EXTREMES = 5   # places that are named
LOT = 2654435761  # a multiplier that scatters neighbours (Knuth, The Art of Computer Programming 3, 6.4)
SMALL_WORDS = ("a", "the", "of")

Counts = npt.NDArray[np.int64]
Properties = Mapping[str, npt.NDArray[np.float32]]  # by their names, for every step of a part
Extreme = tuple[float, int, int]  # value, lot, place


class Place(NamedTuple):
    """A step of a document, and the unit's value there."""

    document: int
    step: int
    value: float


class Follows(NamedTuple):
    """How closely a unit follows a property of the text."""

    correlation: float  # Pearson's
    # the chance that its value where the property is yes lies above one where it is no, to a 255th of the range; nan where
    # the property is no yes or no
    area: float


class UnitStatistics(NamedTuple):
    """One unit over all steps of a store."""

    unit: int
    histogram: Counts   # (255,): how many steps have their value in each 255th of the channel's range
    mean: float
    deviation: float
    # greatest, least: of neighbouring steps the one, so that each is a place of its own; of equals by lot
    greatest: tuple[Place, ...]
    least: tuple[Place, ...]
    # above, below: how many steps it stays on either side of the middle of its range, on the mean; 0 where it never is there
    above: float
    below: float
    follows: dict[str, Follows]  # of each property that was asked about


class UnitsFound(NamedTuple):
    """All units that were asked about; see `Found`."""

    units: tuple[UnitStatistics, ...]
    steps: int
    notes: tuple[str, ...]


def property_named(name: str) -> str:
    """A property of texts by the name that people know it by, or with hyphens: ``inside-string``. Raises `StoreError`."""
    for known in PROPERTIES:
        if name.strip().lower() in (known, known.replace(" ", "-"), slug(known)):
            return known
    raise StoreError(f"There is no property “{name}”; there are {', '.join(slug(known) for known in PROPERTIES)}.")


def slug(name: str) -> str:
    return "-".join(word for word in name.split() if word not in SMALL_WORDS)


def unit_statistics(store: Store, channel: str, *, units: tuple[int, ...] = (), properties: Sequence[str] = (),
                    wanted: Wanted = lambda: True, progress: Told = lambda done, of: None) -> UnitsFound:
    """Statistics of all steps, a part at a time, each of which is read once. Raises `StoreError` when there is no such channel or
    unit, or the store has no texts that properties could be of.

    Parameters
    ----------
    units : tuple of int
        Which; all without it.
    properties : sequence of str
        Keys of `PROPERTIES`.
    """
    own = store.description.channel(channel)
    if not is_searched(own):
        raise StoreError(f"The channel “{channel}” is not kept by unit.")
    for number in units:
        store.column(channel, number, 0, 0)  # says so where there is none
    if properties and not store.description.has_characters:
        raise StoreError("Properties are of texts that are read character by character, and this store has none.")
    numbers = units or tuple(range(own.size))
    known = {name: _Property() for name in properties}
    gathering = [_Unit(unit, own, properties) for unit in numbers]
    notes, steps = part_notes(store), 0

    def read(part: Extents) -> tuple[list[Stored], Properties]:
        rows = store.steps(f"{BY_UNIT}/{channel}", axis=1).read_all(part.start, part.stop, numbers)
        inside = part.inside()
        return ([row[inside] for row in rows],
                {name: of_text[inside] for name, of_text in properties_of(store, part, properties, wanted).items()})

    step_bytes = len(numbers) * np.dtype(store.description.dtype).itemsize + 4 * len(properties)
    for part, (rows, followed) in read_parts(store, notes, read, step_bytes=step_bytes, wanted=wanted, progress=progress):
        steps += part.total
        inside = part.inside()
        places, begins = np.flatnonzero(inside) + part.start, part.edges()[:-1][inside]
        for name, of_text in followed.items():
            known[name].add(of_text)
        for one, kept in zip(gathering, rows, strict=True):
            one.add(kept, places, begins, followed)
    return UnitsFound(tuple(unit.found(store, known) for unit in gathering), steps, tuple(notes))


def properties_of(store: Store, part: Extents, names: Sequence[str], wanted: Wanted = lambda: True) -> Properties:
    """Some of `PROPERTIES` for each place of a part, 0 in holes; the part's characters are read at once."""
    found = {name: np.zeros(part.stop - part.start, np.float32) for name in names}
    codes = store.steps("character").read(part.start, part.stop).astype("<u4") if names else np.zeros(0, "<u4")
    for begin, steps in zip(part.begin.tolist(), part.steps.tolist(), strict=True) if names else ():
        if not wanted():
            break
        text = codes[begin : begin + steps].tobytes().decode("utf-32-le", "surrogatepass")
        for name, own in found.items():
            own[begin : begin + steps] = PROPERTIES[name](text)
    return found


class _Property:
    def __init__(self) -> None:
        self.sums = np.zeros(3)  # Σp, Σp², number
        self._least, self._most, self._two = np.inf, -np.inf, True

    def add(self, own: npt.NDArray[np.float32]) -> None:
        if len(own):
            self.sums += own.sum(dtype=np.float64), (own.astype(np.float64) ** 2).sum(), len(own)
            self._least, self._most = min(self._least, float(own.min())), max(self._most, float(own.max()))
            self._two = self._two and bool(((own == 0) | (own == 1)).all())

    @property
    def is_yes_or_no(self) -> bool:
        return self._two and self._least == 0 and self._most == 1


class _Unit:
    def __init__(self, number: int, channel: Channel, properties: Sequence[str]) -> None:
        self.number, self._channel = number, channel
        self._counts = np.zeros(MISSING + 1, np.int64)
        self._sums = np.zeros(2)                   # Σv, Σv²
        self._yes = {name: np.zeros(MISSING + 1, np.int64) for name in properties}
        self._products = dict.fromkeys(properties, 0.0)  # Σv·p
        self._runs, self._sides = np.zeros(2, np.int64), np.zeros(2, np.int64)  # below, above
        self._greatest: list[Extreme] = []
        self._least: list[Extreme] = []

    def add(self, kept: Stored, places: Counts, begins: npt.NDArray[np.bool_], followed: Properties) -> None:
        """Take over the steps of a part; `begins` says which are the first of a document."""
        if not len(kept):
            return
        channel = self._channel
        values = values_of(kept, channel)
        as_places = kept if kept.dtype == np.uint8 else places_of(values, low=channel.low, high=channel.high)
        self._counts += np.bincount(as_places, minlength=MISSING + 1)
        wide = np.nan_to_num(values.astype(np.float64))
        self._sums += wide.sum(), (wide**2).sum()
        for name, own in followed.items():
            self._products[name] += float(wide @ own.astype(np.float64))
            self._yes[name] += np.bincount(as_places[own > 0], minlength=MISSING + 1)
        above = values >= (channel.low + channel.high) / 2
        first = begins.copy()
        first[0] = True
        first[1:] |= above[1:] != above[:-1]
        self._runs += int((first & ~above).sum()), int((first & above).sum())
        self._sides += int((~above).sum()), int(above.sum())
        for best, height in ((self._greatest, values), (self._least, -values)):
            peak = np.ones(len(values), bool)
            peak[1:] &= begins[1:] | ~(height[1:] < height[:-1])
            peak[:-1] &= begins[1:] | ~(height[:-1] <= height[1:])
            self._extremes(best, height[peak], places[peak])

    @staticmethod
    def _extremes(best: list[Extreme], values: npt.NDArray[np.float32], places: Counts) -> None:
        """Saturated units have thousands of equals: which of them are named is drawn by lot, the same one for every reader,
        or all would be of the first document."""
        floor = best[0][0] if len(best) == EXTREMES else -np.inf
        over = np.flatnonzero(values >= floor)
        lots = places[over] * LOT % 2**32
        if len(over) > EXTREMES:
            border = np.partition(values[over], len(over) - EXTREMES)[len(over) - EXTREMES]
            equal = np.flatnonzero(values[over] == border)
            drawn = equal[np.argpartition(lots[equal], len(equal) - EXTREMES)[len(equal) - EXTREMES :]] \
                if len(equal) > EXTREMES else equal
            chosen = np.concatenate((np.flatnonzero(values[over] > border), drawn))
            over, lots = over[chosen], lots[chosen]
        for place, lot in zip(over.tolist(), lots.tolist(), strict=True):
            one = float(values[place]), lot, int(places[place])
            if len(best) < EXTREMES:
                heapq.heappush(best, one)
            elif one > best[0]:
                heapq.heapreplace(best, one)

    def found(self, store: Store, properties: Mapping[str, _Property]) -> UnitStatistics:
        count = max(int(self._counts[:MISSING].sum()), 1)
        mean = self._sums[0] / count
        spread = np.sqrt(max(self._sums[1] / count - mean**2, 0.0))
        follows = {name: Follows(self._correlation(self._products[name], own.sums), _area(
            self._counts[:PLACES], self._yes[name][:PLACES]) if own.is_yes_or_no else float("nan"))
            for name, own in properties.items()}
        return UnitStatistics(
            self.number, self._counts[:PLACES], float(mean), float(spread), self._places(store, self._greatest, 1),
            self._places(store, self._least, -1), self._dwell(1), self._dwell(0), follows)

    def _dwell(self, side: int) -> float:
        return float(self._sides[side] / self._runs[side]) if self._runs[side] else 0.0

    def _places(self, store: Store, best: list[Extreme], sign: int) -> tuple[Place, ...]:
        ordered = sorted(best, reverse=True)
        documents, steps = store.at(np.array([place for _, _, place in ordered], np.int64))
        return tuple(Place(document, step, sign * value) for (value, _, _), document, step
                     in zip(ordered, documents.tolist(), steps.tolist(), strict=True))

    def _correlation(self, products: float, of_property: npt.NDArray[np.float64]) -> float:
        total, squares, count = of_property
        if not count:
            return float("nan")
        both = products - self._sums[0] * total / count
        scale = np.sqrt(max(self._sums[1] - self._sums[0] ** 2 / count, 0.0) * max(squares - total**2 / count, 0.0))
        return float(both / scale) if scale > 1e-9 * count else 0.0


def _area(counts: Counts, yes: Counts) -> float:
    """Of Mann and Whitney, from histograms; ties count as half."""
    no = counts - yes
    pairs = float(yes.sum()) * float(no.sum())
    below = np.cumsum(no) - no
    return float((yes * (below + no / 2)).sum() / pairs) if pairs else float("nan")
