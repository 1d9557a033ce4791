"""Image captioning with attention, in its LSTM form: the network, from top to bottom.

Soft attention of Show, Attend and Tell (Xu et al. 2015). At every step the state of the step before is compared with
every cell of the picture's feature grid; the weighted mean of the cells and the word before go into the LSTM; its new
state, the weighted mean and the word before give the next word.

Shapes: P pictures, K captions (or hypotheses) for each, L = rows × columns cells, V words.
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from unrolled.models.cells import AdditiveAttention, Attended, LSTMCell, LSTMStep


class AttendLSTMConfig(msgspec.Struct, frozen=True, kw_only=True):
    """The network's lengths.

    Attributes
    ----------
    vocabulary : int
        How many words there are, V.
    encoder_features : int
        The length of the encoder's feature vector of a cell.
    features : int
        The length of what is made of it, h_j.
    embedding, hidden, attention : int
        The lengths of a word's vector, of the LSTM's state, and of the attention's hidden layer.
    dropout : float
        While training only.
    temperature : float
        What the words' scores are divided by. Smoothed labels leave them flatter than the words deserve.
    """

    vocabulary: int
    encoder_features: int = 1280
    features: int = 512
    embedding: int = 256
    hidden: int = 512
    attention: int = 256
    dropout: float = 0.4
    temperature: float = 1.0


class Memory(NamedTuple):
    """What is computed once for a picture: features h_j (P, L, features) and attention keys (P, L, attention)."""

    features: Tensor
    keys: Tensor


class State(NamedTuple):
    """The recurrent state, a value: hidden and cell, each (P, K, hidden)."""

    hidden: Tensor
    cell: Tensor


class Step(NamedTuple):
    """Everything that one step computes; `output` (P, K, embedding) is what the vocabulary is compared with."""

    attended: Attended
    lstm: LSTMStep
    output: Tensor


class AttendLSTM(nn.Module):
    """The captioner without its encoder."""

    def __init__(self, config: AttendLSTMConfig) -> None:
        super().__init__()
        self.config = config
        self.project = nn.Linear(config.encoder_features, config.features)
        self.attend = AdditiveAttention(features=config.features, hidden=config.hidden, size=config.attention)
        self.first_hidden = nn.Linear(config.features, config.hidden)
        self.first_cell = nn.Linear(config.features, config.hidden)
        self.embed = nn.Embedding(config.vocabulary, config.embedding)
        self.cell = LSTMCell(config.embedding + config.features, config.hidden)
        self.deepen = nn.Linear(config.hidden + config.features, config.embedding)
        self.word_bias = nn.Parameter(torch.zeros(config.vocabulary))
        self.dropout = nn.Dropout(config.dropout)
        self.temperature = config.temperature
        nn.init.normal_(self.embed.weight, std=config.embedding**-0.5)

    def memory(self, grid: Tensor) -> Memory:
        """The encoder's grid (P, L, encoder_features) → what every step reads."""
        features = self.dropout(F.relu(self.project(grid)))
        return Memory(features, self.attend.keys(features))

    def start(self, memory: Memory, captions: int = 1) -> State:
        """The state before the first word, from the picture's mean feature, the same for each of its captions."""
        mean = memory.features.mean(dim=1)                                             # (P, features)
        hidden = torch.tanh(self.first_hidden(mean)).unsqueeze(1).expand(-1, captions, -1)
        cell = torch.tanh(self.first_cell(mean)).unsqueeze(1).expand(-1, captions, -1)
        return State(hidden, cell)                                                     # (P, K, hidden) each

    def step(self, memory: Memory, state: State, words: Tensor) -> tuple[State, Step]:
        """Read the word before, (P, K), and compute everything up to the scores of the next word."""
        word = self.embed(words)                                                       # (P, K, embedding)
        attended = self.attend(state.hidden, memory.features, memory.keys)
        lstm = self.cell(torch.cat((self.dropout(word), attended.context), dim=-1), state.hidden, state.cell)
        output = self.deepen(self.dropout(torch.cat((lstm.hidden, attended.context), dim=-1))) + word
        return State(lstm.hidden, lstm.cell), Step(attended, lstm, torch.tanh(output))

    def scores(self, output: Tensor) -> Tensor:
        """Output vectors (..., embedding) → a score for every word (..., V); the word vectors are used again."""
        return F.linear(self.dropout(output), self.embed.weight, self.word_bias) / self.temperature
