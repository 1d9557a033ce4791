"""att2in2 and updown in our own cells. Shapes: K hypotheses, L places, V words, R the length of a state.

Both embed each place's features, v_j = relu(W a_j + b), and attend by α = softmax(w · tanh(W_v v_j + W_h h)).

- att2in2 (Rennie et al. 2017) asks with the state before; the attended vector goes into the candidate of its LSTM alone,
  which is the larger of two sums.
- updown (Anderson et al. 2018) has two LSTMs: the lower one reads the upper one's state, the whole picture and the word, its
  new state asks, and the upper one reads what it found beside that state.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn

from unrolled.models.cells import AdditiveAttention, CellState, LSTMCell, MaxoutLSTMCell
from unrolled.models.cells.hook import Hook, joined
from unrolled.models.checkpoints.files import misfit
from unrolled.models.checkpoints.fitting import check_there, fitted, of_shapes, renamed
from unrolled.models.stepping.layers import layer_name
from unrolled.models.stepping.network_stepper import entropy_of
from unrolled.models.stepping.stepper import Structure

BOTH = {"embed.": "embed.0.", "places.": "att_embed.", "score.": "logit.", "attend.features_to_size.": "ctx2att.",
        "attend.hidden_to_size.": "core.attention.h2att.", "attend.score.": "core.attention.alpha_net."}
UPDOWN = BOTH | {"whole.": "fc_embed.0.", "lower.": "core.att_lstm.", "upper.": "core.lang_lstm."}
ATT2IN2 = ("core.i2h.weight", "core.i2h.bias", "core.h2h.weight", "core.h2h.bias", "core.a2c.weight", "core.a2c.bias")


class Lengths(NamedTuple):
    """Of the network; `normalised` says whether places' features are normalised before and behind their layer."""

    vocabulary: int
    embedding: int
    hidden: int
    features: int
    attention: int
    whole: int
    normalised: tuple[bool, bool]


class PlacesMemory(NamedTuple):
    """What every step reads: v_j (1, L, R), what attention makes of them, and the whole picture's vector (1, 1, R)."""

    features: Tensor
    keys: Tensor
    whole: Tensor


class _Captioner(nn.Module):
    """What both have; their checkpoints name the layers of `places` by their numbers."""

    def __init__(self, lengths: Lengths) -> None:
        super().__init__()
        self.lengths = lengths
        before, behind = lengths.normalised
        self.embed = nn.Embedding(lengths.vocabulary, lengths.embedding)
        self.places = nn.Sequential(
            *((nn.BatchNorm1d(lengths.features),) if before else ()), nn.Linear(lengths.features, lengths.hidden), nn.ReLU(),
            nn.Identity(), *((nn.BatchNorm1d(lengths.hidden),) if behind else ()))  # Identity: their dropout
        self.attend = AdditiveAttention(features=lengths.hidden, hidden=lengths.hidden, size=lengths.attention)
        self.score = nn.Linear(lengths.hidden, lengths.vocabulary)

    def _vectors(self, grid: Tensor) -> Tensor:
        """a_j (1, L, features) → v_j (1, L, R)."""
        vectors: Tensor = self.places(grid[0])
        return vectors.unsqueeze(0)

    def _word(self, words: Tensor, hook: Hook) -> Tensor:
        return hook("word_vector", torch.relu(self.embed(words)))                              # (1, K, embedding)


class Att2in2(_Captioner):
    def __init__(self, lengths: Lengths) -> None:
        super().__init__(lengths)
        self.cell = MaxoutLSTMCell(lengths.embedding + lengths.hidden, lengths.hidden)

    @property
    def structure(self) -> Structure:
        return Structure(self.cell, (("word", self.lengths.embedding), ("context", self.lengths.hidden)), self.attend)

    def remember(self, grid: Tensor, mean: Tensor) -> PlacesMemory:
        vectors = self._vectors(grid)
        return PlacesMemory(vectors, self.attend.keys(vectors), mean.unsqueeze(1))

    def start(self, memory: PlacesMemory) -> CellState:
        zeros = memory.features.new_zeros(1, 1, self.lengths.hidden)
        return zeros, zeros

    def step(self, memory: PlacesMemory, state: CellState, words: Tensor,
             hook: Hook) -> tuple[CellState, Tensor, tuple[Tensor, ...]]:
        word = self._word(words, hook)
        attended = self.attend(state[0], memory.features, memory.keys, None, hook)
        cell = self.cell(joined(word, attended.context), *state, hook=hook)
        logits = hook("logits", self.score(cell.hidden))
        return (cell.hidden, cell.cell), logits, (*cell, attended.weights, entropy_of(attended.weights))


