"""Zstandard that unpacks no more than a chunk may have: a few thousand bytes could ask for all memory."""

from contextlib import AbstractContextManager
from typing import Any

from zarr import config
from zarr.codecs import BytesCodec, Crc32cCodec, VLenUTF8Codec, ZstdCodec
from zarr.registry import register_codec

from unrolled.models.store.layout import LARGEST_SHARD

MAGIC = b"\x28\xb5\x2f\xfd"


class BoundedZstdCodec(ZstdCodec):
    """Takes the library's own place where `bounded` says so."""

    def _decode_sync(self, chunk_bytes: Any, chunk_spec: Any) -> Any:
        _check(chunk_bytes)
        return super()._decode_sync(chunk_bytes, chunk_spec)

    async def _decode_single(self, chunk_bytes: Any, chunk_spec: Any) -> Any:
        _check(chunk_bytes)
        return await super()._decode_single(chunk_bytes, chunk_spec)


register_codec("zstd", BoundedZstdCodec)


def bounded() -> AbstractContextManager[Any]:
    """Arrays whose descriptions are read within are unpacked so."""
    own = f"{BoundedZstdCodec.__module__}.{BoundedZstdCodec.__qualname__}"
    made: AbstractContextManager[Any] = config.set({"codecs.zstd": own})
    return made


def is_unpacked_so(array: Any) -> bool:
    """Whether an array is kept as stores keep theirs, and nothing else would unpack it."""
    return (isinstance(array.serializer, BytesCodec | VLenUTF8Codec) and not array.filters
            and all(isinstance(own, BoundedZstdCodec | Crc32cCodec) for own in array.compressors))


def _check(packed: Any) -> None:
    """Raise `ValueError` where a frame (RFC 8878, 3.1.1.1) does not say how long it will be, or far too long."""
    head = packed.as_numpy_array()[:18].tobytes()
    size_flag, single, dictionary = head[4] >> 6, head[4] >> 5 & 1, head[4] & 3
    place, length = 5 + (not single) + (0, 1, 2, 4)[dictionary], (single, 2, 4, 8)[size_flag]
    size = int.from_bytes(head[place : place + length], "little") + 256 * (size_flag == 1)
    if head[:4] != MAGIC or not length or size > LARGEST_SHARD:
        raise ValueError(f"a chunk would be unpacked to {size:,} bytes")
