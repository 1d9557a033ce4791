"""The pinned units at the current step: their values in every channel, and the equation with one's numbers."""

import math

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from unrolled.models.trace import Channel, Trace
from unrolled.models.trace.numbers import brief, signed
from unrolled.viewer.plotting.context_menu import attach
from unrolled.viewer.plotting.table import Table, steps_table
from unrolled.viewer.state.commands import TogglePin
from unrolled.viewer.state.playhead import NOWHERE
from unrolled.viewer.theme.fonts import mono_font, text_font
from unrolled.viewer.theme.themes import Theme
from unrolled.viewer.views.units.lstm_check import LstmStep, lstm_channels, lstm_step
from unrolled.viewer.views.units.unit_table import UnitRow, UnitTable
from unrolled.viewer.views.view import View, ViewContext
from unrolled.viewer.widgets.building import in_column, own_ground, scrolled
from unrolled.viewer.widgets.themed import Painted

EMPTY = "Click a row of a track to pin that unit: its values at this step appear here."
LINE = 16
CELL_BEFORE = "c′"


class EquationBox(Painted):
    """The LSTM step of one unit in numbers, and whether it agrees with what was recorded. Always as tall."""

    def __init__(self, theme: Theme) -> None:
        super().__init__(theme)
        self.result: LstmStep | None = None
        own_ground(self)
        self.setFixedHeight(LINE * 7 + 8)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("The step's equation")

    def set_result(self, result: LstmStep | None) -> None:
        if result != self.result:
            self.result = result
            self.setAccessibleDescription(" ".join(text for text, _ in self.lines()))
            self.setToolTip("" if result is None else (
                f"{CELL_BEFORE} is the cell's value at the word before.\nDone again in double precision from what was recorded; "
                f"the largest difference is {brief(result.difference)}."))
            self.update()

    def lines(self) -> list[tuple[str, str]]:
        """Each line with its kind: ``head``, ``equation``, ``numbers``, ``good`` or ``bad``."""
        result = self.result
        if result is None:
            return []
        lines = [(f"Unit {result.unit}, step {result.step + 1:,}", "head"), (f"c = f·{CELL_BEFORE} + i·g", "equation")]
        if result.before is None or result.cell is None:
            lines.append((f"{CELL_BEFORE}: start state, not recorded", "numbers"))
        else:
            terms = f"{_brief(result.f)}·{_factor(result.before)} + {_brief(result.i)}·{_factor(result.g)}"
            lines.append((terms, "numbers"))
        # At the first word nothing was computed again: the number must not look as if it were a result.
        total = f"c = {_brief(result.c)}, as recorded" if result.cell is None else f"= {_brief(result.cell)}"
        lines.append((total, "numbers"))
        lines.append(("h = o·tanh(c)", "equation"))
        lines.append((f"{_brief(result.o)}·tanh({_brief(result.c)}) = {_brief(result.hidden)}", "numbers"))
        kind = "good" if result.agrees else "bad"
        verdict = "agrees with the model" if result.agrees else "differs from the model"
        if result.cell is None:
            verdict = f"h {verdict}"
        lines.append((f"{'✓' if result.agrees else '✗'} {verdict} ({_difference(result.difference)})", kind))
        return lines

    def paintEvent(self, event: QPaintEvent) -> None:
        theme = self.theme
        if self.result is None:
            return
        with QPainter(self) as painter:
            painter.setPen(QColor(theme.border))
            painter.drawLine(0, 0, self.width(), 0)
            looks = {
                "head": (text_font(11, weight=QFont.Weight.Medium), theme.muted),
                "equation": (mono_font(12), theme.text),
                "numbers": (mono_font(11), theme.muted),
                "good": (text_font(11), theme.good),
                "bad": (text_font(11), theme.error),
            }
            for number, (text, kind) in enumerate(self.lines()):
                font, colour = looks[kind]
                if QFontMetrics(font).horizontalAdvance(text) > self.width() - 4:
                    font.setPixelSize(font.pixelSize() - 1)
                    text = QFontMetrics(font).elidedText(text, Qt.TextElideMode.ElideRight, self.width() - 4)
                painter.setFont(font)
                painter.setPen(QColor(colour))
                painter.drawText(2, 6 + number * LINE, self.width() - 4, LINE, Qt.AlignmentFlag.AlignVCenter, text)


