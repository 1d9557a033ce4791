"""How a computation is changed on its way, or looked at: a function that every named quantity passes through."""

from collections.abc import Callable

import torch
from torch import Tensor

Hook = Callable[[str, Tensor], Tensor]
"""Called with each quantity as soon as it is computed; what it gives is what the step goes on with.

The names are those of the channels; beside them ``word_vector`` or ``frame_vector``, ``attention_scores``, ``logits``, and
what a cell is given: ``cell_input``, ``hidden_before``, ``cell_before``. The first length of each is that of the inputs P.
"""


def identity(name: str, value: Tensor) -> Tensor:
    """Leave everything as it is: the same tensor, so the same bits."""
    return value


def joined(*parts: Tensor) -> Tensor:
    """Tensors (…, n_i) whose leading lengths can be broadcast → (…, Σ n_i)."""
    rows = torch.broadcast_shapes(*(part.shape[:-1] for part in parts))  # type: ignore[no-untyped-call]
    return torch.cat([part.expand(*rows, -1) for part in parts], dim=-1)


class Captured(dict[str, Tensor]):
    """A `Hook` that does what another one does, the edits in force, and keeps what that made of each quantity."""

    def __init__(self, hook: Hook = identity) -> None:
        super().__init__()
        self._change = hook

    def __call__(self, name: str, value: Tensor, /) -> Tensor:
        self[name] = value = self._change(name, value)
        return value
