"""The tutorial's captioner computed a second time: from its own names of weights, by torch's own modules and functions."""

from __future__ import annotations

import math

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional as F

from unrolled.models.reference.cell import ReferenceCell
from unrolled.models.reference.decoder import DecoderMemory
from unrolled.models.reference.protocol import Hook, State, Weights, doubled, under

MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class ShowAttendTellReference:
    """See `unrolled.models.reference.protocol.Reference`; `encoder` is the checkpoint's, used in single precision."""

    def __init__(self, weights: Weights, *, encoder: nn.Module, size: int, device: str) -> None:
        self._weights = doubled(under(weights, "decoder"))
        self._cell = ReferenceCell("lstm", under(self._weights, "decode_step"))
        self._encoder, self._size, self._device = encoder, size, device

    @property
    def computed_by(self) -> tuple[str, ...]:
        return ("the encoder's own modules", self._cell.name, "F.softmax over F.linear and F.relu", "F.log_softmax")

    @property
    def state_names(self) -> tuple[str, ...]:
        return self._cell.state_names

    def _linear(self, name: str, value: Tensor) -> Tensor:
        return F.linear(value, self._weights[f"{name}.weight"], self._weights[f"{name}.bias"])

    def read(self, given: Image.Image) -> DecoderMemory:
        square = given.convert("RGB").resize((self._size, self._size), Image.Resampling.BILINEAR)
        pixels = (np.asarray(square, np.float64) / 255.0 - MEAN) / DEVIATION                   # (rows, columns, 3)
        grid: Tensor = self._encoder(torch.from_numpy(pixels.transpose(2, 0, 1)[None].astype(np.float32)).to(self._device))
        return DecoderMemory(grid.cpu().double()[0].reshape(grid.shape[1], -1).T)

    def start(self, memory: DecoderMemory) -> State:
        mean = memory.features.mean(dim=0, keepdim=True)
        return self._linear("init_h", mean), self._linear("init_c", mean)

    def step(self, memory: DecoderMemory, state: State, token: int, number: int, hook: Hook) -> dict[str, Tensor]:
        word = hook("word_vector", F.embedding(torch.tensor([token]), self._weights["embedding.weight"]))
        joined = F.relu(self._linear("attention.encoder_att", memory.features) + self._linear("attention.decoder_att", state[0]))
        scores = hook("attention_scores", self._linear("attention.full_att", joined).T)        # (1, L)
        weights = hook("attention", F.softmax(scores, dim=-1))
        gate = hook("context_gate", torch.sigmoid(self._linear("f_beta", state[0])))
        found = self._cell.step(torch.cat((word, gate * (weights @ memory.features)), dim=-1), state, hook)
        entropy: Tensor = -torch.xlogy(weights, weights).sum(-1) / math.log(max(weights.shape[-1], 2))
        logits = hook("logits", self._linear("fc", found["hidden"]))
        found |= {"attention": weights, "attention_entropy": entropy, "context_gate": gate,
                  "context_gate_mean": gate.mean(), "log_probs": F.log_softmax(logits, dim=-1)}
        return {name: value.flatten() for name, value in found.items()}
