"""Samples of a picture that Pillow has no mode for, or no room: as a picture of eight bits."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from unrolled.models.inputs.film_colours import as_shown
from unrolled.models.trace.numbers import general

MODES = {"L": 1, "RGB": 3, "CMYK": 4, "LAB": 3}
"""How many samples are the colours of a pixel; one more says how much is seen of it."""


@dataclass(frozen=True, slots=True)
class Samples:
    """What a file holds, every so-and-so-many pixels."""

    values: npt.NDArray[Any]  # (height, width, samples): of CMYK the ink, of Lab the colours as ICC has them, from 0
    mode: str  # of `MODES`
    white: float  # the usual value of white, or of all ink
    is_linear: bool = False  # whether a sample is proportional to light
    profile: bytes = b""  # of its colours (ICC); empty without one
    missing: float = 0.0  # how much of it the file does not hold, from 0 to 1
    needed: int = 0  # bytes of a file that holds all of it

    def picture(self, notes: list[str], name: str) -> Image.Image:
        """Eight bits, seen through where it is; what was stretched is noted."""
        colours = MODES[self.mode]
        values = as_shown(self.values[..., :colours]) if self.is_linear else self.values[..., :colours]
        pixels = shallow(values, self.white, notes, name)
        if self.mode == "LAB":
            pixels = pixels ^ np.array((0, 128, 128), np.uint8)  # as a TIFF has them, which is how Pillow takes them
        image = Image.frombytes(self.mode, pixels.shape[1::-1], pixels.tobytes())
        if self.values.shape[2] > colours and self.mode in ("L", "RGB"):
            image.putalpha(Image.fromarray(shallow(self.values[..., colours].clip(0, self.white), self.white, [], name)))
        image.info = {"icc_profile": self.profile} if self.profile else {}
        return image


def shallow(values: npt.NDArray[Any], usual: float, notes: list[str], name: str) -> npt.NDArray[np.uint8]:
    """Samples from 0 to what is usual as eight bits; beyond it, or far below, they are stretched, which is noted."""
    if values.dtype == np.uint8 and usual == 255:
        return values
    values, usual = values.astype(np.float32), float(np.float32(usual))
    finite = values[np.isfinite(values)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
    if low >= 0 and high <= usual and (usual <= 255 or high > 255):
        low, high = 0.0, usual
    elif low >= 0 and high <= 255 < usual:
        low, high = 0.0, 255.0
        notes.append(f"“{name}” has values up to {high:g} where {usual:,.0f} would be white; 255 was taken as white.")
    else:
        notes.append(f"“{name}” has values from {general(low)} to {general(high)}; they were stretched from black to white.")
    scaled = (np.nan_to_num(values, nan=low, posinf=high, neginf=low) - low) / max(high - low, 1e-30) * 255.0
    shown: npt.NDArray[np.uint8] = np.clip(scaled + 0.5, 0, 255).astype(np.uint8)
    return shown
