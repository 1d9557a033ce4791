"""Where documents lie: none over another, none in two parts, and long ones where their blocks begin."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from unrolled.models.store.layout import BLOCKS
from unrolled.models.store.making import COLUMNS, pack


@given(st.lists(st.integers(1, 70_000), min_size=1, max_size=40), st.sampled_from([4096, 16384]))
def test_documents_lie_apart_in_parts_of_whole_shards(rooms, shard):
    rooms = np.array(rooms, np.int64)
    begin, parts, shards = pack(rooms, shard)
    taken = np.zeros(shards * shard, np.int8)
    edges = np.append(parts, shards) * shard
    for place, room in zip(begin, rooms, strict=True):
        assert place + room <= len(taken)
        taken[place : place + room] += 1
        own = np.searchsorted(edges, place, side="right") - 1
        assert place + room <= edges[own + 1]
        for block in BLOCKS:
            assert room < block * COLUMNS or place % block == 0
    assert taken.max() == 1
    assert taken.sum() == rooms.sum()
    assert parts[0] == 0
    assert (np.diff(edges) > 0).all()
    used = np.bincount(np.searchsorted(edges, begin, side="right") - 1, minlength=len(parts))
    assert used.min() >= 1  # no part is empty
