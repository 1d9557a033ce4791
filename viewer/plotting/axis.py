"""An axis: what it measures, and where its numbers stand."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QRectF
from PySide6.QtGui import QColor, QFontMetricsF

from unrolled.models.trace.numbers import MINUS, power_of_ten
from unrolled.viewer.drawing.painting import elided
from unrolled.viewer.plotting.ink import pen_of
from unrolled.viewer.plotting.library import pg
from unrolled.viewer.theme.fonts import mono_font, text_font
from unrolled.viewer.theme.themes import Theme

TICK_ROOM = {"left": 28, "right": 28, "bottom": 76}  # pixels from one number to the next, at least
NUMBERS_WIDTH, NAME_WIDTH = 44, 18
THOUSANDS_FROM = 20_000  # from one number to the next, above which they are written in thousands and millions
NAMES_WIDTH = 76  # of an axis with names for numbers, at most
HEADINGS_WIDTH = 40  # of one with names along the bottom
NAME_HEIGHT = 15.0
TICK = 4  # outwards

Places = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class Axis:
    """What is measured along an axis."""

    name: str = ""  # with its unit, where it has one: ``"time (s)"``
    # A power of ten is as long as another. Values must be positive; others are not drawn.
    log: bool = False
    whole: bool = False  # only whole numbers mean anything: steps, updates, units

    def along(self, values: npt.ArrayLike) -> Places:
        """Where values lie; NaN where they have no place."""
        given = np.asarray(values, np.float64)
        if not self.log:
            return given
        return np.log10(np.where(given > 0, given, np.nan))

    def value(self, place: float) -> float:
        return float(10.0 ** min(max(place, -300.0), 300.0)) if self.log else place


class Ticks(pg.AxisItem):
    """Round numbers, or names, along one side of a plot."""

    def __init__(self, axis: Axis, side: str) -> None:
        super().__init__(side, maxTickLength=TICK)
        self.setZValue(-200)  # below the box: its lines across lie under what is drawn
        self._axis, self._side = axis, side
        self._names: tuple[str, ...] = ()
        self._current = -1
        self._room: float = TICK_ROOM[side]
        self._texts: dict[float, str] = {}
        self.within = -math.inf, math.inf  # beyond these places nothing is measured, and no number stands
        self.setStyle(autoExpandTextSpace=False, autoReduceTextSpace=False, tickTextOffset=3, hideOverlappingLabels=False)
        self.enableAutoSIPrefix(False)
        self.setTickFont(mono_font(10))
        if side == "bottom":
            self.setHeight(18 + (NAME_WIDTH if axis.name else 0))
        else:
            self.setWidth(NUMBERS_WIDTH + (NAME_WIDTH if axis.name else 0))

    @property
    def named(self) -> bool:
        return bool(self._names)

    def rename(self, name: str) -> None:
        """Another name, which `set_theme` writes."""
        self._axis = replace(self._axis, name=name)

    def name_places(self, names: Sequence[str], current: int = -1, *, mono: bool = False) -> None:
        """Write these at 0, 1, 2 …, in place of numbers; the current one in any case, the others as they have room."""
        before, self._current = self._current, current
        if tuple(names) == self._names:
            length = self.width() if self._side == "bottom" else self.height()
            if before != current and length < len(names) * self._room:
                self.redraw()  # the current one takes the place of its neighbours
            return
        self._names = tuple(names)
        font = mono_font(10) if mono else text_font(11)
        self.setTickFont(font)
        self.setStyle(tickLength=0)
        longest = min(max((QFontMetricsF(font).horizontalAdvance(name) for name in names), default=0.0) + 2, NAMES_WIDTH)
        if self._side == "bottom":
            self._room = min(longest, HEADINGS_WIDTH) + 6
        else:
            self._room = NAME_HEIGHT
            self.setWidth(longest + 12 + (NAME_WIDTH if self._axis.name else 0))
        self.redraw()

    def write_at(self, texts: Mapping[float, str]) -> None:
        """Texts at places: on a logarithmic axis in place of the numbers there, otherwise alone."""
        if texts != self._texts:
            self._texts = dict(texts)
            self.redraw()

    def redraw(self) -> None:
        self.picture = None
        self.update()

    def set_theme(self, theme: Theme) -> None:
        self.setPen(pen_of(QColor(theme.border)))
        self.setTextPen(QColor(theme.muted))
        if self._axis.name:
            self.setLabel(self._axis.name.replace("&", "&amp;").replace("<", "&lt;"),
                          **{"color": theme.muted, "font-size": "11px", "font-family": text_font().family()})

    def boundingRect(self) -> QRectF:
        """With room for the numbers at both ends, which reach beyond the axis."""
        across = self._side == "bottom"
        rectangle: QRectF = super().boundingRect()
        return rectangle.adjusted(-30 if across else 0, 0 if across else -12, 30 if across else 0, 0 if across else 12)

    def tickValues(self, low: float, high: float, size: float) -> list[tuple[float, list[float]]]:
        """Round distances: 1, 2 or 5 times a power of ten."""
        low, high = min(low, high), max(low, high)
        count = max(int(size / self._room), 1)
        if not (math.isfinite(high - low) and high > low):
            return []
        if self._texts and not self._axis.log:
            return [(high - low, list(self._texts))]
        apart = (high - low) / count
        distance: float = math.ceil(apart - 1e-9) if self._names else round_distance(apart)
        if self._axis.whole or self._axis.log:
            distance = max(round(distance), 1)
        places = _multiples(low, high, distance)
        if len(places) < 2 and not (self._names or self._axis.log or self._axis.whole):  # one number is no scale
            distance = round_distance(distance / 2.5)
            places = _multiples(low, high, distance)
        least, most = (0.0, len(self._names) - 1.0) if self._names else self.within
        places = [place for place in places if least <= place <= most]
        if 0 <= self._current < len(self._names):
            places = sorted({self._current, *(place for place in places if not 0 < abs(place - self._current) < distance)})
        if self._axis.log and len(places) < 2:
            places = [math.log10(factor) + decade for decade in range(math.floor(low), math.ceil(high)) for factor in (1, 2, 5)]
            places = [place for place in places if low <= place <= high]
        return [(distance, places)]

    def tickStrings(self, values: list[float], scale: float, spacing: float) -> list[str]:
        """Numbers with their digits, powers of ten raised."""
        if self._names:
            width = HEADINGS_WIDTH if self._side == "bottom" else NAMES_WIDTH
            return [elided(self._names[round(value)], text_font(11), width) for value in values]
        if self._texts and not self._axis.log:
            return [self._texts[value] for value in values]
        if self._axis.log:
            return [self._texts.get(round(value, 6)) or _power(value) for value in values]
        if self._side != "bottom" and spacing >= THOUSANDS_FROM:
            return [short(value) for value in values]
        decimals = max(-math.floor(math.log10(spacing) + 1e-9), 0)
        return [f"{value or 0.0:,.{decimals}f}".replace("-", MINUS) for value in values]


def short(value: float) -> str:
    """A round number of many digits, which has little room: ``0``, ``500k``, ``1.5M``."""
    unit, sign = (1e6, "M") if abs(value) >= 1e6 else (1e3, "k")
    return f"{value / unit:,.12g}{sign}".replace("-", MINUS) if value else "0"


def _multiples(low: float, high: float, distance: float) -> list[float]:
    first, last = math.ceil(low / distance - 1e-9), math.floor(high / distance + 1e-9)
    return [number * distance for number in range(first, last + 1)]


def _power(exponent: float) -> str:
    whole = abs(exponent - round(exponent)) < 1e-6
    return power_of_ten(round(exponent)) if whole else f"{10.0**exponent:g}"


def round_distance(least: float) -> float:
    """The first of 1, 2, 5, 10 times a power of ten that is not less."""
    unit = 10.0 ** math.floor(math.log10(least))
    return next((unit * factor for factor in (1, 2, 5) if unit * factor >= least * (1 - 1e-9)), unit * 10)
