"""A character model computed a second time."""

from torch import Tensor

from unrolled.models.reference.cell import ReferenceCell
from unrolled.models.reference.network import ReferenceNetwork
from unrolled.models.reference.protocol import Hook, State, Weights, doubled, under


class CharacterReference(ReferenceNetwork):
    def __init__(self, weights: Weights) -> None:
        own = doubled(weights)
        super().__init__(own, ReferenceCell(under(own, "cell")))

    def read(self, given: str) -> None:
        """There is nothing that every step looks at."""

    def step(self, memory: None, state: State, token: int, number: int, hook: Hook) -> dict[str, Tensor]:
        found = self.cells.step(hook("word_vector", self.embedded("embed", token)), state, hook)
        return self.flat(found, self.linear("score", found["hidden"]), hook)
