"""A captioner computed a second time: the encoder that came from its package, the rest by torch's own functions."""

from collections.abc import Sequence

from PIL import Image
from torch import nn
from torch.nn import functional as F

from unrolled.models.reference.decoder import DecoderMemory, ReferenceDecoder
from unrolled.models.reference.network import looked_at
from unrolled.models.reference.protocol import Weights


class CaptionerReference(ReferenceDecoder):
    """See `ReferenceDecoder`.

    Parameters
    ----------
    encoder : Module
        Normalised pixels (1, 3, size, size) → features (1, features, rows, columns); used in single precision, as it is.
    scale : tuple of sequence
        Mean and deviation of red, green and blue.
    device : str
        Where the encoder is; all else is computed on the CPU.
    """

    def __init__(self, weights: Weights, *, begin: str, temperature: float, encoder: nn.Module, size: int,
                 scale: tuple[Sequence[float], Sequence[float]], device: str) -> None:
        super().__init__(weights, "the encoder's own modules", begin=begin, temperature=temperature)
        self._encoder, self._size, self._scale, self._device = encoder, size, scale, device

    def read(self, given: Image.Image) -> DecoderMemory:
        square = given.convert("RGB").resize((self._size, self._size), Image.Resampling.BICUBIC)
        cells = looked_at(self._encoder, square, self._device, self._scale).flatten(1).T       # (L, features)
        if not self.attends:
            cells = cells.mean(dim=0, keepdim=True)
        return DecoderMemory(F.relu(self.linear("project", cells)))
