"""Show, Attend and Tell as the tutorial has it (Xu et al. 2015): in our own cells, so that all can be seen and changed.

e_j = w · relu(W_s h + W_a a_j + b), α = softmax(e), z = Σ_j α_j a_j; the context is gated, β ⊙ z with β = σ(W_β h + b_β),
and goes into the cell beside the word before. The logits are W h' + b.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor, nn

from unrolled.models.cells import AdditiveAttention, CellState, LSTMCell
from unrolled.models.cells.decoder import Memory
from unrolled.models.cells.hook import Hook
from unrolled.models.stepping.network_stepper import entropy_of
from unrolled.models.stepping.stepper import Structure


class Lengths(NamedTuple):
    """Of the network: V words, their vectors, the state, a place's vector, the attention's hidden layer."""

    vocabulary: int
    embedding: int
    hidden: int
    features: int
    attention: int


class ShowAttendTell(nn.Module):
    def __init__(self, lengths: Lengths) -> None:
        super().__init__()
        self.lengths = lengths
        self.attend = AdditiveAttention(features=lengths.features, hidden=lengths.hidden, size=lengths.attention,
                                        activation="relu")
        self.cell = LSTMCell(lengths.embedding + lengths.features, lengths.hidden)
        self.embed = nn.Embedding(lengths.vocabulary, lengths.embedding)
        self.first_hidden = nn.Linear(lengths.features, lengths.hidden)
        self.first_cell = nn.Linear(lengths.features, lengths.hidden)
        self.gate = nn.Linear(lengths.hidden, lengths.features)
        self.score = nn.Linear(lengths.hidden, lengths.vocabulary)

    @property
    def structure(self) -> Structure:
        return Structure(self.cell, (("word", self.lengths.embedding), ("context", self.lengths.features)), self.attend)

    def remember(self, features: Tensor) -> Memory:
        """What every step reads, from the vectors a_j (1, L, features)."""
        return Memory(features, self.attend.keys(features))

    def start(self, memory: Memory) -> CellState:
        mean = memory.features.mean(dim=1, keepdim=True)                                       # (1, 1, features)
        return self.first_hidden(mean), self.first_cell(mean)

    def step(self, memory: Memory, state: CellState, words: Tensor,
             hook: Hook) -> tuple[CellState, Tensor, tuple[Tensor, ...]]:
        word = hook("word_vector", self.embed(words))                                          # (1, K, embedding)
        attended = self.attend(state[0], memory.features, memory.keys, None, hook)
        gate = hook("context_gate", torch.sigmoid(self.gate(state[0])))                        # (1, K, features)
        context = gate * attended.context
        cell = self.cell(torch.cat((word.expand(*context.shape[:-1], -1), context), dim=-1), *state, hook=hook)
        logits = hook("logits", self.score(cell.hidden))
        gate = gate.expand_as(context)
        return (cell.hidden, cell.cell), logits, (
            *cell, attended.weights, entropy_of(attended.weights), gate, gate.mean(dim=-1, keepdim=True))


def weights_of(theirs: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Ours, from the tutorial's names.

    Both of the attention's first layers have a bias there: their sum is ours. The bias of its scores changes no softmax.
    """
    ours = {
        "attend.features_to_size.weight": theirs["attention.encoder_att.weight"],
        "attend.features_to_size.bias": theirs["attention.encoder_att.bias"] + theirs["attention.decoder_att.bias"],
        "attend.hidden_to_size.weight": theirs["attention.decoder_att.weight"],
        "attend.score.weight": theirs["attention.full_att.weight"],
        "embed.weight": theirs["embedding.weight"],
    }
    for own, their in (("first_hidden", "init_h"), ("first_cell", "init_c"), ("gate", "f_beta"), ("score", "fc")):
        ours |= {f"{own}.{part}": theirs[f"{their}.{part}"] for part in ("weight", "bias")}
    return ours | {f"cell.{name}": theirs[f"decode_step.{name}"] for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")}
