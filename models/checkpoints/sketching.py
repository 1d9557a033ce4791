"""Networks without memory, built to see which tensors they have."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch.overrides import TorchFunctionMode


@contextmanager
def sketching() -> Iterator[None]:
    """What is built within has shapes and no numbers."""
    with torch.device("meta"), _Unfilled():
        yield


class _Unfilled(TorchFunctionMode):
    """Draws no numbers for tensors that hold none: torch would import its compiler for it, which takes over a second."""

    def __torch_function__(self, func: Callable[..., Any], types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if func.__name__ == "normal_":  # the function of `torch.nn.init`, and the method
            return args[0] if args else kwargs["tensor"]
        return func(*args, **kwargs)
