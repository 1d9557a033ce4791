"""Characters before → scores of the next: an embedding, layers of GRU or LSTM, a linear layer."""

from __future__ import annotations

import string
from typing import NamedTuple

import torch
from torch import Tensor, nn

from unrolled.models.cells import CellState
from unrolled.models.cells.hook import Hook
from unrolled.models.stepping.layers import Layers

CHARACTERS = string.printable


class Lengths(NamedTuple):
    cell: str
    vocabulary: int
    embedding: int
    hidden: int
    layers: int


class CharRNN(nn.Module):
    def __init__(self, lengths: Lengths) -> None:
        super().__init__()
        self.lengths = lengths
        self.embed = nn.Embedding(lengths.vocabulary, lengths.embedding)
        self.layers = Layers(lengths.cell, lengths.embedding, lengths.hidden, lengths.layers)
        self.score = nn.Linear(lengths.hidden, lengths.vocabulary)

    def start(self, memory: Tensor) -> CellState:
        return self.layers.start(self.score.weight.device)

    def step(self, memory: Tensor, state: CellState, words: Tensor,
             hook: Hook) -> tuple[CellState, Tensor, tuple[Tensor, ...]]:
        """What `memory` is, the text's first character (1, 1), is read where there is no word before."""
        vector = hook("word_vector", self.embed(torch.where(words < 0, memory, words)))
        state, channels = self.layers(vector, state, hook)
        return state, hook("logits", self.score(channels[0])), channels
