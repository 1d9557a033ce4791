"""The chatbot computed a second time: from its own names of weights, by torch's own modules and functions."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from unrolled.models.reference.attentional import ReferenceAttentional, SentenceMemory
from unrolled.models.reference.layers import ReferenceLayers, both_ways
from unrolled.models.reference.protocol import Hook, State, Weights, doubled, under


class ChatbotReference:
    """See `unrolled.models.reference.protocol.Reference`; `tokens` gives a sentence's numbers, END last."""

    def __init__(self, weights: Weights, *, tokens: Callable[[str], Sequence[int]]) -> None:
        own, self._tokens = doubled(under(weights, "de")), tokens
        self._encoder = both_ways("gru", doubled(under(weights, "en.gru")))
        self._weights, self._layers = own, ReferenceLayers("gru", own, "gru.")
        self._decoder = ReferenceAttentional(
            own["embedding.weight"], self._layers, self._scores, (own["concat.weight"], own["concat.bias"]),
            (own["out.weight"], own["out.bias"]), fed=False)

    @property
    def computed_by(self) -> tuple[str, ...]:
        return ("nn.GRU", self._layers.name, "F.softmax over F.linear", "F.log_softmax")

    @property
    def state_names(self) -> tuple[str, ...]:
        return self._decoder.state_names

    def _scores(self, hidden: Tensor, features: Tensor) -> Tensor:
        """As the tutorial writes them: dot, general or concat."""
        weights = self._weights
        if "attn.v" in weights:
            both = torch.cat((hidden.expand(len(features), -1), features), dim=-1)             # (L, 2 hidden)
            energy = F.linear(both, weights["attn.attn.weight"], weights["attn.attn.bias"]).tanh()
            return (energy @ weights["attn.v"]).unsqueeze(0)
        if "attn.attn.weight" in weights:
            features = F.linear(features, weights["attn.attn.weight"], weights["attn.attn.bias"])
        return hidden @ features.T

    def read(self, given: str) -> SentenceMemory:
        words = F.embedding(torch.tensor(self._tokens(given)), self._weights["embedding.weight"])
        outputs, last = self._encoder(words)
        count = len(self._layers.start())
        return SentenceMemory(sum(outputs.chunk(2, dim=-1)), tuple(part.unsqueeze(0) for part in last[:count]))

    def start(self, memory: SentenceMemory) -> State:
        return self._decoder.start(memory)

    def step(self, memory: SentenceMemory, state: State, token: int, number: int, hook: Hook) -> dict[str, Tensor]:
        return self._decoder.step(memory, state, token, hook)
