"""A decoder that attends after its cells have stepped, computed a second time: Luong et al. 2015."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from unrolled.models.reference.decoder import entropy_of
from unrolled.models.reference.layers import ReferenceLayers
from unrolled.models.reference.protocol import Hook, State


class SentenceMemory(NamedTuple):
    """What every step looks at: the vectors h_j (L, features), and the first state of every layer."""

    features: Tensor
    first: State


class ReferenceAttentional(NamedTuple):
    """Its parts.

    Attributes
    ----------
    table : Tensor, shape (V, embedding)
    scores : callable
        s_t (1, hidden) and h_j (L, features) → their alignment scores (1, L).
    combine, words : tuple of Tensor
        Weight and bias of the two linear layers behind; a bias may be None.
    fed : bool
        Whether what a word is predicted from is read at the next step.
    """

    table: Tensor
    layers: ReferenceLayers
    scores: Callable[[Tensor, Tensor], Tensor]
    combine: tuple[Tensor, Tensor]
    words: tuple[Tensor, Tensor | None]
    fed: bool

    @property
    def state_names(self) -> tuple[str, ...]:
        return (*self.layers.state_names, *(("attentional_vector",) if self.fed else ()))

    def start(self, memory: SentenceMemory) -> State:
        return (*memory.first, *((torch.zeros(1, len(self.combine[0]), dtype=torch.float64),) if self.fed else ()))

    def step(self, memory: SentenceMemory, state: State, token: int, hook: Hook) -> dict[str, Tensor]:
        read = hook("word_vector", F.embedding(torch.tensor([token]), self.table))
        if self.fed:
            read = torch.cat((read, state[-1]), dim=-1)
        hidden, found = self.layers.step(read, state, hook)
        scores = hook("attention_scores", self.scores(hidden, memory.features))
        weights = hook("attention", F.softmax(scores, dim=-1))
        context = weights @ memory.features
        vector = hook("attentional_vector", torch.tanh(F.linear(torch.cat((hidden, context), dim=-1), *self.combine)))
        found |= {"attention": weights, "attention_entropy": entropy_of(weights), "attentional_vector": vector,
                  "log_probs": F.log_softmax(hook("logits", F.linear(vector, *self.words)), dim=-1)}
        return {name: value.flatten() for name, value in found.items()}
