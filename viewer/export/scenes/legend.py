"""Colour bars, so that colours say how much: of any map, and of attention with the uniform level marked."""

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QColor, QFontMetricsF, QLinearGradient, QPainter, QPen

from unrolled.viewer.export.settings import ExportSettings
from unrolled.viewer.export.type_setting import BOTTOM, CENTRE, LEFT, RIGHT, TOP, font, write
from unrolled.viewer.theme.attention_colours import FULL_OVER_UNIFORM, attention_table, uniform_level
from unrolled.viewer.theme.colour_maps import colour_table
from unrolled.viewer.theme.themes import LIGHT, Theme

STOPS = 33  # of the bar's colours


def draw_step(painter: QPainter, place: QRectF, words: str, *, theme: Theme) -> None:
    """Say which step a frame shows, in the middle of the line of words below the bar."""
    write(painter, _text_line(place), words, CENTRE | TOP, used=font(place.height() * 0.42), colour=theme.muted)


def _text_line(place: QRectF) -> QRectF:
    return QRectF(place.left(), place.top() + place.height() * 0.38, place.width(), place.height() * 0.6)


def draw_colour_bar(painter: QPainter, place: QRectF, *, colour_map: str, ends: tuple[str, str], letter: float,
                    theme: Theme) -> None:
    """Draw the colours of a map from below to above, a shape in a vector file too, and right of them what their ends are."""
    painter.fillRect(place, _ramp(place.bottomLeft(), place.topLeft(), colour_table(colour_map), QColor(theme.panel)))
    beside = QRectF(place.right() + 0.4 * letter, place.top(), 8 * letter, place.height())
    for words, where in zip(ends, (BOTTOM, TOP), strict=True):
        write(painter, beside, words, LEFT | where, used=font(letter), colour=theme.muted)


def draw_legend(painter: QPainter, place: QRectF, *, cells: int, settings: ExportSettings, theme: Theme,
                end: float | None = None, opaque: bool = False) -> None:
    """Draw the bar and its words into a rectangle about three times the text's height.

    The bar ends at the weight `end`, without it where attention over a picture does; opaque colours lie over nothing.
    """
    size = place.height() * 0.42
    small = font(size)
    painter.setFont(small)
    bar = QRectF(place.left(), place.top(), place.width(), place.height() * 0.24)
    table = colour_table(settings.colour_map) if opaque else attention_table(
        settings.colour_map, max(settings.opacity, 0.3), settings.style)
    ground = QColor((theme if opaque or settings.style == "colours" else LIGHT).missing)  # a veil is seen on light
    painter.fillRect(bar, _ramp(bar.topLeft(), bar.topRight(), table, ground))
    painter.setPen(QColor(theme.muted))
    if settings.scale == "stretched":
        _write_ends(painter, place, ("least",), ("greatest, stretched at each word", "greatest at each word", "greatest"))
        return
    end = min(FULL_OVER_UNIFORM * uniform_level(cells), 1.0) if end is None else end
    uniform = bar.left() + bar.width() * uniform_level(cells) / end
    painter.setPen(QPen(QColor(theme.text), max(bar.height() * 0.12, 1.0)))
    painter.drawLine(QPointF(uniform, bar.top() - bar.height() * 0.25), QPointF(uniform, bar.bottom() + bar.height() * 0.5))
    painter.setPen(QColor(theme.muted))
    full = (f"attention per cell · {end:.0%} = {FULL_OVER_UNIFORM:g} × uniform",) if end < 1 else ()
    level = f"{uniform_level(cells):.1%}"
    _write_ends(painter, place, (f"uniform {level}", level), (*full, f"attention per cell · {end:.0%}", f"{end:.0%}"))


def _ramp(begin: QPointF, end: QPointF, table: npt.NDArray[np.uint8], ground: QColor) -> QLinearGradient:
    """The colours (n, 4) of a map from one place to another, over a ground."""
    ramp = QLinearGradient(begin, end)
    for level in np.linspace(0, len(table) - 1, STOPS).round().astype(int):
        ramp.setColorAt(level / (len(table) - 1), _over(ground, table[level]))
    return ramp


def _over(ground: QColor, colour: npt.NDArray[np.uint8]) -> QColor:
    """What a colour with alpha (RGBA) looks like on a ground: a PDF of Qt's has no ramp that is seen through."""
    share = int(colour[3]) / 255
    return QColor(*(round(below * (1 - share) + int(above) * share)
                    for below, above in zip((ground.red(), ground.green(), ground.blue()), colour[:3], strict=True)))


def _write_ends(painter: QPainter, place: QRectF, left: tuple[str, ...], right: tuple[str, ...]) -> None:
    """The words below the two ends of the bar, each as long as there is room for both."""
    metrics, text = QFontMetricsF(painter.font()), _text_line(place)
    said = next(((one, other) for one in left for other in right
                 if metrics.horizontalAdvance(f"{one}    {other}") <= place.width()), ("", right[-1]))
    write(painter, text, said[0], LEFT | TOP)
    write(painter, text, said[1], RIGHT | TOP)
