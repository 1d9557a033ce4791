"""What a checkpoint's own encoder, whose modules are torch's, makes of a photograph."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

IMAGENET = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # mean and deviation of red, green and blue


def looked_at(encoder: nn.Module, picture: Image.Image, device: str,
              scale: tuple[Sequence[float], Sequence[float]] = IMAGENET) -> Tensor:
    """A picture of the size that the encoder reads → its features (features, rows, columns), in double precision on the CPU.

    The encoder computes in single precision, as it is.
    """
    pixels = (np.asarray(picture.convert("RGB"), np.float64) / 255.0 - scale[0]) / scale[1]    # (rows, columns, 3)
    grid: Tensor = encoder(torch.from_numpy(pixels.transpose(2, 0, 1)[None].astype(np.float32)).to(device))
    return grid.cpu().double()[0]
