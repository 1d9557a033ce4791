"""Both captioners computed a second time: from their own names of weights, by torch's own modules and functions."""

from functools import partial
from typing import NamedTuple

import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional as F

from unrolled.models.reference.cell import ReferenceCell, suffixed
from unrolled.models.reference.decoder import entropy_of
from unrolled.models.reference.network import ReferenceWeights, looked_at
from unrolled.models.reference.protocol import Hook, State, Weights, doubled, under

LONGEST_SIDE, SIDE = 640, 14


class Looked(NamedTuple):
    """What every step looks at: v_j (L, R) and the mean vector of the picture (1, features)."""

    features: Tensor
    mean: Tensor


class _Captioner(ReferenceWeights):
    """What both have; `encoder` is used in single precision."""

    def __init__(self, weights: Weights, *, encoder: nn.Module, device: str) -> None:
        super().__init__(doubled(weights))
        self._encoder, self._device = encoder, device

    def read(self, given: Image.Image) -> Looked:
        picture, longest = given.convert("RGB"), max(given.size)
        if longest > LONGEST_SIDE:
            sides = [max(1, round(length * (LONGEST_SIDE / longest))) for length in given.size]
            picture = picture.resize((sides[0], sides[1]), Image.Resampling.BICUBIC)
        grid = looked_at(self._encoder, picture, self._device)                                 # (features, rows, columns)
        places = F.adaptive_avg_pool2d(grid, (SIDE, SIDE)).flatten(1).T                        # (L, features)
        normalised = "att_embed.0.running_mean" in self.weights
        places = self.normalised("att_embed.0", places) if normalised else places
        vectors = F.relu(self.linear(f"att_embed.{int(normalised)}", places))
        return Looked(self.normalised("att_embed.4", vectors), grid.mean(2).mean(1).unsqueeze(0))

    def _word(self, token: int, hook: Hook) -> Tensor:
        return hook("word_vector", F.relu(self.embedded("embed.0", token)))

    def _attend(self, hidden: Tensor, features: Tensor, hook: Hook) -> tuple[Tensor, Tensor]:
        """The weights (1, L), and the attended vector (1, R)."""
        joined = torch.tanh(self.linear("ctx2att", features) + self.linear("core.attention.h2att", hidden))
        scores = F.linear(joined, self.weights["core.attention.alpha_net.weight"]).T          # its bias changes no softmax
        weights = hook("attention", F.softmax(hook("attention_scores", scores), dim=-1))
        return weights, weights @ features

    def _found(self, found: dict[str, Tensor], weights: Tensor, hook: Hook) -> dict[str, Tensor]:
        found |= {"attention": weights, "attention_entropy": entropy_of(weights)}
        return self.flat(found, self.linear("logit", found["hidden"]), hook)


class Att2in2Reference(_Captioner):
    """See `unrolled.models.reference.protocol.Reference`."""

    computed_by = ("the encoder's own modules", "torch.sigmoid and torch.max over F.linear", "F.softmax", "F.log_softmax")
    state_names = ("hidden", "cell")

    def start(self, memory: Looked) -> State:
        zeros = memory.features.new_zeros(1, memory.features.shape[1])
        return zeros, zeros

    def step(self, memory: Looked, state: State, token: int, number: int, hook: Hook) -> dict[str, Tensor]:
        word = self._word(token, hook)
        weights, context = self._attend(state[0], memory.features, hook)
        x = hook("cell_input", torch.cat((word, context), dim=-1))
        word, context = x[:, : word.shape[1]], x[:, word.shape[1] :]
        hidden, cell = hook("hidden_before", state[0]), hook("cell_before", state[1])
        i, f, o, *sums = (self.linear("core.i2h", word) + self.linear("core.h2h", hidden)).chunk(5, dim=-1)
        i, f, o = (hook(name, torch.sigmoid(own)) for name, own in (("input_gate", i), ("forget_gate", f), ("output_gate", o)))
        added = self.linear("core.a2c", context).chunk(2, dim=-1)
        g = hook("cell_gate", torch.max(sums[0] + added[0], sums[1] + added[1]))
        cell = hook("cell", f * cell + i * g)
        found = {"hidden": hook("hidden", o * torch.tanh(cell)), "cell": cell, "input_gate": i, "forget_gate": f,
                 "output_gate": o, "cell_gate": g}
        return self._found(found, weights, hook)


class UpDownReference(_Captioner):
    """See `unrolled.models.reference.protocol.Reference`."""

    computed_by = ("the encoder's own modules", "nn.LSTMCell", "F.softmax over F.linear and torch.tanh", "F.log_softmax")
    state_names = ("hidden_layer_0", "cell_layer_0", "hidden", "cell")

    def __init__(self, weights: Weights, *, encoder: nn.Module, device: str) -> None:
        super().__init__(weights, encoder=encoder, device=device)
        self._lower = ReferenceCell(under(self.weights, "core.att_lstm"))
        self._upper = ReferenceCell(under(self.weights, "core.lang_lstm"))

    def start(self, memory: Looked) -> State:
        return (*self._lower.start(), *self._upper.start())

    def step(self, memory: Looked, state: State, token: int, number: int, hook: Hook) -> dict[str, Tensor]:
        whole = F.relu(self.linear("fc_embed.0", memory.mean))
        read = torch.cat((state[2], whole, self._word(token, hook)), dim=-1)
        lower = self._lower.step(read, state[:2], partial(suffixed, hook, "_layer_0"))
        weights, context = self._attend(lower["hidden"], memory.features, hook)
        upper = self._upper.step(torch.cat((context, lower["hidden"]), dim=-1), state[2:], hook)
        return self._found(upper | {f"{name}_layer_0": value for name, value in lower.items()}, weights, hook)
