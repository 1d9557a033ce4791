"""Colours of many classes, no two alike: the theme's series, then always what is farthest from all that were taken.

Far is meant in CIE L*a*b* (1976), where equal distances look about equal.
"""

from functools import lru_cache

import numpy as np
import numpy.typing as npt
from PySide6.QtGui import QColor

from unrolled.viewer.theme.themes import Theme

HUES, SATURATIONS, LIGHTNESSES = 48, (0.35, 0.6, 0.85, 1.0), np.linspace(0.12, 0.92, 17)
LEAST_CONTRAST = 3.0  # with the panel, as WCAG 2.1 asks of graphics
TO_XYZ = np.array([[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]])
WHITE = TO_XYZ.sum(axis=1)

Colours = npt.NDArray[np.float64]


@lru_cache(maxsize=8)
def label_colours(theme: Theme, count: int) -> tuple[str, ...]:
    """The colours of `count` classes, as ``#rrggbb``; a class has the same one however many there are."""
    taken = list(theme.series[:count])
    names = [QColor.fromHslF(hue / HUES, saturation, float(lightness)).name()
             for hue in range(HUES) for saturation in SATURATIONS for lightness in LIGHTNESSES]
    seen, panel = _xyz(names)[:, 1], float(_xyz([theme.panel])[0, 1])
    contrast = (np.maximum(seen, panel) + 0.05) / (np.minimum(seen, panel) + 0.05)
    places = lab(names)
    nearest = np.where(contrast >= LEAST_CONTRAST, np.inf, -1.0)
    for colour in lab(taken):
        nearest = np.minimum(nearest, np.linalg.norm(places - colour, axis=1))
    while len(taken) < count:
        farthest = int(nearest.argmax())
        taken.append(names[farthest])
        nearest = np.minimum(nearest, np.linalg.norm(places - places[farthest], axis=1))
    return tuple(taken)


def lab(names: list[str]) -> Colours:
    """Lightness, green to red, blue to yellow; shape (colours, 3)."""
    shares = _xyz(names) / WHITE
    bent = np.where(shares > 216 / 24389, np.cbrt(shares), (24389 / 27 * shares + 16) / 116)
    return np.stack((116 * bent[:, 1] - 16, 500 * (bent[:, 0] - bent[:, 1]), 200 * (bent[:, 1] - bent[:, 2])), axis=-1)


def _xyz(names: list[str]) -> Colours:
    shares = np.array([[int(name[place : place + 2], 16) for place in (1, 3, 5)] for name in names]) / 255
    linear = np.where(shares <= 0.04045, shares / 12.92, ((shares + 0.055) / 1.055) ** 2.4)
    return np.asarray(linear @ TO_XYZ.T)
