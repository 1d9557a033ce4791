"""Lines seen from afar, as a picture with a pixel a column: from the least to the greatest in a tint, and the mean over it.

A thousand rectangles take Qt longer than a frame's share, and a filled outline is laid out anew for every strip that is
painted; a picture costs neither.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QRectF
from PySide6.QtGui import QColor

from unrolled.models.trace.bins import Bins
from unrolled.viewer.plotting.time_items import colour_bytes
from unrolled.viewer.plotting.time_plot import TimePlot

Heights = npt.NDArray[np.floating]

CLEAR, TINT, LINE, ABOVE, BELOW = range(5)
EDGE = 2.0  # pixels, where values go on beyond the scale


class RangeItem:
    """One line."""

    def __init__(self, plot: TimePlot) -> None:
        self._plot, self._item = plot, plot.heat(in_pixels=True)

    def show_spans(self, bins: Bins, spans: list[tuple[Heights, Heights, int]], colours: list[QColor]) -> None:
        """Fill spans, each over those before it.

        Parameters
        ----------
        bins : Bins
            The columns.
        spans : list of (tops, bottoms, code)
            Heights in the plot's pixels, shape (bins,) each, nan for none; at least a pixel is filled.
        colours : list of QColor
            Of the codes from 0 on.
        """
        plot, ratio = self._plot, self._plot.devicePixelRatioF()
        rows = max(round(plot.height() * ratio), 1)
        row = np.arange(rows, dtype=np.int16)[:, None]
        codes = np.zeros((rows, len(bins)), np.uint8)
        for tops, bottoms, code in spans:
            top = np.floor(tops * ratio)
            bottom = np.maximum(np.ceil(bottoms * ratio), top + 1)
            first, last = (np.fmin(np.fmax(edge, 0), rows).astype(np.int16) for edge in (top, bottom))  # of nan 0, so no row
            np.copyto(codes, np.uint8(code), where=(row >= first) & (row < last))
        left, right = plot.x_of(bins.start), plot.x_of(bins.stop)
        self._item.show_bytes(codes, colour_bytes(*colours), QRectF(left, 0, right - left, plot.height()))

    def hide(self) -> None:
        self._item.hide()


def tinted(colour: str, amount: float) -> QColor:
    """A colour seen through."""
    made = QColor(colour)
    made.setAlphaF(amount)
    return made
