"""What stands for the objects of a pickle: tensors, arrays and plain containers, and a `Stub` for every other one."""

import math
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
from torch import Tensor

MOST_DIMENSIONS = 16
LARGEST_KEY, LARGEST_IN_KEY = 2**61 - 1, 2**32  # numbers beyond can be chosen so that all have one hash


class PickleError(ValueError):
    """What is wrong with a pickle: the second half of a sentence whose first half names the file."""


@dataclass(frozen=True, slots=True)
class Name:
    """A name that a pickle mentions: ``torch.nn.modules.linear``, ``Linear``."""

    module: str
    name: str

    def __str__(self) -> str:
        return f"{self.module}.{self.name}"


@dataclass(eq=False, repr=False, slots=True)  # what it holds may hold itself, many times over
class Stub:
    """An object of a class that was not imported."""

    kind: str                                            # the class, with its module in front
    arguments: tuple[Any, ...] = ()                      # what it would have been made with
    state: dict[str, Any] = field(default_factory=dict)  # its attributes
    items: dict[Any, Any] = field(default_factory=dict)
    elements: list[Any] = field(default_factory=list)    # what would have been put into it, were it a kind of dict or list


class Attributes(dict[str, Any]):
    """What an `argparse.Namespace` held."""


@dataclass(eq=False, slots=True)
class UnfilledArray:
    """A NumPy array between its making and its numbers."""

    values: npt.NDArray[Any] | None = None


def plain_key(key: Any) -> Any:
    """A key of a dictionary: plain, since comparing what is nested deeply can take the interpreter down, and finding one of
    many that have one hash takes hours.
    """
    parts, largest = (key, LARGEST_IN_KEY) if isinstance(key, tuple) else ((key,), LARGEST_KEY)
    if all(abs(part) < largest if isinstance(part, int) else (isinstance(part, float) and part is key) or part is None
           or isinstance(part, str | bytes | Stub | Name | Tensor) for part in parts):
        return key
    raise PickleError("is damaged: a dictionary in it has a key that none can have")


def _tensor(storage: Any, offset: Any, size: Any, stride: Any, *_: Any) -> Tensor:
    """A view of a storage; requires_grad and hooks are left out."""
    if not isinstance(storage, Tensor) or storage.ndim != 1 or len(size) != len(stride) or len(size) > MOST_DIMENSIONS:
        raise PickleError("is damaged: a tensor has no storage")
    if not all(isinstance(number, int) and number >= 0 for number in (offset, *size, *stride)):
        raise PickleError("is damaged: a tensor has an impossible shape")
    count = math.prod(size)
    last = offset + sum((length - 1) * step for length, step in zip(size, stride, strict=True)) if count else 0
    if count > len(storage) or last >= max(len(storage), 1):
        raise PickleError("is damaged: a tensor reaches beyond its storage")
    return storage.as_strided(tuple(size), tuple(stride), storage.storage_offset() + offset)


def _parameter(data: Any, *_: Any) -> Tensor:
    if not isinstance(data, Tensor):
        raise PickleError("is damaged: a parameter has no numbers")
    return data


def _subclassed(function: Any, kind: Any, arguments: Any, state: Any) -> Tensor:
    """A tensor with attributes of its own, which are left out."""
    if str(function) not in ("torch._utils._rebuild_tensor", "torch._utils._rebuild_tensor_v2"):
        raise PickleError(f"holds a tensor of a kind that cannot be read: {kind}")
    return _tensor(*arguments)


def _dtype(kind: Any, *_: Any) -> Any:
    """Of numbers only."""
    if isinstance(kind, str) and len(kind) <= 3 and kind.lstrip("<>=|")[:1] in tuple("biufc"):
        return np.dtype(kind)
    return Stub("numpy.dtype", (kind,))


