"""The tutorial's captioner computed a second time: from its own names of weights, by torch's own modules and functions."""

from __future__ import annotations

import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional as F

from unrolled.models.reference.cell import ReferenceCell
from unrolled.models.reference.decoder import DecoderMemory, entropy_of
from unrolled.models.reference.photographs import looked_at
from unrolled.models.reference.protocol import Hook, State, Weights, doubled, under


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
        return DecoderMemory(looked_at(self._encoder, square, self._device).flatten(1).T)      # (L, features)

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
        logits = hook("logits", self._linear("fc", found["hidden"]))
        found |= {"attention": weights, "attention_entropy": entropy_of(weights), "context_gate": gate,
                  "context_gate_mean": gate.mean(), "log_probs": F.log_softmax(logits, dim=-1)}
        return {name: value.flatten() for name, value in found.items()}
