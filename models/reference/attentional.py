"""A decoder that attends after its cells have stepped, computed a second time: Luong et al. 2015."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from unrolled.models.reference.decoder import entropy_of
from unrolled.models.reference.layers import ReferenceLayers
from unrolled.models.reference.network import ReferenceNetwork
from unrolled.models.reference.protocol import Hook, State, Weights


class SentenceMemory(NamedTuple):
    """What every step looks at: the vectors h_j (L, features), and the first state of every layer."""

    features: Tensor
    first: State


class ReferenceAttentional(ReferenceNetwork, ABC):
    """Its layers are torch's, under `cells`; `table`, `combine` and `words` are the names of its word vectors and of the two
    linear layers behind. Where the cells read more than a word's vector, that is what the word before was predicted from.
    """

    def __init__(self, weights: Weights, encoder: str, *, cells: str, table: str, combine: str, words: str) -> None:
        super().__init__(weights, ReferenceLayers(weights, cells), "F.softmax over F.linear")
        self._table, self._combine, self._words = table, combine, words
        self._fed = weights[f"{cells}weight_ih_l0"].shape[1] != weights[f"{table}.weight"].shape[1]
        self.size = len(weights[f"{combine}.weight"])
        self.computed_by = (encoder, *self.computed_by)
        self.state_names += ("attentional_vector",) if self._fed else ()

    @abstractmethod
    def scores(self, hidden: Tensor, features: Tensor) -> Tensor:
        """s_t (1, hidden) and h_j (L, features) → their alignment scores (1, L)."""

    def start(self, memory: SentenceMemory) -> State:
        return (*memory.first, *((torch.zeros(1, self.size, dtype=torch.float64),) if self._fed else ()))

    def step(self, memory: SentenceMemory, state: State, token: int, number: int, hook: Hook) -> dict[str, Tensor]:
        read = hook("word_vector", self.embedded(self._table, token))
        if self._fed:
            read = torch.cat((read, state[-1]), dim=-1)
        found = self.cells.step(read, state, hook)
        scores = hook("attention_scores", self.scores(found["hidden"], memory.features))
        weights = hook("attention", F.softmax(scores, dim=-1))
        joined = torch.cat((found["hidden"], weights @ memory.features), dim=-1)
        vector = hook("attentional_vector", torch.tanh(self.linear(self._combine, joined)))
        found |= {"attention": weights, "attention_entropy": entropy_of(weights), "attentional_vector": vector}
        return self.flat(found, self.linear(self._words, vector), hook)
