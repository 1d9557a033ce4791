"""What a watched training has told so far, and the update that is looked at. It knows no Qt and no torch."""

import math
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from unrolled.models.protocol.watching import KeptUpdates, WatchBegun, WatchedLosses, WatchedUpdate, WatchEnded

Numbers = npt.NDArray[np.float64]
Made = TypeVar("Made")
MOST_LOSSES = 400_000  # beyond it every second is let go


class WatchHistory:
    def __init__(self, begun: WatchBegun) -> None:
        self.begun = begun  # what is watched
        self.updates = KeptUpdates()  # what was seen
        self.ended = False  # no more will come
        self._losses: dict[int, float] = {}
        self._made: dict[tuple[object, ...], Any] = {}  # of what is there, until more comes

    def take(self, report: WatchBegun | WatchedUpdate | WatchedLosses | WatchEnded) -> None:
        """Take in what was told. Raises `ValueError` when it does not fit."""
        self._made.clear()
        if isinstance(report, WatchBegun):
            self.begun = report
        elif isinstance(report, WatchedUpdate):
            self.begun.trace(report)  # which sees whether it fits
            self.updates.add(report)
        elif isinstance(report, WatchedLosses):
            updates, losses = report.pairs()
            self._losses.update(zip(updates.astype(int).tolist(), losses.tolist(), strict=True))
            if len(self._losses) > MOST_LOSSES:
                self._losses = dict(list(self._losses.items())[::2])
        else:
            self.ended = True

    @property
    def losses(self) -> tuple[Numbers, Numbers]:
        return self._once(("losses",), lambda: (np.array(list(self._losses), np.float64),
                                                np.array(list(self._losses.values()), np.float64)))

    @property
    def loss_is_positive(self) -> bool:
        """Whether every loss has a place on a logarithmic axis."""
        return bool((self.losses[1][np.isfinite(self.losses[1])] > 0).all())

    def loss(self, update: int) -> float:
        """NaN where none was given."""
        return self._losses.get(update, math.nan)

    @property
    def last(self) -> int:
        """The newest update that is known of."""
        return max(next(reversed(self._losses), 0), self.updates[-1].update if len(self.updates) else 0)

    @property
    def dropped(self) -> int:
        return self.updates[-1].dropped if len(self.updates) else 0

    @property
    def layers(self) -> tuple[str, ...]:
        """The names of the layers that gradients are known of."""
        return tuple(dict.fromkeys(own.name for update in (*self.updates,)[-3:] for own in update.gradients))

    @property
    def cells(self) -> tuple[str, ...]:
        """Those of the layers whose cells' gradients are known too."""
        return tuple({own.name: None for update in (*self.updates,)[-3:] for own in update.gradients if own.cell})

    def place_of(self, update: int) -> int:
        """The place among `updates` of the newest that is not after this one; -1 without any."""
        numbers = [own.update for own in self.updates]
        return int(np.searchsorted(numbers, update, side="right")) - 1

    def norms(self) -> tuple[Numbers, Numbers, Numbers]:
        """Updates, and the gradient's norm before and after clipping, NaN where it was not seen."""
        def table() -> tuple[Numbers, Numbers, Numbers]:
            seen = [(own.update, own.norm_before, own.norm_after) for own in self.updates if own.update]
            update, before, after = np.array(seen, np.float64).reshape(-1, 3).T
            return update, np.where(before < 0, np.nan, before), np.where(after < 0, np.nan, after)

        return self._once(("norms",), table)

    def gradients(self, update: WatchedUpdate, layer: str, *, of_cell: bool) -> Numbers:
        """Of one layer at an update, (steps,), none where they were not seen; the cell's only where it has one."""
        own = next((own for own in update.gradients if own.name == layer), None)
        return np.zeros(0) if own is None else own.norms(of_cell=of_cell and bool(own.cell)).astype(np.float64)

    def seen_gradients(self, layer: str, *, of_cell: bool) -> tuple[tuple[int, ...], tuple[Numbers, ...]]:
        """The updates at which those of a layer were seen, and their norms, (steps,) each."""
        found = [(own.update, norms) for own in self.updates if len(norms := self.gradients(own, layer, of_cell=of_cell))]
        return tuple(update for update, _ in found), tuple(norms for _, norms in found)

    def gradient_map(self, layer: str, columns: int, *, of_cell: bool) -> tuple[Numbers, float, float] | None:
        """Of one layer over all updates, (steps, columns), NaN where nothing is known.

        Beside it the update at the left end, and how many updates a column is wide: each shows the newest that was seen up to it.
        """
        return self._once((layer, columns, of_cell), lambda: self._gradient_map(layer, columns, of_cell))

    def _gradient_map(self, layer: str, columns: int, of_cell: bool) -> tuple[Numbers, float, float] | None:
        updates, found = self.seen_gradients(layer, of_cell=of_cell)
        if not updates:
            return None
        numbers = np.array(updates, np.float64)
        steps, first, last = max(map(len, found)), numbers[0], numbers[-1]
        count = int(min(max((last - first) / max(self.begun.every, 1), 1), columns))
        width = max((last - first) / count, 1.0)
        places = np.searchsorted(numbers, first + width * (np.arange(count) + 0.5), side="right") - 1
        table = np.full((steps, count), np.nan)
        for column, place in enumerate(places):
            norms = found[max(place, 0)]
            table[: len(norms), column] = norms
        return table, float(first), float(width)

    def _once(self, key: tuple[object, ...], make: Callable[[], Made]) -> Made:
        """What is made of all that is there, made once: a slider asks for it at every place."""
        if key not in self._made:
            self._made[key] = make()
        found: Made = self._made[key]
        return found
