"""The words above a plot: what its marks are, or a heading in their place."""

from collections.abc import Iterable
from html import escape
from typing import Any

from PySide6.QtCore import Qt

from unrolled.viewer.plotting.library import pg
from unrolled.viewer.plotting.marks import Mark
from unrolled.viewer.theme.themes import Theme

LEGEND_HEIGHT, LINE_HEIGHT, MARGIN = 20, 14, 6
UNBROKEN = str.maketrans({" ": "\u00a0", "/": "/\u2060"})  # a line ends between two names alone
SIGNS = {"solid": "━━", "dashed": "╍╍", "dotted": "┉┉"}


class Legend(pg.LabelItem):
    """Words in as many lines as they need; as high as the margin without any, or as nothing in a plot that is part of another."""

    _written = "", ""

    def __init__(self, *, part: bool) -> None:
        super().__init__("", justify="left")
        self.setFixedHeight(0 if part else MARGIN)
        self._heading = ""

    def set_heading(self, text: str, theme: Theme) -> None:
        self._heading = text
        self._write(escape(text), theme.text)

    def name_marks(self, marks: Iterable[Mark], theme: Theme) -> None:
        """Name those that are seen and have a name; a heading stays."""
        if self._heading:
            self._write(escape(self._heading), theme.text)
            return
        self._write("&nbsp;&nbsp; ".join(
            f'<span style="color:{mark.ink(theme).name()};font-family:JetBrains Mono">{SIGNS[mark.style]}</span>&nbsp;'
            f'<span style="color:{theme.muted}">{escape(mark.name.translate(UNBROKEN))}</span>'
            for mark in marks if mark.name and mark.visible), "")

    def _write(self, words: str, colour: str) -> None:
        if (words, colour) != self._written:
            self._written = words, colour
            self.setText(words, size="11px", **({"color": colour} if colour else {}))
            if not words:
                self.setFixedHeight(MARGIN)

    def resizeEvent(self, event: Any) -> None:
        self.item.setTextWidth(self.width() or -1)
        super().resizeEvent(event)
        if self._written[0]:
            self.setFixedHeight(LEGEND_HEIGHT + LINE_HEIGHT * (self.item.document().firstBlock().layout().lineCount() - 1))

    def updateMin(self) -> None:
        self._sizeHint: dict[Any, Any] = {Qt.SizeHint.MaximumSize: (-1, -1)}  # what is not in it is 0
        self.updateGeometry()
