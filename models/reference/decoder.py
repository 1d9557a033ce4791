"""Recurrent decoders computed a second time: with additive attention or one vector for all (Bahdanau et al. 2015, Xu et al.
2015), or attending after their cells have stepped (Luong et al. 2015).
"""

import math
from abc import ABC, abstractmethod
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from unrolled.models.reference.cell import ReferenceCell, ReferenceLayers
from unrolled.models.reference.network import ReferenceNetwork
from unrolled.models.reference.protocol import Hook, State, Weights, doubled, under


class DecoderMemory(NamedTuple):
    """What every step looks at: the vectors h_j, (L, features)."""

    features: Tensor


def entropy_of(weights: Tensor) -> Tensor:
    """Of attention (1, L), as a fraction of even attention's: (1,)."""
    entropy: Tensor = -torch.xlogy(weights, weights).sum(-1)
    return entropy / math.log(max(weights.shape[-1], 2))


class ReferenceDecoder(ReferenceNetwork):
    """Everything after the input's vectors.

    Parameters
    ----------
    weights : mapping
        The whole model's; those of the decoder are picked out.
    reads : str
        What of torch reads the input: see `Reference.computed_by`.
    """

    def __init__(self, weights: Weights, *reads: str, begin: str, temperature: float) -> None:
        own = doubled(weights)
        self.attends = "attend.score.weight" in own
        super().__init__(own, ReferenceCell(under(own, "cell")),
                         *(("F.softmax over F.linear and torch.tanh",) if self.attends else ()))
        self.computed_by = (*reads, *self.computed_by)
        self._begin, self._temperature = begin, temperature

    def start(self, memory: DecoderMemory) -> State:
        """From the mean vector, or zeros."""
        if self._begin == "zeros":
            return self.cells.start()
        mean = memory.features.mean(dim=0, keepdim=True)                               # (1, features)
        return tuple(torch.tanh(self.linear(f"first_{name}", mean)) for name in self.state_names)

    def step(self, memory: DecoderMemory, state: State, token: int, number: int, hook: Hook) -> dict[str, Tensor]:
        word = hook("word_vector", self.embedded("embed", token))                      # (1, embedding)
        found: dict[str, Tensor] = {}
        if self.attends:
            weights = self._attend(memory, state[0], word, hook)                       # (1, L)
            context = weights @ memory.features
            found = {"attention": weights, "attention_entropy": entropy_of(weights)}
        else:
            context = memory.features.mean(dim=0, keepdim=True)
        found |= self.cells.step(torch.cat((word, context), dim=-1), state, hook)
        deep = self.linear("deepen", torch.cat((found["hidden"], context), dim=-1))
        logits = F.linear(torch.tanh(deep + word), self.weights["embed.weight"], self.weights["word_bias"])
        return self.flat(found, logits / self._temperature, hook)

    def _attend(self, memory: DecoderMemory, hidden: Tensor, word: Tensor, hook: Hook) -> Tensor:
        keys = self.linear("attend.features_to_size", memory.features)                 # (L, size)
        query = self.linear("attend.hidden_to_size", hidden)                           # (1, size)
        if "attend.word_to_size.weight" in self.weights:
            query = query + self.linear("attend.word_to_size", word)
        scores = self.linear("attend.score", torch.tanh(query + keys)).T               # (1, L)
        return hook("attention", F.softmax(hook("attention_scores", scores), dim=-1))


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
