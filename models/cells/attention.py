"""Additive soft attention over the cells of a picture, or over anything else that comes as a row of vectors.

Bahdanau et al. 2015 and Xu et al. 2015 (Show, Attend and Tell), as the lecture writes it: alignment scores
e_t,j = f_att(s_{t-1}, h_j) with f_att(s, h) = v · tanh(W_s s + W_h h + b), weights α_t = softmax(e_t), and the
context c_t = Σ_j α_t,j h_j. The word before may be asked with, f_att(s, y, h) = v · tanh(W_s s + W_y y + W_h h + b): the state
before has not read it yet, so that without it the map is made for a word too early.

W_h h_j does not change from step to step: `keys` computes it once for a picture.
"""

from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn

from unrolled.models.cells.hook import Hook, identity


class Attended(NamedTuple):
    """What attention computes at one step, for P pictures with K hypotheses each over L cells."""

    context: Tensor  # (P, K, features)
    weights: Tensor  # (P, K, L): at least 0; they sum to 1 over L
    scores: Tensor   # (P, K, L)


class AdditiveAttention(nn.Module):
    """f_att of the lecture: one hidden layer, tanh, one number.

    Parameters
    ----------
    features, hidden, size : int
        The lengths of h_j, of s, and of the hidden layer.
    word : int
        The length of the word before, y; 0 where it is not asked with.
    activation : {'tanh', 'relu'}
        Of the hidden layer.
    """

    def __init__(self, *, features: int, hidden: int, size: int, word: int = 0,
                 activation: Literal["tanh", "relu"] = "tanh") -> None:
        super().__init__()
        self.features_to_size = nn.Linear(features, size)
        self.hidden_to_size = nn.Linear(hidden, size, bias=False)
        self.word_to_size = nn.Linear(word, size, bias=False) if word else None
        self._activation = torch.relu if activation == "relu" else torch.tanh
        self.score = nn.Linear(size, 1, bias=False)  # softmax does not see a bias here

    def keys(self, features: Tensor) -> Tensor:
        """W_h h_j + b of every cell: (P, L, features) → (P, L, size). Once for a picture."""
        keys: Tensor = self.features_to_size(features)
        return keys

    def forward(self, hidden: Tensor, features: Tensor, keys: Tensor, mask: Tensor | None = None,
                hook: Hook = identity, word: Tensor | None = None) -> Attended:
        """Attend.

        Parameters
        ----------
        hidden : Tensor, shape (P, K, hidden)
            s_{t-1} of K hypotheses for each of P pictures.
        features : Tensor, shape (P, L, features)
        keys : Tensor, shape (P, L, size)
            What `keys` made of the features.
        mask : Tensor, optional, shape (P, L)
            True where there is a vector; the others get the weight 0.
        hook : Hook
            What scores and weights pass through.
        word : Tensor, shape (P, K, word)
            y_{t-1}, where the layer was made to ask with it.
        """
        query = self.hidden_to_size(hidden)                                    # (P, K, size)
        if self.word_to_size is not None:
            assert word is not None, "this attention asks with the word before"
            query = query + self.word_to_size(word)
        joined = self._activation(query.unsqueeze(2) + keys.unsqueeze(1))      # (P, K, L, size)
        scores = self.score(joined).squeeze(-1)                                # (P, K, L)
        return _attended(scores, features, mask, hook)


class MultiplicativeAttention(nn.Module):
    """With the face of `AdditiveAttention`, Luong et al. 2015: e_t,j = s · h_j (dot), or e_t,j = s · (W h_j + b) (general).

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
        return _attended(hidden @ keys.transpose(1, 2), features, mask, hook)


def _attended(scores: Tensor, features: Tensor, mask: Tensor | None, hook: Hook) -> Attended:
    """By alignment scores (P, K, L)."""
    if mask is not None:
        scores = scores.masked_fill(~mask.unsqueeze(1), float("-inf"))
    scores = hook("attention_scores", scores)
    weights = hook("attention", torch.softmax(scores, dim=-1))
    return Attended(weights @ features, weights, scores)                       # context (P, K, features)
