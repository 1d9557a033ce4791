"""Checkpoints as `torch.save` writes them: whole modules or state dicts, read without running anything in them.

A file is a zip (since torch 1.6), several pickles one after another with the numbers behind them (before), or a plain
pickle of Python 2 or 3. What comes out is plain: see `unrolled.models.checkpoints.inert_pickle`.
"""

import io
import pickletools
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

import torch
from torch import Tensor

from unrolled.models.checkpoints.files import CheckpointError, check_same, check_size, hash_of
from unrolled.models.checkpoints.inert_pickle import read_pickle
from unrolled.models.checkpoints.inert_values import Attributes, PickleError, Stub
from unrolled.models.trace.description import Identity

SUFFIXES = (".pth", ".pt", ".tar", ".pkl", ".ckpt", ".bin")
LARGEST_PICKLE = 2**28   # of the part that says what there is; the numbers lie beside it
DEEPEST = 64             # modules in modules,
LONGEST_NAME = 500       # of a tensor
MOST_TIMES = 8         # that a number stands in tensors: embeddings are tied, and averages are kept beside what they are of
MOST_PARTS = 200_000     # and so many of them together: one may stand in many places, or within itself
MOST_NAMES = 10_000_000  # that are looked at, most of which are of no parts
MAGIC_NUMBER = 0x1950A86A20F9469CFC6C  # torch's, of the format before 1.6
NAMED_KEYS = 8
HEAD, FIRST_INSTRUCTIONS = 2**16, 16


class _Bytes(io.BufferedIOBase):
    """A file from which never more than it holds is asked, whatever length a pickle names."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file, self._size = file, size

    def read(self, count: int | None = -1, /) -> bytes:
        left = self._size - self._file.tell()
        return self._file.read(left if count is None or count < 0 else min(count, left))

    def readline(self, count: int | None = -1, /) -> bytes:
        return self._file.readline(LARGEST_PICKLE)

    def tell(self) -> int:
        return self._file.tell()


@dataclass(frozen=True, slots=True)
class PickledCheckpoint:
    path: Path
    content: Any                # what it holds: dictionaries, tensors, stubs
    tensors: dict[str, Tensor]  # all parameters and buffers, by names with dots; ``module.`` of `nn.DataParallel` is left out
    weights_hash: str           # SHA-256 of the file, hexadecimal

    def has(self, *names: str) -> bool:
        return all(name in self.tensors for name in names)

    def under(self, prefix: str) -> dict[str, Tensor]:
        """The tensors of one module, without its name in front."""
        return {name.removeprefix(prefix): value for name, value in self.tensors.items() if name.startswith(prefix)}

    def summary(self) -> str:
        names = list(self.tensors)
        if not names:
            return "no tensors"
        shown = ", ".join(f"{name} {' × '.join(map(str, self.tensors[name].shape))}".rstrip() for name in names[:NAMED_KEYS])
        number = "1 tensor" if len(names) == 1 else f"{len(names):,} tensors"
        return f"{number}: {shown}{' …' if len(names) > NAMED_KEYS else ''}"

    def identity(self, title: str, summary: str) -> Identity:
        return Identity(self.path.name, title, summary, self.weights_hash)

    @property
    def weights_again(self) -> Callable[[], Mapping[str, Tensor]]:
        """Reads them a second time, for the second computation."""
        return partial(_tensors_again, self.path, self.weights_hash)


def looks_pickled(path: Path) -> bool:
    """Whether a file begins as torch's checkpoints and pickles do."""
    try:
        with path.open("rb") as file:
            head = file.read(HEAD)
    except OSError:
        return False
    return head[:4] == b"PK\3\4" or head[:1] == b"\x80" or (path.suffix.lower() in SUFFIXES and _begins_as_pickle(head))


def _begins_as_pickle(head: bytes) -> bool:
    """Of one without a mark, as Python 2 wrote it: its first letters are instructions, which those of a text soon are not."""
    try:
        return head[:1] in (b"(", b"c", b"}", b"]", b")") and bool(list(islice(pickletools.genops(head), FIRST_INSTRUCTIONS)))
    except ValueError:
        return False


def read_pickled(path: Path) -> PickledCheckpoint:
    """Read a file. Raises `CheckpointError` where it is damaged, is TorchScript, or would run something."""
    content = read_object(path)
    tensors = tensors_of(content)
    if tensors and all(name.startswith("module.") for name in tensors):
        tensors = {name.removeprefix("module."): value for name, value in tensors.items()}
    tensors = {name.replace(".module.", ".", 1): value for name, value in tensors.items()}
    stored = {value.untyped_storage().data_ptr(): value.untyped_storage().nbytes() for value in tensors.values()}
    if sum(value.nbytes for value in tensors.values()) > MOST_TIMES * sum(stored.values()):
        raise CheckpointError(f"“{path.name}” is not a checkpoint of a network: its tensors are the same numbers over and over.")
    return PickledCheckpoint(path, content, tensors, hash_of(path))


def read_object(path: Path) -> Any:
    """What a file holds; see `read_pickled`."""
    try:
        size = check_size(path)
        with path.open("rb") as file:
            return _of_zip(file, size) if file.read(4) == b"PK\3\4" else _of_pickles(file, size)
    except CheckpointError:
        raise
    except PickleError as error:
        raise CheckpointError(f"“{path.name}” {error}.") from error
    except (zipfile.BadZipFile, NotImplementedError, EOFError, ValueError, RuntimeError, MemoryError, KeyError) as error:
        raise CheckpointError(f"“{path.name}” is cut off or damaged.") from error
    except OSError as error:
        raise CheckpointError(f"“{path.name}” cannot be read: {error.strerror or error}.") from error


