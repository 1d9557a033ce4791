"""The captioner of drawn scenes computed a second time, its encoder layer by layer."""

import numpy as np
import torch
from PIL import Image
from torch.nn import functional as F

from unrolled.models.reference.decoder import DecoderMemory, ReferenceDecoder
from unrolled.models.reference.protocol import Weights

STRIDES = (2, 2, 1, 2, 1, 1)
GROUPS = 8


class ShapesReference(ReferenceDecoder):
    def __init__(self, weights: Weights, *, begin: str, temperature: float, size: int) -> None:
        super().__init__(weights, "F.conv2d", "F.group_norm", begin=begin, temperature=temperature)
        self._size = size

    def read(self, given: Image.Image) -> DecoderMemory:
        square = given.convert("RGB").resize((self._size, self._size), Image.Resampling.BICUBIC)
        x = torch.from_numpy(np.asarray(square, np.float64).transpose(2, 0, 1).copy())[None] / 127.5 - 1.0
        weights = self.weights
        for layer, stride in enumerate(STRIDES):
            kernel = weights[f"encoder.{layer}.0.weight"]
            x = F.conv2d(x, kernel, stride=stride, padding=kernel.shape[-1] // 2)
            x = F.relu(F.group_norm(x, GROUPS, weights[f"encoder.{layer}.1.weight"], weights[f"encoder.{layer}.1.bias"]))
        side = x.shape[-1]
        along = np.linspace(-1 + 1 / side, 1 - 1 / side, side)
        across, down = np.tile(along, side), np.repeat(along, side)
        waves = [part for half_waves in (1, 2) for coordinate in (across, down)
                 for part in (np.sin(coordinate * np.pi / 2 * half_waves), np.cos(coordinate * np.pi / 2 * half_waves))]
        where = torch.from_numpy(np.stack([across, down, *waves], axis=1))                     # (L, 10)
        cells = torch.cat((x[0].reshape(x.shape[1], -1).T, where), dim=1)
        return DecoderMemory(F.relu(self.linear("project", cells)))
