"""A recurrent decoder with additive attention, or with one vector for all: Bahdanau et al. 2015, Xu et al. 2015."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from unrolled.models.reference.cell import ReferenceCell
from unrolled.models.reference.protocol import Hook, State, Weights, doubled, under


class DecoderMemory(NamedTuple):
    """What every step looks at: the vectors h_j, (L, features)."""

    features: Tensor


def entropy_of(weights: Tensor) -> Tensor:
    """Of attention (1, L), as a fraction of even attention's: (1,)."""
    entropy: Tensor = -torch.xlogy(weights, weights).sum(-1)
    return entropy / math.log(max(weights.shape[-1], 2))


class ReferenceDecoder:
    """Everything after the input's vectors.

    Parameters
    ----------
    weights : mapping
        The whole model's; those of the decoder are picked out.
    """

    def __init__(self, kind: str, weights: Weights, *, begin: str = "mean", temperature: float = 1.0) -> None:
        self.weights = doubled(weights)
        self.cell = ReferenceCell(kind, under(self.weights, "cell"))
        self._begin, self._temperature = begin, temperature
        self._attention = under(self.weights, "attend")

    @property
    def computed_by(self) -> tuple[str, ...]:
        attention = ("F.softmax over F.linear and torch.tanh",) if self._attention else ()
        return (self.cell.name, *attention, "F.log_softmax")

    @property
    def state_names(self) -> tuple[str, ...]:
        return self.cell.state_names

    def start(self, memory: DecoderMemory) -> State:
        """From the mean vector, or zeros."""
        if self._begin == "zeros":
            return self.cell.start()
        mean = memory.features.mean(dim=0, keepdim=True)                               # (1, features)
        layers = [f"first_{name}" for name in self.state_names]
        return tuple(torch.tanh(F.linear(mean, self.weights[f"{name}.weight"], self.weights[f"{name}.bias"]))
                     for name in layers)

    def step(self, memory: DecoderMemory, state: State, token: int, number: int, hook: Hook) -> dict[str, Tensor]:
        word = hook("word_vector", F.embedding(torch.tensor([token]), self.weights["embed.weight"]))  # (1, embedding)
        found: dict[str, Tensor] = {}
        if self._attention:
            weights = self._attend(memory, state[0], word, hook)                       # (1, L)
            context = weights @ memory.features
            found = {"attention": weights, "attention_entropy": entropy_of(weights)}
        else:
            context = memory.features.mean(dim=0, keepdim=True)
        found |= self.cell.step(torch.cat((word, context), dim=-1), state, hook)
        deep = F.linear(torch.cat((found["hidden"], context), dim=-1), self.weights["deepen.weight"], self.weights["deepen.bias"])
        logits = F.linear(torch.tanh(deep + word), self.weights["embed.weight"], self.weights["word_bias"])
        found["log_probs"] = F.log_softmax(hook("logits", logits / self._temperature), dim=-1)
        return {name: value.flatten() for name, value in found.items()}

    def _attend(self, memory: DecoderMemory, hidden: Tensor, word: Tensor, hook: Hook) -> Tensor:
        weights = self._attention
        keys = F.linear(memory.features, weights["features_to_size.weight"], weights["features_to_size.bias"])  # (L, size)
        query = F.linear(hidden, weights["hidden_to_size.weight"])                     # (1, size)
        if "word_to_size.weight" in weights:
            query = query + F.linear(word, weights["word_to_size.weight"])
        scores = F.linear(torch.tanh(query + keys), weights["score.weight"]).T         # (1, L)
        return hook("attention", F.softmax(hook("attention_scores", scores), dim=-1))
