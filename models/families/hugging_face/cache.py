"""Keys and values of the steps before, as a value: a state can be stepped from again and again, and branches share it.

The library's own caches grow in place. Here a state is a length within buffers that only grow behind it: the state that
reaches to a buffer's end writes its next step there, any other one makes buffers of its own first. So a run of T steps
holds each step's keys once, not T times.
"""

from typing import NamedTuple

import torch
from torch import Tensor
from transformers.cache_utils import CacheLayerMixin

ROOM = 16  # steps, at the least, that a new buffer has behind what it is filled with


class Grown:
    """Buffers (rows, heads, room, size), of which the first `filled` places belong to somebody."""

    __slots__ = ("filled", "keys", "values")

    def __init__(self, keys: Tensor, values: Tensor, filled: int) -> None:
        self.keys, self.values, self.filled = keys, values, filled


class Past(NamedTuple):
    """What all layers keep of the first `length` steps; no layers before the first one."""

    layers: tuple[Grown, ...] = ()
    length: int = 0

    def select(self, rows: Tensor) -> "Past":
        """The past of hypotheses whose parents are in these rows, (K,)."""
        return Past(tuple(Grown(own.keys[:, :, : self.length].index_select(0, rows),
                                own.values[:, :, : self.length].index_select(0, rows), self.length)
                          for own in self.layers), self.length)


class SharedLayer(CacheLayerMixin):
    """A layer of the library's `Cache`, for one step from a state; `grown` and `length` are the new state's afterwards."""

    def __init__(self, grown: Grown | None, length: int) -> None:
        super().__init__()
        self.grown, self.length = grown, length

    def lazy_initialization(self, keys: Tensor, values: Tensor) -> None:
        """There is nothing to prepare."""

    def update(self, keys: Tensor, values: Tensor, *args: object, **options: object) -> tuple[Tensor, Tensor]:
        """Add a step's (rows, heads, 1, size), and give all."""
        before, length = self.grown, self.length
        after = length + keys.shape[-2]
        if torch.is_grad_enabled():  # what a graph holds is not written to
            if before is not None and length:
                keys, values = (torch.cat((old[:, :, :length].clone().expand(len(new), -1, -1, -1), new), dim=-2)
                                for old, new in ((before.keys, keys), (before.values, values)))
            self.grown = Grown(keys, values, after)
        else:
            if before is None or before.filled != length or before.keys.shape[2] < after or len(before.keys) != len(keys):
                before = _with_room(before, keys, values, length)
            before.keys[:, :, length:after], before.values[:, :, length:after] = keys, values
            before.filled = after
            self.grown = before
        self.length = after
        return self.grown.keys[:, :, :after], self.grown.values[:, :, :after]

    def get_seq_length(self) -> int:
        return self.length

    def get_mask_sizes(self, query_length: int) -> tuple[int, int]:
        return self.length + query_length, 0

    def get_max_length(self) -> int:
        return -1


class LookedAtLayer(CacheLayerMixin):
    """The keys and values of what was read, which belong to the input; made at the first step that looks there."""

    def __init__(self, kept: tuple[Tensor, Tensor] | None) -> None:
        super().__init__()
        if kept is not None:
            self.keys, self.values = kept

    @property
    def kept(self) -> tuple[Tensor, Tensor] | None:
        return None if self.keys is None else (self.keys, self.values)

    def lazy_initialization(self, keys: Tensor, values: Tensor) -> None:
        """There is nothing to prepare."""

    def update(self, keys: Tensor, values: Tensor, *args: object, **options: object) -> tuple[Tensor, Tensor]:
        self.keys, self.values = keys, values
        return keys, values

    def get_seq_length(self) -> int:
        return 0 if self.keys is None else int(self.keys.shape[-2])

    def get_mask_sizes(self, query_length: int) -> tuple[int, int]:
        return self.get_seq_length() + query_length, 0

    def get_max_length(self) -> int:
        return -1


def _with_room(before: Grown | None, keys: Tensor, values: Tensor, length: int) -> Grown:
    rows, heads, new, _ = keys.shape
    room = max(2 * length, length + new + ROOM)
    made = Grown(keys.new_empty(rows, heads, room, keys.shape[-1]), values.new_empty(rows, heads, room, values.shape[-1]), length)
    if before is not None and length:
        made.keys[:, :, :length], made.values[:, :, :length] = before.keys[:, :, :length], before.values[:, :, :length]
    return made
