"""Takes a step and keeps every quantity that passes on the way."""

from __future__ import annotations

from torch import Tensor

from unrolled.models.cells.hook import Hook, identity


class Captured(dict[str, Tensor]):
    """A `Hook` that does what another one does, the edits in force, and keeps what that made of each quantity."""

    def __init__(self, hook: Hook = identity) -> None:
        super().__init__()
        self._change = hook

    def __call__(self, name: str, value: Tensor, /) -> Tensor:
        self[name] = value = self._change(name, value)
        return value
