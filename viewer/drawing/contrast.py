"""Black or white on a ground, whichever is read more easily: either has a contrast of 4.5 with whatever it is chosen for.

Relative luminance is that of the Web Content Accessibility Guidelines 2.1.
"""

import numpy as np
import numpy.typing as npt
from PySide6.QtGui import QColor

LIGHTEST_OF_DARK = 0.18  # relative luminance, up to which a ground wants white: 1.05 / 0.23 and 0.23 / 0.05 are both above 4.5
BLACK, WHITE = "#000000", "#ffffff"

_SHARES = np.arange(256) / 255
_LINEAR = np.where(_SHARES <= 0.04045, _SHARES / 12.92, ((_SHARES + 0.055) / 1.055) ** 2.4).astype(np.float32)
_WEIGHTS = np.array([0.2126, 0.7152, 0.0722], np.float32)


def is_dark(colours: npt.NDArray[np.uint8]) -> npt.NDArray[np.bool_]:
    """Which colours, shape (…, 3), want white on them; shape (…)."""
    linear: npt.NDArray[np.float32] = _LINEAR[colours]
    return linear @ _WEIGHTS < LIGHTEST_OF_DARK


def text_on(ground: QColor) -> QColor:
    return QColor(WHITE if is_dark(np.array([ground.red(), ground.green(), ground.blue()], np.uint8)) else BLACK)
