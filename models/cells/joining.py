"""Vectors put side by side, where some have more rows than others: a hook may make many rows of one quantity."""

from __future__ import annotations

import torch
from torch import Tensor


def joined(*parts: Tensor) -> Tensor:
    """Tensors (…, n_i) whose leading lengths can be broadcast → (…, Σ n_i)."""
    rows = torch.broadcast_shapes(*(part.shape[:-1] for part in parts))  # type: ignore[no-untyped-call]
    return torch.cat([part.expand(*rows, -1) for part in parts], dim=-1)
