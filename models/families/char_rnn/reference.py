"""The model computed a second time, from its own names of weights, by torch's own cells."""

import string

from torch import Tensor

from unrolled.models.reference.cell import ReferenceLayers
from unrolled.models.reference.network import ReferenceNetwork
from unrolled.models.reference.protocol import Hook, State, Weights, doubled
from unrolled.models.tokenizers.plain_signs import in_known_signs


class CharRNNReference(ReferenceNetwork):
    def __init__(self, weights: Weights) -> None:
        own = doubled(weights)
        super().__init__(own, ReferenceLayers(own, "rnn." if "rnn.weight_hh_l0" in own else "gru."))

    def read(self, given: str) -> int:
        """The number of the first character, which the first step reads."""
        text, _ = in_known_signs(given, string.printable.__contains__)
        return next(string.printable.index(own) for own in text if own in string.printable)

    def step(self, memory: int, state: State, token: int, number: int, hook: Hook) -> dict[str, Tensor]:
        vector = hook("word_vector", self.embedded("encoder", memory if number == 0 else token))
        found = self.cells.step(vector, state, hook)
        return self.flat(found, self.linear("decoder", found["hidden"]), hook)