def array_of(state: Any) -> Any:
    """An array from its own description: version, shape, dtype, whether by columns, and the bytes."""
    _, shape, dtype, by_columns, data = state
    if not isinstance(dtype, np.dtype):
        return Stub("numpy.ndarray", (shape,))
    data = data.encode("latin-1") if isinstance(data, str) else data
    if not isinstance(data, bytes | bytearray):
        raise PickleError("is damaged: an array has no numbers")
    if not all(isinstance(length, int) and length >= 0 for length in shape) or math.prod(shape) * dtype.itemsize != len(data):
        raise PickleError("is damaged: an array is not as long as it says")
    return np.frombuffer(data, dtype).reshape(shape, order="F" if by_columns else "C")


def _in_bytes(data: Any, dtype: Any, shape: Any, order: Any = "C", *_: Any) -> Any:
    """An array as protocol 5 makes it."""
    return array_of((1, shape, dtype, order == "F", data))


def _scalar(dtype: Any, data: Any) -> Any:
    data = data.encode("latin-1") if isinstance(data, str) else data
    return np.frombuffer(data, dtype)[0].item() if isinstance(dtype, np.dtype) else Stub("numpy.generic", (data,))


def _encoded(text: Any, encoding: Any = "latin-1", *_: Any) -> bytes:
    """How Python 3 writes bytes for Python 2."""
    if not isinstance(text, str) or encoding not in ("latin-1", "latin1"):
        raise PickleError("is damaged: bytes in it are in no known encoding")
    return text.encode("latin-1")


def _dictionary(pairs: Any = (), *_: Any) -> OrderedDict[Any, Any]:
    own = pairs.items() if isinstance(pairs, dict) else pairs
    return OrderedDict((plain_key(key), value) for key, value in own)


def _elements(values: Any = ()) -> list[Any]:
    """What a container is made of: another one, never something that has to be asked for its elements."""
    if not isinstance(values, list | tuple | set | frozenset):
        raise PickleError("is damaged: a container is made of what has no elements")
    return list(values)


def _reconstructed(kind: Any, base: Any = None, state: Any = None, *_: Any) -> Any:
    """An object as protocols 0 and 1 make it."""
    if str(kind) == "argparse.Namespace":
        return Attributes()
    stub = Stub(str(kind))
    if isinstance(state, dict):
        stub.items.update(state)
    elif isinstance(state, list | tuple):
        stub.elements.extend(state)
    return stub


KNOWN: dict[str, Callable[..., Any]] = {
    "collections.OrderedDict": _dictionary, "collections.Counter": _dictionary, "builtins.dict": _dictionary,
    "collections.defaultdict": lambda *_: {}, "argparse.Namespace": lambda *_: Attributes(),
    "builtins.set": lambda *given: set(map(plain_key, _elements(*given))),
    "builtins.frozenset": lambda *given: frozenset(map(plain_key, _elements(*given))),
    "builtins.list": _elements, "builtins.tuple": lambda *given: tuple(_elements(*given)), "torch.Size": lambda size: tuple(size),
    "torch._utils._rebuild_tensor": _tensor, "torch._utils._rebuild_tensor_v2": _tensor,
    "torch._utils._rebuild_parameter": _parameter, "torch._utils._rebuild_parameter_with_state": _parameter,
    "torch.nn.parameter.Parameter": _parameter, "torch.nn.parameter.Buffer": _parameter,
    "torch.autograd.variable.Variable": _parameter,
    "torch._tensor._rebuild_from_type_v2": _subclassed, "torch.tensor._rebuild_from_type_v2": _subclassed,
    "numpy.dtype": _dtype, "_codecs.encode": _encoded, "copyreg._reconstructor": _reconstructed,
    **{f"numpy.{core}.multiarray._reconstruct": lambda *_: UnfilledArray() for core in ("core", "_core")},
    **{f"numpy.{core}.numeric._frombuffer": _in_bytes for core in ("core", "_core")},
    **{f"numpy.{core}.multiarray.scalar": _scalar for core in ("core", "_core")},
}
