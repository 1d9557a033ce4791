"""The recurrent weights' spectral radius and largest singular value, and how they are set at the start.

Of gated cells each gate has a square block of its own, in the order of torch's modules.
"""

from __future__ import annotations

import torch
from torch import Tensor

from unrolled.models.cells import Cell

BLOCKS = {"rnn": ("h",), "lstm": ("i", "f", "g", "o"), "gru": ("r", "z", "n")}


def blocks(cell: Cell) -> tuple[Tensor, ...]:
    """The square blocks of W_hh, each (hidden, hidden); views."""
    return torch.split(cell.weight_hh.detach(), cell.hidden_size)


def spectral_radius(matrix: Tensor) -> float:
    """The largest absolute value of its eigenvalues."""
    return float(torch.linalg.eigvals(matrix).abs().max())


def largest_singular_value(matrix: Tensor) -> float:
    """‖W‖₂, the most that it lengthens any vector."""
    return float(torch.linalg.matrix_norm(matrix, 2))


def set_spectral_radius(cell: Cell, radius: float) -> None:
    """Scale every block so that it has this radius."""
    with torch.no_grad():
        for block in blocks(cell):
            block.mul_(radius / max(spectral_radius(block), 1e-12))
