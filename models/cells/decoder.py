"""A recurrent decoder, with attention over rows of vectors or with one vector for all: it writes captions and translations.

With attention (Bahdanau et al. 2015; Xu et al. 2015) the state of the step before, and where it is so configured the
word before too, is compared with every vector h_j, and their weighted mean c_t goes into the cell beside the word before.
Without, the mean vector v goes in at every step, as the lecture's h = tanh(W_xh x + W_hh h + W_ih v). The new state, the
vector and the word before give the next word (a "deep output", Pascanu et al. 2014), compared with the word vectors
themselves.

Shapes: P inputs, K sequences (or hypotheses) for each, L vectors, V words.
"""

from typing import Literal, NamedTuple

import msgspec
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from unrolled.models.cells.attention import AdditiveAttention, Attended
from unrolled.models.cells.hook import Hook, identity
from unrolled.models.cells.recurrent import CellState, CellStep, first_state, make_cell, state_of


class DecoderConfig(msgspec.Struct, frozen=True, kw_only=True):
    vocabulary: int           # how many words there are, V
    cell: str = "lstm"        # rnn, lstm, gru
    features: int = 512       # the length of h_j
    # embedding, hidden: the lengths of a word's vector and of the state
    embedding: int = 256
    hidden: int = 512
    attention: int = 256      # the length of the attention's hidden layer; 0 for no attention
    query_word: bool = False  # whether attention asks with the word before too
    # where the first state comes from: the mean vector, or zeros, so that the input is read through the attention alone
    begin: Literal["mean", "zeros"] = "mean"
    dropout: float = 0.4      # while training only
    temperature: float = 1.0  # what the words' scores are divided by; 1 in every model that is shipped


class Memory(NamedTuple):
    features: Tensor            # (P, L, features): h_j
    keys: Tensor                # (P, L, attention): what attention makes of them; (P, L, 0) without attention
    mask: Tensor | None = None  # (P, L): True where there is a vector, in batches of inputs that differ in length


class Step(NamedTuple):
    """Everything that one step computes; `output` (P, K, embedding) is what the vocabulary is compared with."""

    attended: Attended | None
    cell: CellStep
    output: Tensor


class RecurrentDecoder(nn.Module):
    """The part of a captioner or a translator that writes."""

    def __init__(self, config: DecoderConfig) -> None:
        super().__init__()
        self.attend = AdditiveAttention(
            features=config.features, hidden=config.hidden, size=config.attention,
            word=config.embedding if config.query_word else 0) if config.attention else None
        self.cell = make_cell(config.cell, config.embedding + config.features, config.hidden)
        if config.begin == "mean":
            self.first_hidden = nn.Linear(config.features, config.hidden)
            if self.cell.state_size > 1:
                self.first_cell = nn.Linear(config.features, config.hidden)
        self.embed = nn.Embedding(config.vocabulary, config.embedding)
        self.deepen = nn.Linear(config.hidden + config.features, config.embedding)
        self.word_bias = nn.Parameter(torch.zeros(config.vocabulary))
        self.dropout = nn.Dropout(config.dropout)
        self.temperature = config.temperature
        self._begin = config.begin
        nn.init.normal_(self.embed.weight, std=config.embedding**-0.5)

    def remember(self, features: Tensor, mask: Tensor | None = None) -> Memory:
        """What every step reads, from the vectors h_j (P, L, features)."""
        keys = self.attend.keys(features) if self.attend is not None else features[..., :0]
        return Memory(features, keys, mask)

    def start(self, memory: Memory, sequences: int = 1) -> CellState:
        """The state before the first word, the same for each of an input's sequences: from the mean vector, or zeros."""
        if self._begin == "zeros":
            return first_state(self.cell, len(memory.features), sequences, device=memory.features.device)
        mean = mean_vector(memory)                                                     # (P, features)
        layers = (self.first_hidden, self.first_cell) if self.cell.state_size > 1 else (self.first_hidden,)
        return tuple(torch.tanh(layer(mean)).unsqueeze(1).expand(-1, sequences, -1) for layer in layers)  # (P, K, hidden)

    def step(self, memory: Memory, state: CellState, words: Tensor, hook: Hook = identity) -> tuple[CellState, Step]:
        """Read the word before, (P, K), and compute everything up to the scores of the next word.

        A change may make many sequences of one, by giving its quantity more rows: all that follows has as many then.
        """
        word = hook("word_vector", self.embed(words))                                # (P, K, embedding)
        if self.attend is not None:
            attended = self.attend(state[0], memory.features, memory.keys, memory.mask, hook, word)
            context = attended.context                                                 # (P, K, features)
        else:
            attended, context = None, mean_vector(memory).unsqueeze(1).expand(-1, words.shape[1], -1)
        word = word.expand(*context.shape[:-1], -1)
        cell = self.cell(torch.cat((self.dropout(word), context), dim=-1), *state, hook=hook)
        output = self.deepen(self.dropout(torch.cat((cell.hidden, context), dim=-1))) + word
        return state_of(self.cell, cell), Step(attended, cell, torch.tanh(output))

    def logits(self, output: Tensor) -> Tensor:
        """Output vectors (..., embedding) → a score for every word (..., V); the word vectors are used again."""
        return F.linear(self.dropout(output), self.embed.weight, self.word_bias) / self.temperature


def mean_vector(memory: Memory) -> Tensor:
    """The mean of the vectors that are there, (P, features)."""
    if memory.mask is None:
        return memory.features.mean(dim=1)
    there = memory.mask.unsqueeze(-1).to(memory.features.dtype)                        # (P, L, 1)
    return (memory.features * there).sum(dim=1) / there.sum(dim=1)
