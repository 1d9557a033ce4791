"""A translator computed a second time: its encoder by torch's own recurrent module, which reads both ways."""

from collections.abc import Callable, Sequence

import torch
from torch.nn import functional as F

from unrolled.models.reference.cell import both_ways
from unrolled.models.reference.decoder import DecoderMemory, ReferenceDecoder
from unrolled.models.reference.protocol import Weights, under


class TranslatorReference(ReferenceDecoder):
    """`encode` gives a sentence's tokens, END last."""

    def __init__(self, weights: Weights, *, begin: str, temperature: float, encode: Callable[[str], Sequence[int]]) -> None:
        super().__init__(weights, begin=begin, temperature=temperature)
        self._encode = encode
        own = self.weights
        self._encoder = both_ways({f"{name}_l0": value for name, value in under(own, "forwards").items()}
                                  | {f"{name}_l0_reverse": value for name, value in under(own, "backwards").items()})
        self.computed_by = (f"nn.{type(self._encoder).__name__}", *self.computed_by)

    def read(self, given: str) -> DecoderMemory:
        words = F.embedding(torch.tensor(list(self._encode(given))), self.weights["embed_source.weight"])
        return DecoderMemory(self._encoder(words.unsqueeze(1))[0].squeeze(1))                  # (L, features)
