"""Torchvision's ResNets without their heads, as other people's captioners carry them in their checkpoints."""

import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from unrolled.models.checkpoints.files import CheckpointError
from unrolled.models.checkpoints.fitting import fitted

MEAN, DEVIATION = np.array(((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)), np.float32)  # of ImageNet’s red, green and blue
DEPTHS: dict[tuple[int, ...], str] = {
    (False, 2, 2, 2, 2): "18", (False, 3, 4, 6, 3): "34", (True, 3, 4, 6, 3): "50", (True, 3, 4, 23, 3): "101",
    (True, 3, 8, 36, 3): "152"}
STAGES = (4, 5, 6, 7)  # of the children of torchvision's ResNet
MOST_BLOCKS = 64


class ResNetEncoder(nn.Module):
    """A picture, squashed to a square of `size` pixels → its cells' vectors (1, side · side, features)."""

    def __init__(self, network: nn.Module, *, title: str, side: int, size: int, resampling: Image.Resampling) -> None:
        super().__init__()
        self.network, self.title, self.side, self.size, self.resampling = network, title, side, size, resampling
        self.eval().requires_grad_(False)

    def forward(self, picture: Image.Image) -> Tensor:
        square = picture.convert("RGB").resize((self.size, self.size), self.resampling)
        return grid_of(self.network, square).flatten(2).transpose(1, 2)


def grid_of(network: nn.Module, picture: Image.Image) -> Tensor:
    """What a network makes of a picture in red, green and blue, scaled as ImageNet's: (1, features, rows, columns)."""
    scaled = (np.asarray(picture, np.float32) / 255 - MEAN) / DEVIATION                        # (rows, columns, 3)
    grid: Tensor = network(torch.from_numpy(scaled).permute(2, 0, 1).unsqueeze(0).to(next(network.parameters()).device))
    return grid


def resnet_encoder(path: Path, weights: Mapping[str, Tensor], prefix: str, *, size: int, side: int,
                   resampling: Image.Resampling) -> ResNetEncoder:
    """The encoder whose weights are ``0.weight`` and so on, in the file behind a prefix. Raises `CheckpointError` where they are
    no ResNet's.
    """
    network, depth = resnet(path, weights, {"": prefix})
    return ResNetEncoder(nn.Sequential(network, nn.AdaptiveAvgPool2d(side)), side=side, size=size, resampling=resampling,
                         title=f"ResNet-{depth} at {size} × {size}, from the checkpoint")


def resnet(path: Path, weights: Mapping[str, Tensor], names: Mapping[str, str]) -> tuple[nn.Sequential, str]:
    """What of a ResNet makes the grid, and how deep it is in words; weights are named by the children's numbers, in the
    file as the `names` of `fitted` say. Raises `CheckpointError` where they are none of torchvision's ResNets.
    """
    blocks = tuple(len({match[1] for name in weights if (match := re.match(rf"{stage}\.(\d+)\.", name))}) for stage in STAGES)
    if not all(0 < count <= MOST_BLOCKS for count in blocks):
        raise CheckpointError(f"“{path.name}” holds an encoder that is not one of torchvision's ResNets.")
    wide = "4.0.conv3.weight" in weights

    def make() -> nn.Sequential:
        from torchvision.models.resnet import BasicBlock, Bottleneck, ResNet  # slow to import, and only needed here

        return nn.Sequential(*list(ResNet(Bottleneck if wide else BasicBlock, list(blocks)).children())[:-2])

    return fitted(path, make, weights, names), DEPTHS.get((wide, *blocks), "×".join(map(str, blocks)))
