"""Colours of films and of new photographs, which a screen of today's usual kind cannot show: PQ, HLG, BT.2020 and P3 as sRGB.

Kinds of colour are numbers of ITU-T H.273, which video, AVIF, HEIC and PNG have in common. Brightness is brought down as
players do: what is darker than half of a sheet of white paper stays, and what is brighter is pressed together.
"""

import struct
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

SRGB_CURVES = (1, 6, 13, 14, 15)  # near enough
PQ, HLG = 16, 18                  # ITU-R BT.2100
CURVES = {PQ: "PQ", HLG: "HLG"}
WHITE, PEAK = 203.0, 1000.0       # cd/m² of white paper (ITU-R BT.2408), and of the brightest that is kept apart
KNEE = 0.5                        # of white paper's light
TO_BT709 = {
    9: ((1.6605, -0.5876, -0.0728), (-0.1246, 1.1329, -0.0083), (-0.0182, -0.1006, 1.1187)),   # from BT.2020
    12: ((1.2249, -0.2247, 0.0), (-0.0420, 1.0419, 0.0), (-0.0197, -0.0786, 1.0979))}          # from Display P3
ROWS = 256  # at a time, so that a large photograph needs little memory
Light = npt.NDArray[Any]


def colour_codes(data: bytes) -> tuple[int, int]:
    """A picture's primaries and curve, as its PNG, AVIF or HEIC file has them; zeros where it does not say."""
    head = data[: 64 * 1024]
    if head.startswith(b"\x89PNG"):
        place = head.find(b"\0\0\0\4cICP")
        return (head[place + 8], head[place + 9]) if 0 <= place < len(head) - 10 else (0, 0)
    place = head.find(b"colrnclx") if head[4:8] == b"ftyp" else -1
    return struct.unpack_from(">HH", head, place + 8) if 0 <= place < len(head) - 12 else (0, 0)


def is_usual(primaries: int, curve: int) -> bool:
    """Whether pixels of such colours are shown as they are."""
    return curve not in CURVES and (primaries not in TO_BT709 or curve not in SRGB_CURVES)


def note_of(curve: int, name: str) -> str:
    """What a person should know; empty where nothing was pressed together."""
    return (f"“{name}” is in high dynamic range ({CURVES[curve]}); what is brighter than a screen shows was darkened."
            if curve in CURVES else "")


def in_srgb(pixels: npt.NDArray[np.uint8], primaries: int, curve: int) -> npt.NDArray[np.uint8]:
    """RGB pixels, shape (height, width, 3), as a screen shows them."""
    shown, table = np.empty_like(pixels), _light(curve)
    for row in range(0, len(pixels), ROWS):
        light = table[pixels[row : row + ROWS]]  # (rows, width, 3), white paper being 1
        if curve == HLG:  # the brighter a scene, the more contrast on the screen
            scene = light @ np.array((0.2627, 0.6780, 0.0593), np.float32)
            light *= (PEAK / WHITE * scene**0.2)[..., None]
        if primaries in TO_BT709:
            light = light @ np.array(TO_BT709[primaries], np.float32).T
        if curve in CURVES:
            light = _pressed(light)
        shown[row : row + ROWS] = np.rint(255 * as_shown(light).clip(0, 1))
    return shown


def as_shown(light: Light) -> Light:
    """Light, 0 being black and 1 white, with the curve of sRGB (IEC 61966-2-1)."""
    light = np.maximum(light, 0)
    return np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)


@lru_cache(maxsize=4)
def _light(curve: int) -> Light:
    """The light of each of 256 values, white paper being 1; of HLG that of the scene, from 0 to 1."""
    value = np.arange(256) / 255
    if curve == PQ:
        root = value ** (1 / 78.84375)
        light = (np.maximum(root - 0.8359375, 0) / (18.8515625 - 18.6875 * root)) ** (1 / 0.1593017578125) * 10_000 / WHITE
    elif curve == HLG:
        light = np.where(value <= 0.5, value**2 / 3, (np.exp((value - 0.55991073) / 0.17883277) + 0.28466892) / 12)
    else:
        light = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
    return light.astype(np.float32)


def _pressed(light: Light) -> Light:
    """All light within 0 to 1, its hue kept: straight up to the knee, then ever flatter, the peak at 1."""
    brightest = light.max(axis=-1, keepdims=True).clip(1e-6, PEAK / WHITE)
    beyond, most = (brightest - KNEE) / (1 - KNEE), (PEAK / WHITE - KNEE) / (1 - KNEE)
    pressed = KNEE + (1 - KNEE) * beyond * (1 + beyond / most**2) / (1 + beyond)
    return light * np.where(brightest > KNEE, pressed / brightest, 1.0)
