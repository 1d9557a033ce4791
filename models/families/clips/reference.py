"""A classifier of clips computed a second time, its encoder layer by layer."""

from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from unrolled.models.reference.cell import ReferenceCell
from unrolled.models.reference.network import ReferenceNetwork
from unrolled.models.reference.protocol import Hook, State, Weights, doubled, under

POINT_SCALE = 4.0
GLIMPSE, GLIMPSE_RADII = 20, 1.2
ENCODER_STRIDES, LOOK_STRIDES = (2, 2, 1), (1, 2)


class ClipReference(ReferenceNetwork):
    """See `ReferenceNetwork`. `recurrent`: whether the state goes from frame to frame."""

    def __init__(self, weights: Weights, *, size: int, recurrent: bool) -> None:
        own = doubled(weights)
        super().__init__(own, ReferenceCell(under(own, "cell")))
        self.computed_by = ("F.conv2d", "F.grid_sample", *self.computed_by)
        self._size, self._recurrent = size, recurrent

    def read(self, given: Any) -> Tensor:
        """The vectors of all frames, (T, features), from a clip's own pixels."""
        squares = [np.asarray(Image.fromarray(frame).resize((self._size, self._size), Image.Resampling.BICUBIC, reducing_gap=3))
                   if frame.shape[:2] != (self._size, self._size) else frame for frame in given.frames]
        return torch.cat([self._vector(torch.from_numpy(np.array(square, np.float64))) for square in squares])

    def step(self, memory: Tensor, state: State, token: int, number: int, hook: Hook) -> dict[str, Tensor]:
        found = self.cells.step(hook("frame_vector", memory[number : number + 1]),
                                state if self._recurrent else self.cells.start(), hook)
        found = self.flat(found, self.linear("score", found["hidden"]), hook)
        return found | {"label_probability": found["log_probs"].exp()}

    def _vector(self, frame: Tensor) -> Tensor:
        """A frame (size, size, 3) → its vector (1, features)."""
        scaled = (frame.permute(2, 0, 1) / 127.5 - 1.0).unsqueeze(0)
        maps = scaled
        for layer, stride in enumerate(ENCODER_STRIDES):
            maps = F.relu(self._convolved(f"encoder.{layer}.0", maps, stride))
        points = POINT_SCALE * self._points(self._convolved("encoder.3", maps, 1)[0])          # (1, 4 · points)
        place = self.linear("locate", points)[0]
        seen = self._glimpse(scaled, place)
        for layer, stride in enumerate(LOOK_STRIDES):
            seen = F.relu(self._convolved(f"look.{layer}.0", seen, stride))
        seen = F.relu(self.linear("look.3", seen.flatten(1)))
        turns = self.linear("orient.2", F.relu(self.linear("orient.0", seen)))
        return self.linear("project", torch.cat((points, seen, POINT_SCALE * turns), dim=-1))

    @staticmethod
    def _points(maps: Tensor) -> Tensor:
        """Mean place and spread of each map's softmax: x of all, y of all, spread along x, spread along y; (1, 4 · points)."""
        count, height, width = maps.shape
        share = F.softmax(maps.reshape(count, -1), dim=-1).reshape(count, height, width)
        found = {}
        for axis, size in (("x", width), ("y", height)):
            place = torch.linspace(-1 + 1 / size, 1 - 1 / size, size, dtype=torch.float64)
            profile = share.sum(1 if axis == "x" else 2)                                       # (points, size)
            mean = profile @ place
            found[axis] = mean, (profile @ place**2 - mean**2).clamp_min(1e-6).sqrt()
        return torch.cat((found["x"][0], found["y"][0], found["x"][1], found["y"][1])).unsqueeze(0)

    @staticmethod
    def _glimpse(scaled: Tensor, place: Tensor) -> Tensor:
        """What is around a place, (1, 3, GLIMPSE, GLIMPSE)."""
        x, y = 2 * place[0] - 1, 2 * place[1] - 1
        reach = 2 * GLIMPSE_RADII * place[2].clamp(0.05, 0.5)
        along = torch.linspace(-1 + 1 / GLIMPSE, 1 - 1 / GLIMPSE, GLIMPSE, dtype=torch.float64) * reach
        down, across = torch.meshgrid(y + along, x + along, indexing="ij")
        return F.grid_sample(scaled, torch.stack((across, down), dim=-1).unsqueeze(0), padding_mode="border", align_corners=False)

    def _convolved(self, name: str, x: Tensor, stride: int) -> Tensor:
        kernel = self.weights[f"{name}.weight"]
        return F.conv2d(x, kernel, self.weights[f"{name}.bias"], stride=stride, padding=kernel.shape[-1] // 2)