class UnitView(View):
    def __init__(self, ctx: ViewContext) -> None:
        super().__init__(ctx, name="Units at this step")
        self._step = NOWHERE
        self._trace: Trace | None = None
        self._channels: tuple[Channel, ...] = ()
        self._lstm: dict[str, Channel] | None = None
        self.table = UnitTable(ctx.theme)
        self.table.unpin.connect(self._unpin)
        attach(self.table, "Values of the pinned units", table=self._values)
        self.equation = EquationBox(ctx.theme)
        inside = QWidget()
        in_column(inside, self.table, self.equation, spacing=2).addStretch(1)
        area = scrolled(inside, sideways=True)
        area.verticalScrollBar().setAccessibleName("Scroll the units")
        area.horizontalScrollBar().setAccessibleName("Scroll the channels")
        self.hold((area, 1))
        self.setMinimumHeight(90)
        self.refresh()

    def refresh(self) -> None:
        trace = self.session.trace
        channels = () if trace is None else tuple(c for c in self.session.channels if c.axes == ("unit",))
        if trace is not self._trace or channels != self._channels:
            self._trace, self._channels = trace, channels
            self._lstm = None if trace is None else lstm_channels(self.session.channels)
            self.table.set_channels(self._channels)
            self.equation.setVisible(self._lstm is not None)
        self._show(self.session.playhead.step)

    def seek(self, step: int) -> None:
        if step != self._step:
            self._show(step)

    def _show(self, step: int) -> None:
        trace, selection = self._trace, self.session.selection
        units = list(selection.units)
        if selection.hover is not None and selection.hover not in units:
            units.append(selection.hover)
        there = trace is not None and 0 <= step < len(trace) and bool(self._channels)
        self._step = step if there else NOWHERE
        self.say("" if there and units else EMPTY)
        if trace is None or not there:
            self.table.set_rows(())
            self.equation.set_result(None)
            return
        values = [trace.column(channel.name)[step] for channel in self._channels]  # each (units,)
        self.table.set_rows(
            tuple(UnitRow(unit, selection.units.index(unit) if unit in selection.units else None,
                          tuple(float(own[unit]) if 0 <= unit < len(own) else math.nan for own in values))
                  for unit in units))
        watched = selection.hover if selection.hover is not None else units[-1] if units else None
        if self._lstm is None or watched is None or not 0 <= watched < self._lstm["hidden"].shape[0]:
            self.equation.set_result(None)
        else:
            self.equation.set_result(lstm_step(trace, self._lstm, step=step, unit=watched))

    def _values(self) -> Table | None:
        trace, table = self._trace, steps_table(self._trace)
        if trace is None or table is None:
            return None
        shown = [(channel.name, row.unit) for channel in self._channels for row in self.table.units.rows
                 if 0 <= row.unit < channel.size]
        return Table((*table.names, *(f"{name}[{unit}]" for name, unit in shown)),
                     (*table.columns, *(trace.column(name)[:, unit] for name, unit in shown)))

    def _unpin(self, unit: int) -> None:
        if unit in self.session.selection.units:
            self.do(TogglePin(unit))


def _factor(value: float) -> str:
    """A number as a factor: in brackets if it is negative."""
    return f"({_brief(value)})" if value < 0 else _brief(value)


def _brief(value: float) -> str:
    """Three decimals, without the zero before the point: an equation must fit a narrow column."""
    text = signed(value)
    return text.replace("0.", ".", 1) if abs(value) < 0.9995 else text


def _difference(value: float) -> str:
    if value == 0:
        return "no difference"
    return f"by {value:.2f}" if value >= 0.01 else f"to {brief(value)}"
