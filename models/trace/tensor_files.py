"""Arrays in the layout of ``.safetensors``: a length, a JSON that says where each tensor is, and the tensors.

Written part by part and read without a copy, which the format's own library does not do: it keeps every other thread
waiting while it copies all of a long run.
"""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

import msgspec
import numpy as np
import numpy.typing as npt

KINDS = {"F32": "<f4", "I64": "<i8", "U8": "|u1"}
METADATA = "__metadata__"
PART = 2**22  # bytes that are written or read at once
ALIGNED = 8   # bytes: where the tensors begin, and the largest number in them

Arrays = dict[str, npt.NDArray[Any]]


def write_tensors(file: BinaryIO, arrays: Arrays, metadata: Mapping[str, str]) -> None:
    """Write them; those of the largest numbers come first, so that each is aligned. Raises `OSError`."""
    names = {np.dtype(kind): name for name, kind in KINDS.items()}
    described: dict[str, Any] = {METADATA: dict(metadata)}
    place, ordered = 0, sorted(arrays.items(), key=lambda item: (-item[1].itemsize, item[0]))
    for name, array in ordered:
        described[name] = {"dtype": names[array.dtype], "shape": array.shape, "data_offsets": (place, place + array.nbytes)}
        place += array.nbytes
    header = json.dumps(described).encode()
    header += b" " * (-len(header) % ALIGNED)
    file.write(len(header).to_bytes(8, "little"))
    file.write(header)
    for _, array in ordered:
        values = np.ascontiguousarray(array).reshape(-1).data.cast("B") if array.size else memoryview(b"")
        for start in range(0, len(values), PART):
            file.write(values[start : start + PART])


def tensors_in(data: bytes | memoryview) -> tuple[Arrays, dict[str, str]]:
    """The arrays in a file's bytes, which are views of them, and its metadata. Raises `ValueError`, or whatever the header
    does to its reader.
    """
    whole = memoryview(data).cast("B")
    begin = 8 + int.from_bytes(whole[:8], "little")
    described = msgspec.json.decode(whole[8:begin])  # which needs no copy, and half of the time
    metadata = described.pop(METADATA)
    return {name: _tensor(whole[begin:], **tensor) for name, tensor in described.items()}, metadata


def is_whole(path: Path) -> bool:
    """Whether a file is as long as it says that it is; no more of it is read than that."""
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            described = json.loads(file.read(min(length, size)))
        return 8 + length + max((tensor["data_offsets"][1] for name, tensor in described.items() if name != METADATA),
                                default=0) == size
    except (OSError, ValueError, TypeError, LookupError, AttributeError, RecursionError):
        return False


def _tensor(data: memoryview, dtype: str, shape: list[int], data_offsets: tuple[int, int]) -> npt.NDArray[Any]:
    kind, (first, last) = np.dtype(KINDS[dtype]), data_offsets
    count = math.prod(shape)
    if min(shape, default=0) < 0 or not 0 <= first <= last <= len(data) or last - first != count * kind.itemsize:
        raise ValueError(f"a tensor of {shape} is not where it should be")
    return np.frombuffer(data, kind, count, offset=first).reshape(shape)
