"""The captioner computed a second time: from its own names of weights, by torch's own cells and functions."""

from __future__ import annotations

import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional as F

from unrolled.models.reference.layers import ReferenceLayers
from unrolled.models.reference.photographs import looked_at
from unrolled.models.reference.protocol import Hook, State, Weights, doubled


class PictureFirstReference:
    """See `unrolled.models.reference.protocol.Reference`.

    Parameters
    ----------
    weights : mapping
        Of both files, the encoder's with ``encoder.`` in front, the decoder's with ``decoder.``.
    encoder : Module
        The checkpoint's, used in single precision.
    """

    def __init__(self, weights: Weights, *, encoder: nn.Module, size: int, device: str) -> None:
        self._weights = doubled({name: value for name, value in weights.items() if ".resnet." not in name})
        self._layers = ReferenceLayers("lstm", self._weights, "decoder.lstm.")
        self._encoder, self._size, self._device = encoder, size, device

    @property
    def computed_by(self) -> tuple[str, ...]:
        return ("the encoder's own modules", "F.batch_norm", self._layers.name, "F.log_softmax")

    @property
    def state_names(self) -> tuple[str, ...]:
        return self._layers.state_names

    def _of(self, name: str) -> tuple[Tensor, Tensor]:
        return self._weights[f"{name}.weight"], self._weights[f"{name}.bias"]

    def read(self, given: Image.Image) -> Tensor:
        square = given.convert("RGB").resize((self._size, self._size), Image.Resampling.LANCZOS)
        features = looked_at(self._encoder, square, self._device)                              # (features, 1, 1)
        vector = F.linear(features.reshape(1, -1), *self._of("encoder.linear"))
        mean, variance = self._weights["encoder.bn.running_mean"], self._weights["encoder.bn.running_var"]
        return F.batch_norm(vector, mean, variance, *self._of("encoder.bn"))

    def start(self, memory: Tensor) -> State:
        return self._layers.start()

    def step(self, memory: Tensor, state: State, token: int, number: int, hook: Hook) -> dict[str, Tensor]:
        read = memory if number == 0 else F.embedding(torch.tensor([token]), self._weights["decoder.embed.weight"])
        hidden, found = self._layers.step(hook("word_vector", read), state, hook)
        log_probs = F.log_softmax(hook("logits", F.linear(hidden, *self._of("decoder.linear"))), dim=-1)
        return {name: value.flatten() for name, value in (found | {"log_probs": log_probs}).items()}
