"""Multiplicative soft attention over a row of vectors.

Luong et al. 2015: e_t,j = s · h_j (dot), or e_t,j = s · (W h_j + b) (general), whose weights are a softmax as everywhere.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from unrolled.models.cells.attention import Attended
from unrolled.models.cells.hook import Hook, identity


class MultiplicativeAttention(nn.Module):
    """The face of `AdditiveAttention`.

    Parameters
    ----------
    features, hidden : int
        The lengths of h_j and of s.
    projected : bool
        Whether W h_j + b is compared with s; otherwise h_j itself, which is as long as s then.
    """

    def __init__(self, *, features: int, hidden: int, projected: bool) -> None:
        super().__init__()
        if not projected and features != hidden:
            raise ValueError("a dot product needs two vectors of one length")
        self.features_to_size = nn.Linear(features, hidden) if projected else None

    def keys(self, features: Tensor) -> Tensor:
        """What s is compared with, of every place: (P, L, features) → (P, L, hidden). Once for an input."""
        return features if self.features_to_size is None else self.features_to_size(features)

    def forward(self, hidden: Tensor, features: Tensor, keys: Tensor, mask: Tensor | None = None,
                hook: Hook = identity) -> Attended:
        """Attend with s (P, K, hidden); shapes as in `AdditiveAttention.forward`."""
        scores = hidden @ keys.transpose(1, 2)                                 # (P, K, L)
        if mask is not None:
            scores = scores.masked_fill(~mask.unsqueeze(1), float("-inf"))
        scores = hook("attention_scores", scores)
        weights = hook("attention", torch.softmax(scores, dim=-1))
        return Attended(weights @ features, weights, scores)
