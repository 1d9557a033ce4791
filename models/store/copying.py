"""A document of a store far away, brought to this machine before it is looked at: a window that paints waits for no network."""

from collections.abc import Callable
from contextlib import suppress
from functools import partial

import msgspec
import numpy as np

from unrolled.models.store.layout import SHORTEST_SHARD, Stored
from unrolled.models.store.location import Location
from unrolled.models.store.making import make_store, pack
from unrolled.models.store.own_folder import OwnFolder
from unrolled.models.store.reading_ahead import ahead, at_once
from unrolled.models.store.store import Store, open_store
from unrolled.models.store.stored_trace import StoredTrace
from unrolled.models.store.writing import Part, PartWriter

HEARD_SECONDS = 0.2


def brought(store: Store, number: int, say: Callable[[float], None]) -> StoredTrace:
    """A document as a trace that is read on this machine; of a store that lies here nothing is copied.

    Its steps are copied a shard at a time into a store of that one document, in a temporary folder that is there as long as the
    trace. Channels that cannot be read are left out and named in its `problems`. Raises `StoreError` when the document is not
    there or damaged, and `UnreachableError`.

    Parameters
    ----------
    say : callable
        Is told how much is there, from 0 to 1; what it raises ends the copying.
    """
    run = store.run(number)
    if store.location.folder is not None:
        return StoredTrace(run)
    there = StoredTrace(run)
    folder = OwnFolder()
    channels = tuple(there.channels.values())
    rooms = np.array([len(run)], np.int64)
    shard = min(store.description.shard, max(SHORTEST_SHARD, 2 ** (len(run) - 1).bit_length()))  # no shard is read twice
    packing = pack(rooms, shard)
    description = msgspec.structs.replace(store.description, channels=channels, documents=1, parts=1, filled=True,
                                          steps=packing.shards * shard, shard=shard)
    location = Location(folder.path / "store")
    make_store(location, description, [run.title], rooms, packing)
    writer, pieces = PartWriter(location, description), [
        (start, channel) for start in range(0, len(run), shard) for channel in channels]
    size = shard * max((channel.size for channel in channels), default=1) * np.dtype(description.dtype).itemsize
    read = ahead(lambda piece: run.kept(piece[1].name, piece[0], piece[0] + shard), pieces, at_once(store.location, size))
    for place, start in enumerate(range(0, len(run), shard)):
        part, stop = Part.empty(description, 1), min(start + shard, len(run))
        own = slice(0, stop - start)
        part.tokens[own], part.log_probs[own] = run.tokens(start, stop), run.log_probs(start, stop)
        if part.characters is not None:
            part.characters[own] = list(map(ord, run.text(start, stop)))
        for done, channel in enumerate(channels, place * len(channels)):
            part.values[channel.name][own] = _awaited(next(read), partial(say, done / len(pieces)))
        writer.write(0, place, part)
    trace = StoredTrace(open_store(location.address).run(0))
    trace.problems, trace.folder = there.problems, folder
    return trace


def _awaited(found: Callable[[float], Stored], say: Callable[[], None]) -> Stored:
    """What is being read; meanwhile it is heard whether somebody still waits."""
    while True:
        say()
        with suppress(TimeoutError):
            return found(HEARD_SECONDS)
