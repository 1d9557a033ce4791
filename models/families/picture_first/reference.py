"""The captioner computed a second time: from its own names of weights, by torch's own cells and functions."""

from PIL import Image
from torch import Tensor, nn

from unrolled.models.reference.cell import ReferenceLayers
from unrolled.models.reference.network import ReferenceNetwork, looked_at
from unrolled.models.reference.protocol import Hook, State, Weights, doubled


class PictureFirstReference(ReferenceNetwork):
    """See `ReferenceNetwork`.

    Parameters
    ----------
    weights : mapping
        Of both files, the encoder's with ``encoder.`` in front, the decoder's with ``decoder.``.
    encoder : Module
        The checkpoint's, used in single precision.
    """

    def __init__(self, weights: Weights, *, encoder: nn.Module, size: int, device: str) -> None:
        own = doubled({name: value for name, value in weights.items() if ".resnet." not in name})
        super().__init__(own, ReferenceLayers(own, "decoder.lstm."))
        self.computed_by = ("the encoder's own modules", "F.batch_norm", *self.computed_by)
        self._encoder, self._size, self._device = encoder, size, device

    def read(self, given: Image.Image) -> Tensor:
        square = given.convert("RGB").resize((self._size, self._size), Image.Resampling.LANCZOS)
        features = looked_at(self._encoder, square, self._device)                              # (features, 1, 1)
        return self.normalised("encoder.bn", self.linear("encoder.linear", features.reshape(1, -1)))

    def step(self, memory: Tensor, state: State, token: int, number: int, hook: Hook) -> dict[str, Tensor]:
        read = memory if number == 0 else self.embedded("decoder.embed", token)
        found = self.cells.step(hook("word_vector", read), state, hook)
        return self.flat(found, self.linear("decoder.linear", found["hidden"]), hook)