def _of_zip(file: BinaryIO, size: int) -> Any:
    with zipfile.ZipFile(file) as archive:
        members = {info.filename: info for info in archive.infolist()}
        folders = [name.removesuffix("data.pkl") for name in members if name.endswith("/data.pkl") and name.count("/") == 1]
        if any(name.endswith("/constants.pkl") or "/code/" in name for name in members):
            raise PickleError("is a TorchScript archive, a program rather than weights; save the model's state_dict()")
        if len(folders) != 1:
            raise PickleError("is a zip, but no checkpoint of torch")
        folder = folders[0]
        if any(info.compress_type != zipfile.ZIP_STORED for info in members.values()) or sum(
                info.file_size for info in members.values()) > size:
            raise PickleError("is a zip whose parts are compressed, as torch never writes them")
        if members[f"{folder}data.pkl"].file_size > LARGEST_PICKLE:
            raise PickleError("holds far more objects than any model")
        if f"{folder}byteorder" in members and archive.read(f"{folder}byteorder") != b"little":
            raise PickleError("was written on a computer with the other order of bytes")
        found: dict[str, Tensor] = {}

        def stored(key: str, dtype: torch.dtype, count: int) -> Tensor:
            name = f"{folder}data/{key}"
            if name not in found:
                if name not in members or members[name].file_size != count * dtype.itemsize or count < 0:
                    raise PickleError("is damaged: a storage is not as long as it says")
                found[name] = _numbers(archive.read(name), dtype)
            return _typed(found[name], dtype, count)

        data = archive.read(f"{folder}data.pkl")
        return read_pickle(io.BytesIO(data), stored)


def _of_pickles(file: BinaryIO, size: int) -> Any:
    file.seek(0)
    bounded: Any = _Bytes(file, size)
    first = read_pickle(bounded)
    if not (isinstance(first, int) and first == MAGIC_NUMBER):
        return first
    read_pickle(bounded)  # the format's version,
    system = read_pickle(bounded)  # and what it was written on
    if isinstance(system, dict) and system.get("little_endian") is False:
        raise PickleError("was written on a computer with the other order of bytes")
    found: dict[str, Tensor] = {}
    total = 0

    def stored(key: str, dtype: torch.dtype, count: int) -> Tensor:
        nonlocal total
        if key not in found:  # the numbers come after the pickle
            total += count * dtype.itemsize
            if count < 0 or total > size:
                raise PickleError("is cut off or damaged")
            found[key] = torch.zeros(count, dtype=dtype)
        return _typed(found[key], dtype, count)

    content = read_pickle(bounded, stored)
    keys = read_pickle(bounded)
    if not isinstance(keys, list) or set(map(str, keys)) != set(found):
        raise PickleError("is damaged: its storages are not those that its tensors need")
    for key in keys:
        own = found[key]
        if int.from_bytes(file.read(8), "little") != len(own):
            raise PickleError("is damaged: a storage is not as long as it says")
        data = file.read(len(own) * own.itemsize)
        if len(data) != len(own) * own.itemsize:
            raise PickleError("is cut off")
        own.copy_(_numbers(data, own.dtype))
    return content


def _numbers(data: bytes, dtype: torch.dtype) -> Tensor:
    return torch.frombuffer(bytearray(data), dtype=dtype) if data else torch.zeros(0, dtype=dtype)


def _typed(numbers: Tensor, dtype: torch.dtype, count: int) -> Tensor:
    if numbers.dtype != dtype or len(numbers) != count:
        raise PickleError("is damaged: a storage has two lengths")
    return numbers


def tensors_of(content: Any) -> dict[str, Tensor]:
    """The parameters and buffers of modules, state dicts, and dictionaries of them, by names with dots."""
    found: dict[str, Tensor] = {}
    waiting: list[tuple[str, Any, int]] = [("", content, 0)]
    parts_left, names_left = MOST_PARTS, MOST_NAMES
    while waiting:
        prefix, value, depth = waiting.pop()
        if isinstance(value, Tensor):
            found[prefix.rstrip(".")] = value
        elif depth < DEEPEST:
            parts: dict[Any, Any] = {}
            if isinstance(value, Stub):
                for group in ("_parameters", "_buffers", "_modules"):
                    named = value.state.get(group)
                    parts |= named if isinstance(named, dict) else {}
            elif isinstance(value, dict) and not isinstance(value, Attributes):
                parts = value
            own = [(f"{prefix}{name}.", part, depth + 1) for name, part in reversed(parts.items())
                   if isinstance(part, Tensor | Stub | dict) and isinstance(name, str)
                   and len(prefix) + len(name) <= LONGEST_NAME]
            parts_left, names_left = parts_left - len(own), names_left - len(parts)
            if min(parts_left, names_left) < 0:
                raise CheckpointError("This checkpoint names far more parts than any model has.")
            waiting += own
    return found


def stub_at(content: Any, *names: str) -> Any:
    """The object at a path of names through dictionaries and modules; None where there is none."""
    for name in names:
        if isinstance(content, Stub):
            modules = content.state.get("_modules")
            content = content.state[name] if name in content.state else modules.get(name) if isinstance(modules, dict) else None
        else:
            content = content.get(name) if isinstance(content, dict) else None
    return content


def _tensors_again(path: Path, weights_hash: str) -> Mapping[str, Tensor]:
    check_same(path, weights_hash)
    return read_pickled(path).tensors