class UpDown(_Captioner):
    def __init__(self, lengths: Lengths) -> None:
        super().__init__(lengths)
        self.whole = nn.Linear(lengths.whole, lengths.hidden)
        self.lower = LSTMCell(2 * lengths.hidden + lengths.embedding, lengths.hidden)
        self.upper = LSTMCell(2 * lengths.hidden, lengths.hidden)

    @property
    def structure(self) -> Structure:
        return Structure(self.upper, (("context", self.lengths.hidden), ("layer", self.lengths.hidden)), self.attend)

    def remember(self, grid: Tensor, mean: Tensor) -> PlacesMemory:
        vectors = self._vectors(grid)
        return PlacesMemory(vectors, self.attend.keys(vectors), torch.relu(self.whole(mean)).unsqueeze(1))

    def start(self, memory: PlacesMemory) -> CellState:
        """Of the lower cell, then of the upper one."""
        return (memory.features.new_zeros(1, 1, self.lengths.hidden),) * 4

    def step(self, memory: PlacesMemory, state: CellState, words: Tensor,
             hook: Hook) -> tuple[CellState, Tensor, tuple[Tensor, ...]]:
        def below(name: str, value: Tensor) -> Tensor:
            return hook(layer_name(name, 0), value)

        lower = self.lower(joined(state[2], memory.whole, self._word(words, hook)), *state[:2], hook=below)
        attended = self.attend(lower.hidden, memory.features, memory.keys, None, hook)
        upper = self.upper(joined(attended.context, lower.hidden), *state[2:], hook=hook)
        logits = hook("logits", self.score(upper.hidden))
        new = (lower.hidden, lower.cell, upper.hidden, upper.cell)
        return new, logits, (*upper, *lower, attended.weights, entropy_of(attended.weights))


def lengths_of(path: Path, theirs: Mapping[str, Tensor]) -> Lengths:
    """Raises `CheckpointError` where they cannot be told."""
    before, behind = "att_embed.0.running_mean" in theirs, "att_embed.4.running_mean" in theirs
    wanted = ("embed.0.weight", f"att_embed.{int(before)}.weight", "core.attention.h2att.weight", "ctx2att.weight",
              "logit.weight", "core.attention.alpha_net.weight", *(("fc_embed.0.weight",) if _two(theirs) else ()))
    check_there(path, theirs, wanted)
    odd = next((name for name in wanted if theirs[name].ndim != 2), "")
    if odd:
        raise misfit(path, f"“{odd}” is {tuple(theirs[odd].shape)}")
    vocabulary, embedding = theirs["embed.0.weight"].shape
    hidden, features = theirs[f"att_embed.{int(before)}.weight"].shape
    whole = theirs["fc_embed.0.weight"].shape[1] if _two(theirs) else features
    return Lengths(vocabulary, embedding, hidden, features, len(theirs["ctx2att.weight"]), whole, (before, behind))


def captioner(path: Path, theirs: Mapping[str, Tensor]) -> Att2in2 | UpDown:
    """The network with these weights. Raises `CheckpointError`."""
    lengths, named = lengths_of(path, theirs), dict(theirs)
    hidden_bias = named.pop("core.attention.h2att.bias", None)
    named.pop("core.attention.alpha_net.bias", None)  # of scores: it changes no softmax
    if hidden_bias is None or hidden_bias.shape != (lengths.attention,) or named.get(
            "ctx2att.bias", hidden_bias[:0]).shape != hidden_bias.shape:
        raise misfit(path, "its attention's two layers differ in length")
    named["ctx2att.bias"] = named["ctx2att.bias"] + hidden_bias  # both of attention's layers have one: their sum is ours
    if _two(theirs):
        return fitted(path, lambda: UpDown(lengths), renamed(path, named, UPDOWN), UPDOWN)
    own = renamed(path, {name: value for name, value in named.items() if name not in ATT2IN2}, BOTH)
    return fitted(path, lambda: Att2in2(lengths), own | _cell(path, named, lengths), BOTH)


def _two(theirs: Mapping[str, Tensor]) -> bool:
    return "core.lang_lstm.weight_hh" in theirs


def _cell(path: Path, theirs: Mapping[str, Tensor], lengths: Lengths) -> dict[str, Tensor]:
    """One cell of three layers: of the word, of the state, and of what was attended to, which only the candidate reads."""
    size = lengths.hidden
    shapes = ((5 * size, lengths.embedding), (5 * size,), (5 * size, size), (5 * size,), (2 * size, size), (2 * size,))
    word, word_bias, state, state_bias, context, context_bias = of_shapes(path, theirs, dict(zip(ATT2IN2, shapes, strict=True)))
    gates = torch.zeros(3 * size, size)
    return {"cell.weight_ih": torch.cat((word, torch.cat((gates, context))), dim=1), "cell.weight_hh": state,
            "cell.bias_ih": word_bias + torch.cat((gates[:, 0], context_bias)), "cell.bias_hh": state_bias}
