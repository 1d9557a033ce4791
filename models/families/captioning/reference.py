"""A captioner computed a second time: the encoder that came from its package, the rest by torch's own functions."""

from __future__ import annotations

from PIL import Image
from torch import nn
from torch.nn import functional as F

from unrolled.models.reference.decoder import DecoderMemory, ReferenceDecoder
from unrolled.models.reference.photographs import looked_at
from unrolled.models.reference.protocol import Weights


class CaptionerReference(ReferenceDecoder):
    """See `Reference`.

    Parameters
    ----------
    encoder : Module
        Normalised pixels (1, 3, size, size) → features (1, features, rows, columns); used in single precision, as it is.
    device : str
        Where the encoder is; all else is computed on the CPU.
    """

    def __init__(self, weights: Weights, *, kind: str, attention: bool, begin: str, temperature: float, encoder: nn.Module,
                 size: int, mean: tuple[float, float, float], deviation: tuple[float, float, float],
                 device: str = "cpu") -> None:
        super().__init__(kind, weights, begin=begin, temperature=temperature)
        self._encoder, self._size, self._scale = encoder, size, (mean, deviation)
        self._attends, self._device = attention, device

    @property
    def computed_by(self) -> tuple[str, ...]:
        return ("the encoder's own modules", *super().computed_by)

    def read(self, given: Image.Image) -> DecoderMemory:
        square = given.convert("RGB").resize((self._size, self._size), Image.Resampling.BICUBIC)
        cells = looked_at(self._encoder, square, self._device, self._scale).flatten(1).T       # (L, features)
        if not self._attends:
            cells = cells.mean(dim=0, keepdim=True)
        weights = self.weights
        return DecoderMemory(F.relu(F.linear(cells, weights["project.weight"], weights["project.bias"])))
