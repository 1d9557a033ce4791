"""Weights for a network that is known: whether they fit it, and theirs by our names."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from unrolled.models.checkpoints.files import CheckpointError, misfit
from unrolled.models.trace.names import first_line

MOST_CONSTANTS = 50_000_000  # numbers that a network makes itself and a file does not hold
LARGEST_NETWORK = 2**31      # of its own numbers
MOST_CALLS = 30_000          # of torch while a network is built: three for a tensor
COUNTER = "num_batches_tracked"  # of batch norm, which changes nothing

NetworkT = TypeVar("NetworkT", bound=nn.Module)


def fitted(path: Path, make: Callable[[], NetworkT], weights: Mapping[str, Tensor],
           names: Mapping[str, str] | None = None) -> NetworkT:
    """The network that `make` builds, with these weights in float32.

    It is built without memory first and its tensors are compared with the weights: what is allocated is never more than the
    file holds, whatever lengths it names. Raises `CheckpointError` when it cannot be built, or a tensor is missing or left
    over, has another shape, or holds NaN or infinity.

    Parameters
    ----------
    make : callable
        Called twice.
    names : mapping of str to str, optional
        Beginnings of the network's names and what the checkpoint has in their place, for what a person is told.
    """
    def called(name: str) -> str:
        return next((their + name.removeprefix(own) for own, their in (names or {}).items() if name.startswith(own)), name)

    try:
        with sketching():
            sketch = make()
        needed = {name: value.shape for name, value in sketch.state_dict().items() if not name.endswith(COUNTER)}
        if sum(value.numel() for value in sketch.buffers()) > MOST_CONSTANTS:
            raise ValueError("its lengths are far too large")
    except (ValueError, RuntimeError, TypeError, ArithmeticError, LookupError, MemoryError) as error:
        raise misfit(path, first_line(error)) from error
    own = {name: value for name, value in weights.items() if not name.endswith(COUNTER)}
    odd = sorted(set(own) ^ set(needed))
    if odd:
        raise misfit(path, f"“{called(odd[0])}” is {'missing' if odd[0] in needed else 'left over'}")
    for name, value in own.items():
        if value.shape != needed[name]:
            raise misfit(path, f"“{called(name)}” is {tuple(value.shape)} and should be {tuple(needed[name])}")
        if not torch.isfinite(value).all():
            raise CheckpointError(f"“{path.name}” holds numbers that are not finite, in “{called(name)}”.")
    if sum(map(math.prod, needed.values())) > LARGEST_NETWORK:
        raise CheckpointError(f"“{path.name}” is too large.")
    network = make()
    network.load_state_dict({name: value.float() for name, value in own.items()}, strict=False)
    return network


def check_there(path: Path, theirs: Mapping[str, Tensor], names: Iterable[str], prefix: str = "") -> None:
    """Raise `CheckpointError` where a tensor is missing; `prefix` stands before its name in the file."""
    missing = next((name for name in names if name not in theirs), "")
    if missing:
        raise misfit(path, f"“{prefix}{missing}” is missing")


def of_shapes(path: Path, theirs: Mapping[str, Tensor], shapes: Mapping[str, tuple[int, ...]]) -> list[Tensor]:
    """The tensors of these names, which have these shapes; where one differs or is missing, `CheckpointError`."""
    for name, shape in shapes.items():
        if name not in theirs or theirs[name].shape != shape:
            found = f"{tuple(theirs[name].shape)} and should be {shape}" if name in theirs else "missing"
            raise misfit(path, f"“{name}” is {found}")
    return [theirs[name].float() for name in shapes]


def renamed(path: Path, theirs: Mapping[str, Tensor], names: Mapping[str, str]) -> dict[str, Tensor]:
    """Tensors by the network's own names: `names` has its beginnings of names and the checkpoint's. Raises `CheckpointError`
    when one has no place in the network.
    """
    found = {}
    for name, value in theirs.items():
        own = next((own + name.removeprefix(their) for own, their in names.items() if name.startswith(their)), "")
        if not own:
            raise misfit(path, f"“{name}” is left over")
        found[own] = value
    return found


@contextmanager
def sketching() -> Iterator[None]:
    """What is built within has shapes and no numbers."""
    with torch.device("meta"), _Unfilled():
        yield


class _Unfilled(TorchFunctionMode):
    """Draws no numbers for tensors that hold none: torch would import its compiler for it, which takes over a second. Ends
    what would have no end: settings may ask for any number of layers.
    """

    def __init__(self) -> None:
        super().__init__()
        self._calls = 0

    def __torch_function__(self, func: Callable[..., Any], types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        self._calls += 1
        if self._calls > MOST_CALLS:
            raise ValueError("it has far too many parts")
        if func.__name__ == "normal_":  # the function of `torch.nn.init`, and the method
            return args[0] if args else kwargs["tensor"]
        return func(*args, **kwargs)
