"""A recurrent decoder with additive attention, or with one vector for all: Bahdanau et al. 2015, Xu et al. 2015."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from unrolled.models.reference.cell import ReferenceCell
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
