"""Show and Tell as pytorch-tutorial has it: the picture as the first word, then layers of LSTM, and a linear layer."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from unrolled.models.cells import CellState
from unrolled.models.cells.hook import Hook
from unrolled.models.stepping.layers import Layers
from unrolled.models.stepping.stepper import Structure


class Lengths(NamedTuple):
    """Of the network: V words, their vectors, the state, the layers, and a picture's vector from the ResNet."""

    vocabulary: int
    embedding: int
    hidden: int
    layers: int
    features: int


class PictureFirst(nn.Module):
    def __init__(self, lengths: Lengths) -> None:
        super().__init__()
        self.lengths = lengths
        self.project = nn.Linear(lengths.features, lengths.embedding)
        self.normalise = nn.BatchNorm1d(lengths.embedding)
        self.embed = nn.Embedding(lengths.vocabulary, lengths.embedding)
        self.layers = Layers("lstm", lengths.embedding, lengths.hidden, lengths.layers)
        self.score = nn.Linear(lengths.hidden, lengths.vocabulary)

    @property
    def structure(self) -> Structure:
        return self.layers.structure

    def picture_vector(self, features: Tensor) -> Tensor:
        """The ResNet's mean vector (1, features) → what stands for a word's vector, (1, 1, embedding)."""
        vector: Tensor = self.normalise(self.project(features))
        return vector.unsqueeze(1)

    def start(self, memory: Tensor) -> CellState:
        return self.layers.start(self.score.weight.device)

    def step(self, memory: Tensor, state: CellState, words: Tensor,
             hook: Hook) -> tuple[CellState, Tensor, tuple[Tensor, ...]]:
        """`memory`, the picture's vector, is read where there is no word before."""
        own = torch.where(words.unsqueeze(-1) < 0, memory, self.embed(words.clamp(min=0)))     # (1, K, embedding)
        state, channels = self.layers(hook("word_vector", own), state, hook)
        return state, hook("logits", self.score(channels[0])), channels
