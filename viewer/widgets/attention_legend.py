"""What the colours over the photograph mean: a bar with the numbers at its ends, and what is between them marked.

It is painted like the photograph, with the same half-transparent colours, and is there before the plotting library is.
"""

import numpy as np
from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetrics, QImage, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy

from unrolled.models.trace.numbers import MINUS, brief
from unrolled.viewer.drawing.images import overlay_of
from unrolled.viewer.drawing.overlay import signed_colours
from unrolled.viewer.state.wording import weight_percent
from unrolled.viewer.theme.attention_colours import attention_table
from unrolled.viewer.theme.colour_maps import colour_table
from unrolled.viewer.theme.fonts import text_font
from unrolled.viewer.theme.themes import LIGHT, Theme
from unrolled.viewer.widgets.themed import Painted

BAR_TOP, BAR_HEIGHT = 4, 8
LABELS_TOP = 14
HEIGHT = 29
KINDS = "the same at every step", "stretched to this step"


class AttentionLegend(Painted):
    def __init__(self, theme: Theme) -> None:
        super().__init__(theme)
        self.low, self.high, self.uniform = 0.0, 1.0, 0.0
        self._state: tuple[object, ...] = ()
        self._title = ""  # of values on both sides of 0
        self._bar: QImage | None = None
        self.setFixedHeight(HEIGHT)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Attention legend")

    def set_scale(
        self, *, low: float, high: float, uniform: float, colour_map: str, opacity: float, stretched: bool,
        opaque: bool = False, style: str = "colours",
    ) -> None:
        """Show this scale; painted only if it differs. Opaque colours lie over nothing."""
        state = (low, high, uniform, colour_map, opacity, stretched, opaque, style)
        if state == self._state:
            return
        if self._title or (*state[3:5], opaque, style) != (*self._state[3:5], *self._state[6:]):
            table = colour_table(colour_map) if opaque else attention_table(colour_map, opacity, style)
            self._bar = overlay_of(table[None])
        more = "" if stretched or high >= 1.0 else " and more"
        self._show(
            state, "", (low, high, uniform),
            f"Attention weight of a cell, {KINDS[stretched]}: from {weight_percent(low)} to {weight_percent(high)}{more}.\n"
            f"The mark is the uniform level, {weight_percent(uniform)}: "
            "what each cell would have if the model attended to all of them equally.",
        )

    def set_signed(self, *, largest: float, title: str, opacity: float, stretched: bool) -> None:
        """Show the scale of values from −largest to largest; painted only if it differs."""
        state = (-largest, largest, 0.0, "", opacity, stretched, title)
        if state == self._state:
            return
        levels = np.linspace(-1.0, 1.0, 256, dtype=np.float32)
        self._bar = overlay_of(signed_colours(levels[None], largest=1.0, opacity=opacity))
        self._show(
            state, title, (-largest, largest, 0.0),
            f"{title[:1].upper()}{title[1:]}, {KINDS[stretched]}: from {MINUS}{brief(largest)} to {brief(largest)}.\n"
            "Above 0: evidence for the word. Below 0: against it.",
        )

    def _show(self, state: tuple[object, ...], title: str, scale: tuple[float, float, float], about: str) -> None:
        self._state, self._title = state, title
        self.low, self.high, self.uniform = scale
        self.setToolTip(about)
        self.setAccessibleDescription(about)
        self.update()

    @property
    def labels(self) -> tuple[str, str, str]:
        """What is written: lower end, uniform level, upper end."""
        if self._title:
            return f"{MINUS}{brief(self.high)}", self._title, brief(self.high)
        more = "" if (self._state and self._state[5]) or self.high >= 1.0 else "≥ "
        # Weights: at the ends, and the one that every cell would have if all had the same. Of values on both sides of 0 it is 0
        # that is marked.
        low = "0" if self.low == 0.0 else weight_percent(self.low)
        return low, f"uniform {weight_percent(self.uniform)}", more + weight_percent(self.high)

    def sizeHint(self) -> QSize:
        return QSize(240, HEIGHT)

    def paintEvent(self, event: QPaintEvent) -> None:
        theme = self.theme
        if self._bar is None:
            return
        with QPainter(self) as painter:
            bar = QRectF(1, BAR_TOP, self.width() - 2, BAR_HEIGHT)
            dimmed = not self._title and self._state[7] == "dimmed"
            painter.fillRect(bar, QColor((LIGHT if dimmed else theme).missing))  # a veil is seen on light
            painter.drawImage(bar, self._bar, QRectF(self._bar.rect()))
            painter.setPen(QPen(QColor(theme.border), 1))
            painter.drawRect(bar.adjusted(-0.5, -0.5, 0.5, 0.5))
            font = text_font(11)
            metrics = QFontMetrics(font)
            painter.setFont(font)
            low, uniform, high = self.labels
            painter.setPen(QColor(theme.muted))
            baseline = QRectF(0, LABELS_TOP, self.width(), HEIGHT - LABELS_TOP)
            painter.drawText(baseline, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, low)
            painter.drawText(baseline, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, high)
            place = (self.uniform - self.low) / (self.high - self.low) if self.high > self.low else -1.0
            if 0.0 <= place <= 1.0:
                x = bar.x() + place * bar.width()
                painter.fillRect(QRectF(x - 1, BAR_TOP - 3, 2, BAR_HEIGHT + 6), QColor(theme.text))
                width = metrics.horizontalAdvance(uniform)
                least = metrics.horizontalAdvance(low) + 12.0
                most = self.width() - metrics.horizontalAdvance(high) - 12.0 - width
                if most >= least:
                    left = min(max(x - width / 2, least), most)
                    painter.setPen(QColor(theme.text))
                    place_of_text = QRectF(left, LABELS_TOP, width + 2, HEIGHT - LABELS_TOP)
                    painter.drawText(place_of_text, Qt.AlignmentFlag.AlignVCenter, uniform)
