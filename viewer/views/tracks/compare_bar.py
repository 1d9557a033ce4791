"""What is compared, where the two runs part, and where they differ most: a line over the tracks."""

from html import escape

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QLabel, QSizePolicy

from unrolled.models.analysis.differences import Largest
from unrolled.models.trace import Trace
from unrolled.models.trace.numbers import signed
from unrolled.viewer.state.wording import shown
from unrolled.viewer.theme.themes import Theme
from unrolled.viewer.widgets.building import in_row, tool_button

SEPARATOR = " &nbsp;·&nbsp; "
ROOM_FOR_ONE_LINE = 1000  # pixels; with less there are two from the beginning, so that tracks do not move while a run grows
OTHER_WEIGHTS = "different weights: mean |values| are compared"


class CompareBar(QFrame):
    """What fits of it, whole in its tooltip: in a low view one line, which begins with where the runs part."""

    ended = Signal()
    sought = Signal(int, int)  # a step, and a unit to pin or -1

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.theme = theme
        self._parts: list[str] = []
        self._low = False
        self.setObjectName("banner")
        self.text = QLabel("")
        self.text.setTextFormat(Qt.TextFormat.RichText)  # what it is given is escaped
        self.text.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.text.setWordWrap(True)
        self.text.setAccessibleName("Comparison")
        self.text.linkActivated.connect(self._follow)
        close = tool_button("×", "End the comparison (Ctrl+Shift+E)", self.ended.emit, name="End the comparison")
        self._row = in_row(self, (self.text, 1), close)
        self._row.setContentsMargins(8, 2, 4, 2)

    def tell(self, *, one: str, other: str, traces: tuple[Trace, Trace], first_divergence: int | None, largest: Largest | None,
             same_units: bool = True) -> None:
        texts = [f"<b>A</b> {escape(one)} &nbsp; <b>B</b> {escape(other)}"]
        if first_divergence is None:
            texts.append("the same words so far" if not (traces[0].ended and traces[1].ended) else "the same words")
        else:
            step = first_divergence
            words = [shown(trace.words[step], trace.provenance.detokenization) if step < len(trace) else "nothing"
                     for trace in traces]
            texts.append(self._link(f"{step}:-1", f"they diverge at step {step + 1}: “{words[0]}” / “{words[1]}”"))
        if largest is not None:
            channel = traces[0].channels[largest.channel]
            unit = largest.place if channel.axes == ("unit",) and same_units else -1
            where = f", unit {unit}" if unit >= 0 else ""
            of = channel.title if same_units or channel.axes != ("unit",) else f"mean |{channel.title}|"
            texts.append(self._link(f"{largest.step}:{unit}", f"most different: {of}{where}, step {largest.step + 1} "
                                                              f"({signed(largest.difference, 2)})"))
        if not same_units:
            texts.append(OTHER_WEIGHTS)
        if texts != self._parts:
            self._parts = texts
            self._fit()

    def set_low(self, low: bool) -> None:
        if low != self._low:
            self._low = low
            self._row.setContentsMargins(8, 0 if low else 2, 4, 0 if low else 2)
            self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        """No line of it gives way to tracks, which can be scrolled."""
        names, *said = self._parts or [""]
        parts, whole = [*said, names] if self._low else [names, *said], SEPARATOR.join(self._parts)
        self.text.setMinimumHeight(0)  # a label asks for no less than its minimum
        self.text.setWordWrap(not self._low)
        self.text.setText(SEPARATOR.join(parts))
        while self._low and len(parts) > 1 and self.text.sizeHint().width() > self.text.width():
            parts.pop()
            self.text.setText(SEPARATOR.join(parts))
        self.text.setToolTip(whole if len(parts) < len(self._parts) else "")
        height = self.text.sizeHint().height() if self._low else self.text.heightForWidth(self.text.width())
        lines = 2 if not self._low and self.width() < ROOM_FOR_ONE_LINE else 1
        self.text.setMinimumHeight(max(height, lines * self.text.fontMetrics().height()))

    def _link(self, target: str, text: str) -> str:
        return f'<a href="{target}" style="color:{self.theme.accent};text-decoration:none">{escape(text)}</a>'

    def _follow(self, target: str) -> None:
        step, _, unit = target.partition(":")
        self.sought.emit(int(step), int(unit))
