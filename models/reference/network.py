"""What the second computations of most networks have in common: weights by their names, cells that keep the state, words."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional as F

from unrolled.models.reference.cell import ReferenceCell, ReferenceLayers
from unrolled.models.reference.protocol import Hook, State, Weights, under

IMAGENET = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # mean and deviation of red, green and blue


class ReferenceWeights:
    """Weights in double precision by their names, a bias missing where a layer has none, and torch's functions of them."""

    def __init__(self, weights: Weights) -> None:
        self.weights = weights

    def linear(self, name: str, x: Tensor) -> Tensor:
        """x (..., inputs) → (..., outputs) of the layer of this name."""
        return F.linear(x, self.weights[f"{name}.weight"], self.weights.get(f"{name}.bias"))

    def normalised(self, name: str, x: Tensor) -> Tensor:
        """Batch norm by what it saw in training; a layer that there is none of changes nothing."""
        own = under(self.weights, name)
        return F.batch_norm(x, own["running_mean"], own["running_var"], own["weight"], own["bias"]) if own else x

    def embedded(self, name: str, token: int) -> Tensor:
        """A token's row of a table, (1, embedding)."""
        return F.embedding(torch.tensor([token]), self.weights[f"{name}.weight"])

    def flat(self, found: dict[str, Tensor], logits: Tensor, hook: Hook) -> dict[str, Tensor]:
        """What a step gives: what was found, and the log-probabilities of the words."""
        found |= {"log_probs": F.log_softmax(hook("logits", logits), dim=-1)}
        return {name: value.flatten() for name, value in found.items()}


class ReferenceNetwork(ReferenceWeights):
    """See `Reference`; how an input is read, and what a step is, is the network's own.

    Parameters
    ----------
    weights : mapping
        In double precision, a bias missing where a layer has none.
    uses : str
        What of torch it computes with beside its cells: see `Reference.computed_by`.
    """

    def __init__(self, weights: Weights, cells: ReferenceCell | ReferenceLayers, *uses: str) -> None:
        super().__init__(weights)
        self.cells = cells
        self.computed_by = (cells.name, *uses, "F.log_softmax")
        self.state_names = cells.state_names

    def start(self, memory: Any) -> State:
        return self.cells.start()


def looked_at(encoder: nn.Module, picture: Image.Image, device: str,
              scale: tuple[Sequence[float], Sequence[float]] = IMAGENET) -> Tensor:
    """A picture of the size that the encoder reads → its features (features, rows, columns), in double precision on the CPU.

    The encoder computes in single precision, as it is.
    """
    pixels = (np.asarray(picture.convert("RGB"), np.float64) / 255.0 - scale[0]) / scale[1]    # (rows, columns, 3)
    grid: Tensor = encoder(torch.from_numpy(pixels.transpose(2, 0, 1)[None].astype(np.float32)).to(device))
    return grid.cpu().double()[0]
