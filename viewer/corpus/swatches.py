"""What the colours of a map mean where each stands for a name: squares of colour with words beside them."""

from collections.abc import Sequence
from typing import NamedTuple

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QPixmap
from PySide6.QtWidgets import QLabel, QWidget

from unrolled.viewer.widgets.building import in_row, muted_label
from unrolled.viewer.widgets.flow_layout import FlowLayout

SQUARE, LONGEST = 10, 150  # pixels


class Swatch(NamedTuple):
    """A colour, what it stands for, and all of that where the words leave something out."""

    colour: str
    words: str
    hint: str = ""


class Swatches(QWidget):
    """The squares, in as many lines as they need."""

    def __init__(self) -> None:
        super().__init__()
        self._flow = FlowLayout(self, gap=8)
        self._shown: tuple[Swatch, ...] = ()

    @property
    def shown(self) -> tuple[Swatch, ...]:
        return self._shown

    def show_swatches(self, swatches: Sequence[Swatch]) -> None:
        """Show these; none take the line away."""
        self._shown = tuple(swatches)
        self._flow.renew(map(self._made, swatches))
        self.setVisible(bool(swatches))

    @staticmethod
    def _made(swatch: Swatch) -> QWidget:
        made, square, words = QWidget(), QLabel(), muted_label()
        picture = QPixmap(SQUARE, SQUARE)
        picture.fill(QColor(swatch.colour))
        square.setPixmap(picture)
        words.setText(words.fontMetrics().elidedText(swatch.words, Qt.TextElideMode.ElideMiddle, LONGEST))
        made.setToolTip(swatch.hint or swatch.words)
        in_row(made, square, words, spacing=4)
        return made
