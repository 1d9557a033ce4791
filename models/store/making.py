"""Make a store: where each document lies on the step axis, and all arrays without a step in them."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

from unrolled.models.store.layout import (
    ATTRIBUTE,
    BLOCKS,
    BY_UNIT,
    CHUNK_BYTES,
    PYRAMID,
    SMALL_CHUNK,
    STATISTICS,
    TITLES_A_CHUNK,
    UNIT_BYTES,
    StoreDescription,
    StoreError,
    fill_of,
    is_searched,
    is_timeline,
    scale_of,
)
from unrolled.models.store.location import Location
from unrolled.models.trace import Channel
from unrolled.models.trace.channel import dimension_names
from unrolled.models.trace.pyramid import MISSING

COLUMNS = 64  # a document is drawn from blocks of which it has at least so many
UNFINISHED = "unrolled-unfinished"
PLACES_A_CHUNK = 2**16

Places = npt.NDArray[np.int64]


class Packing(NamedTuple):
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


def make_store(location: Location, description: StoreDescription, titles: Sequence[str], rooms: Places, packing: Packing) -> None:
    """Make it; what was left of one that was not finished being made is made anew. Raises `StoreError` when something else
    lies there, or a channel has a name that cannot be kept.
    """
    if location.exists():
        if UNFINISHED not in location.group("r").attrs:
            raise StoreError(f"“{location.title}” holds something else already; name another folder.")
    elif not location.is_empty():
        raise StoreError(f"The folder “{location.title}” is not empty; name another.")
    group = location.group("w")
    group.update_attributes({UNFINISHED: True})
    _of_documents(group, titles, rooms, packing)
    _of_steps(group, description)
    names = dimension_names(description.channels)
    by_unit, pyramid = group.create_group(BY_UNIT), group.create_group(PYRAMID)
    levels = {block: pyramid.create_group(str(block)) for block in description.blocks}
    for channel in description.channels:
        axes = names[channel.name]
        _by_step(group, description, channel, axes)
        if is_searched(channel):
            _array(by_unit, channel.name, (*channel.shape, description.steps), (_units(description, channel), description.shard),
                   (*channel.shape, description.shard), description.dtype, (*axes, "step"), channel)
        if is_timeline(channel):
            for block, level in levels.items():
                _level(level, description, channel, axes, block)
    group.update_attributes({ATTRIBUTE: msgspec.to_builtins(description)})
    del group.attrs[UNFINISHED]
    _consolidate(group)


def _of_documents(group: Any, titles: Sequence[str], rooms: Places, packing: Packing) -> None:
    from zarr.codecs import Crc32cCodec, ZstdCodec

    count, parts = len(titles), len(packing.part_shards)
    codecs = [ZstdCodec(level=1), Crc32cCodec()]
    made = group.create_array("title", shape=(count,), dtype=str, chunks=(min(TITLES_A_CHUNK, count),), compressors=codecs,
                              dimension_names=("document",))
    made[:] = np.array([title.encode("utf-8", "replace").decode() for title in titles], dtype=object)
    for name, values, dimension in (("begin", packing.begin, "document"), ("room", rooms, "document"),
                                    ("part_shard", packing.part_shards, "part")):
        made = group.create_array(name, shape=values.shape, dtype="int64", chunks=(min(PLACES_A_CHUNK, len(values)),),
                                  compressors=codecs, dimension_names=(dimension,))
        made[:] = values
    group.create_array("written", shape=(parts,), dtype="uint8", chunks=(1,), fill_value=0, compressors=[Crc32cCodec()],
                       dimension_names=("part",))


def _of_steps(group: Any, description: StoreDescription) -> None:
    for name, dtype, fill in (("token", "int32", -1), ("log_prob", "float32", float("nan")), ("character", "uint32", 0)):
        if name != "character" or description.has_characters:
            _create(group, name, (description.steps,), (min(SMALL_CHUNK, description.shard),), (description.shard,), dtype, fill,
                    ("step",), {}, compress=True)


def _by_step(group: Any, description: StoreDescription, channel: Channel, axes: tuple[str, ...]) -> None:
    chunk = _rows(channel.size * np.dtype(description.dtype).itemsize, description.shard)
    _array(group, channel.name, (description.steps, *channel.shape), (chunk, *channel.shape),
           (description.shard, *channel.shape), description.dtype, ("step", *axes), channel)


def _level(group: Any, description: StoreDescription, channel: Channel, axes: tuple[str, ...], block: int) -> None:
    rows = description.shard // block
    chunk = _rows(channel.size * np.dtype(description.dtype).itemsize, rows)
    _array(group, channel.name, (STATISTICS, description.steps // block, *channel.shape), (1, chunk, *channel.shape),
           (STATISTICS, rows, *channel.shape), description.dtype, ("statistic", "step", *axes), channel)


def _units(description: StoreDescription, channel: Channel) -> int:
    """Units in a chunk: one where a shard is long; several of a short one, since every chunk costs some time to be written."""
    most = max(UNIT_BYTES // (description.shard * np.dtype(description.dtype).itemsize), 1)
    return max(count for count in range(1, min(most, channel.size) + 1) if channel.size % count == 0)


def _rows(width: int, most: int) -> int:
    """Rows of so many bytes in a chunk: a power of two."""
    return int(min(2 ** int(np.log2(max(CHUNK_BYTES // width, 1))), most))


def _array(group: Any, name: str, shape: tuple[int, ...], chunks: tuple[int, ...], shards: tuple[int, ...], dtype: str,
           dimensions: tuple[str, ...], channel: Channel) -> None:
    attributes: dict[str, Any] = {"long_name": channel.title, "role": channel.role, "symbol": channel.symbol,
                                  "low": channel.low, "high": channel.high}
    if dtype == "uint8":
        offset, step = scale_of(channel)
        attributes |= {"scale_factor": step, "add_offset": offset, "_FillValue": MISSING}
    _create(group, name, shape, chunks, shards, dtype, fill_of(dtype), dimensions, attributes, compress=False)


def _create(group: Any, name: str, shape: tuple[int, ...], chunks: tuple[int, ...], shards: tuple[int, ...], dtype: str,
            fill: float, dimensions: tuple[str, ...], attributes: dict[str, Any], *, compress: bool) -> None:
    from zarr.codecs import Crc32cCodec, ZstdCodec

    # States hardly compress (20 % with Zstandard): they lie as they are, to be mapped into memory.
    codecs = [ZstdCodec(level=1), Crc32cCodec()] if compress else [Crc32cCodec()]
    group.create_array(name, shape=shape, chunks=chunks, shards=shards, dtype=dtype, fill_value=fill, compressors=codecs,
                       filters=None, dimension_names=dimensions, attributes=attributes)


def _consolidate(group: Any) -> None:
    """All arrays' descriptions beside the root's own, so that a store far away is opened with one request."""
    import warnings

    import zarr

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it is no part of the format yet, says the library; what does not know it passes over it
        zarr.consolidate_metadata(group.store)
