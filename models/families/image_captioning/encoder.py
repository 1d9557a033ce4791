"""The ResNet that these captioners look with: a photograph as large as it is → a grid of 14 × 14, and its mean vector."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PIL import Image
from torch import Tensor, nn

from unrolled.models.checkpoints.resnets import STAGES, grid_of, resnet
from unrolled.models.families.image_captioning.infos import resnet_beside

SIDE = 14
LONGEST_SIDE = 640  # pixels; a larger photograph is made so small first


class PhotographEncoder(nn.Module):
    """Gives the vectors (1, 196, features) and the mean vector (1, features) of the network's own grid."""

    def __init__(self, network: nn.Sequential, title: str) -> None:
        super().__init__()
        self.network, self.title = network, title
        network[3] = nn.MaxPool2d(kernel_size=3, stride=2, padding=0, ceil_mode=True)  # as Caffe has it
        for stage in STAGES[1:]:
            first: Any = next(network[stage].children())
            first.conv1.stride, first.conv2.stride = (2, 2), (1, 1)
        self.eval().requires_grad_(False)

    def forward(self, picture: Image.Image) -> tuple[Tensor, Tensor]:
        grid = grid_of(self.network, fitting(picture))
        return nn.functional.adaptive_avg_pool2d(grid, SIDE).flatten(2).transpose(1, 2), grid.mean(dim=(2, 3))


def fitting(picture: Image.Image) -> Image.Image:
    """In red, green and blue, and no larger than can be read."""
    scale = LONGEST_SIDE / max(picture.size)
    rgb = picture.convert("RGB")
    if scale >= 1:
        return rgb
    width, height = (max(1, round(length * scale)) for length in picture.size)
    return rgb.resize((width, height), Image.Resampling.BICUBIC)


def encoder_beside(path: Path, features: int) -> PhotographEncoder:
    """Of a checkpoint that looks at so many features. Raises `CheckpointError`."""
    file, weights = resnet_beside(path, features)
    network, depth = resnet(file, weights)
    return PhotographEncoder(network, f"ResNet-{depth} with Caffe's strides, from {file.name}")
