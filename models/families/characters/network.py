"""A character language model with any of the cells: the network, from top to bottom.

The lecture's h_t = f_W(h_{t-1}, x_t) and y_t = W_hy h_t: one function and one set of weights at every step. The
character before is read as a vector (the column of W_xh that it chooses), and y_t scores every next character.
"""

from __future__ import annotations

import msgspec
from torch import Tensor, nn
from torch.nn import functional as F

from unrolled.models.cells import CellState, CellStep, first_state, make_cell, run_sequence, state_of
from unrolled.models.cells.hook import Hook, identity


class CharacterConfig(msgspec.Struct, frozen=True, kw_only=True):
    """The network's lengths."""

    cell: str             # rnn, lstm, gru
    vocabulary: int       # how many characters there are, V
    # embedding, hidden: the lengths of a character's vector and of the state
    embedding: int = 64
    hidden: int = 512
    dropout: float = 0.1  # while training only


class CharacterModel(nn.Module):
    """Characters before → scores of the next."""

    def __init__(self, config: CharacterConfig) -> None:
        super().__init__()
        self.config = config
        self.embed = nn.Embedding(config.vocabulary, config.embedding)
        self.cell = make_cell(config.cell, config.embedding, config.hidden)
        self.score = nn.Linear(config.hidden, config.vocabulary)

    def start(self, batch: int) -> CellState:
        """The state before the first character, each tensor (batch, hidden)."""
        return first_state(self.cell, batch, device=self.score.weight.device)

    def step(self, characters: Tensor, state: CellState, hook: Hook = identity) -> tuple[CellState, CellStep, Tensor]:
        """Read one character each, (B,), and give the new state, all that was computed, and the scores (B, V)."""
        step = self.cell(hook("word_vector", self.embed(characters)), *state, hook=hook)
        return state_of(self.cell, step), step, hook("logits", self.score(step.hidden))

    def sequence(self, characters: Tensor, state: CellState) -> tuple[Tensor, CellState]:
        """Read many, (T, B), at once: the scores after each, (T, B, V), and the state after the last."""
        hidden, state = run_sequence(self.cell, self.embed(characters), state)
        return self.score(F.dropout(hidden, self.config.dropout, self.training)), state
