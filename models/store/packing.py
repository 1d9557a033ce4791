"""Where each document lies on the step axis, and which shards make a part."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from unrolled.models.store.layout import BLOCKS

COLUMNS = 64  # a document is drawn from blocks of which it has at least so many

Places = npt.NDArray[np.int64]


class Packing(NamedTuple):
    """A plan of the step axis."""

    begin: Places        # (documents,): the place of each document's first step
    part_shards: Places  # (parts,): the first shard of each part
    shards: int          # how many there are


def pack(rooms: Places, shard: int) -> Packing:
    """Documents one after another, the longest first, so that those of one length are stepped together.

    None lies in two parts: where one does not fit into what is left of a shard it begins the next. It begins at a multiple
    of the blocks that it is drawn from, so that only its last one may hold another's steps.

    Parameters
    ----------
    rooms : array of int64, shape (documents,)
        How many steps each needs, at least 1.
    shard : int
        Steps a shard, a power of two.
    """
    begin = np.zeros(len(rooms), np.int64)
    parts: list[int] = []
    place, shards = 0, 0  # the next free place; those that are taken
    for document in np.argsort(-rooms, kind="stable").tolist():
        room = int(rooms[document])
        align = max((block for block in BLOCKS if block * COLUMNS <= room), default=1)
        place = -(-place // align) * align
        if place + room > shards * shard:
            place = shards * shard
            parts.append(shards)
            shards += -(-room // shard)
        begin[document] = place
        place += room
        if room > shard:
            place = shards * shard  # what is left of a long document's last shard stays empty
    return Packing(begin, np.array(parts, np.int64), shards)
