"""The chatbot computed a second time: from its own names of weights, by torch's own modules and functions."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from unrolled.models.reference.cell import both_ways
from unrolled.models.reference.decoder import ReferenceAttentional, SentenceMemory
from unrolled.models.reference.protocol import Weights, doubled, under


class ChatbotReference(ReferenceAttentional):
    """`tokens` gives a sentence's numbers, END last."""

    def __init__(self, weights: Weights, *, tokens: Callable[[str], Sequence[int]]) -> None:
        super().__init__(doubled(under(weights, "de")), "nn.GRU", cells="gru.", table="embedding", combine="concat", words="out")
        self._encoder, self._tokens = both_ways(doubled(under(weights, "en.gru"))), tokens

    def scores(self, hidden: Tensor, features: Tensor) -> Tensor:
        """As the tutorial writes them: dot, general or concat."""
        if "attn.v" in self.weights:
            both = torch.cat((hidden.expand(len(features), -1), features), dim=-1)             # (L, 2 hidden)
            return (self.linear("attn.attn", both).tanh() @ self.weights["attn.v"]).unsqueeze(0)
        if "attn.attn.weight" in self.weights:
            features = self.linear("attn.attn", features)
        return hidden @ features.T

    def read(self, given: str) -> SentenceMemory:
        words = F.embedding(torch.tensor(self._tokens(given)), self.weights["embedding.weight"])
        outputs, last = self._encoder(words)
        count = len(self.cells.start())
        return SentenceMemory(sum(outputs.chunk(2, dim=-1)), tuple(part.unsqueeze(0) for part in last[:count]))
