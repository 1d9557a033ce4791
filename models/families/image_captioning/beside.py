"""What lies beside a checkpoint: the words and options in ``infos_ID.pkl``, and the weights of the ResNet that it looks with."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image
from torch import Tensor, nn

from unrolled.models.checkpoints.companions import beside
from unrolled.models.checkpoints.files import CheckpointError
from unrolled.models.checkpoints.pickled import read_object, read_pickled
from unrolled.models.checkpoints.resnets import STAGES, grid_of, resnet

CHILDREN = {"conv1": "0", "bn1": "1", "layer1": "4", "layer2": "5", "layer3": "6", "layer4": "7"}  # of torchvision's ResNet
SIDE = 14
NUMBER = re.compile("[0-9]{1,9}")  # of a word
LONGEST_SIDE = 640  # pixels; a larger photograph is made so small first


@dataclass(frozen=True, slots=True)
class Infos:
    """Of a model: its words by their numbers, of which 0 is START and END, and its options."""

    words: Mapping[int, str]
    options: Mapping[str, Any]

    def number(self, option: str, otherwise: int) -> int:
        value = self.options.get(option)
        return value if isinstance(value, int) and 0 <= value < 10**6 else otherwise


def infos_beside(path: Path, count: int) -> Infos:
    """Of a checkpoint with so many words: ``infos_ID-best.pkl`` of ``model-best.pth``. Raises `CheckpointError`."""
    ending, wrong = path.stem.removeprefix("model"), ""
    candidates = [own for own in beside(path, "infos_*.pkl") if own.stem.endswith(ending)]
    for candidate in sorted(candidates, key=lambda own: len(own.stem)):  # of model.pth the one without “-best”
        content = read_object(candidate)
        words, options = (content.get("vocab"), content.get("opt")) if isinstance(content, dict) else (None, None)
        if isinstance(words, dict) and isinstance(options, dict) and all(
                isinstance(number, str | int) and NUMBER.fullmatch(f"{number}") and isinstance(word, str)
                for number, word in words.items()):
            numbered = {int(number): word for number, word in words.items()}
            if numbered and max(numbered) == count - 1:
                return Infos(numbered, options)
            wrong = f"“{path.name}” has {count - 1:,} words, and “{candidate.name}” has {len(words):,}: it is another model's."
    raise CheckpointError(wrong or f"“{path.name}” does not hold its words; put its infos_….pkl into the same folder.")


def resnet_beside(path: Path, features: int) -> tuple[Path, dict[str, Tensor]]:
    """The weights of the ResNet, by the numbers of its children: ``resnet101.pth`` beside the checkpoint or among those that
    torchvision has downloaded. Raises `CheckpointError`.
    """
    cache = Path(os.environ.get("TORCH_HOME") or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "torch")
    found = [*beside(path, "resnet*.pth"), *beside(path, "imagenet_weights/resnet*.pth"),
             *sorted((cache / "hub" / "checkpoints").glob("resnet101-*.pth"))]
    for candidate in found:
        weights = {f"{CHILDREN[first]}.{rest}": value for name, value in read_pickled(candidate).tensors.items()
                   for first, _, rest in (name.partition("."),) if first in CHILDREN}
        last = [value.shape[0] for name, value in weights.items() if name.startswith("7.") and ".conv" in name]
        if last and last[-1] == features:
            return candidate, weights
    raise CheckpointError(
        f"“{path.name}” looks at {features:,} features of a ResNet, whose weights are not in it; put its resnet101.pth into the "
        "same folder, or have torchvision fetch one: python -c \"import torchvision; torchvision.models.resnet101('DEFAULT')\"")


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
    network, depth = resnet(file, weights, {f"{own}.": f"{their}." for their, own in CHILDREN.items()})
    return PhotographEncoder(network, f"ResNet-{depth} with Caffe's strides, from {file.name}")
