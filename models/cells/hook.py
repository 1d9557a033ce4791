"""How a computation is changed on its way, or looked at: a function that every named quantity passes through."""

from __future__ import annotations

from typing import Protocol

from torch import Tensor


class Hook(Protocol):
    """Called with each quantity as soon as it is computed; what it gives is what the step goes on with.

    The names are those of the channels; beside them ``word_vector`` or ``frame_vector``, ``attention_scores``, ``logits``,
    and what a cell is given: ``cell_input``, ``hidden_before``, ``cell_before``. The first length of each is that of the
    inputs P.
    """

    def __call__(self, name: str, value: Tensor, /) -> Tensor:
        """The quantity, changed or as it is."""


def identity(name: str, value: Tensor, /) -> Tensor:
    """Leave everything as it is: the same tensor, so the same bits."""
    return value
