"""One unit over all documents: its values, where they are extreme, what of the text it follows, which units go along with it."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QLabel, QSpinBox, QWidget

from unrolled.models.analysis.text_properties import PROPERTIES
from unrolled.models.corpus.alike import UnitsAlike, units_like
from unrolled.models.corpus.parts import Told, Wanted
from unrolled.models.corpus.search import Hit
from unrolled.models.corpus.units import UnitStatistics, unit_statistics
from unrolled.models.store.store import Store
from unrolled.models.trace import Channel
from unrolled.models.trace.numbers import brief, signed
from unrolled.models.trace.pyramid import PLACES
from unrolled.viewer.corpus.lines import ROW_HEIGHT, Lines
from unrolled.viewer.plotting.axis import Axis
from unrolled.viewer.plotting.ink import ink
from unrolled.viewer.plotting.plot import Plot
from unrolled.viewer.plotting.table import Table
from unrolled.viewer.state.wording import counted, few, percent
from unrolled.viewer.theme.themes import Theme
from unrolled.viewer.widgets.asking import Asking
from unrolled.viewer.widgets.building import in_column, in_row, muted_label, named, tool_button
from unrolled.viewer.widgets.combo_box import ComboBox
from unrolled.viewer.widgets.flow_layout import FlowLayout

ALIKE = 6  # units that are named
PLOT_HEIGHT = 132
WEAK = 0.2  # correlations below it are not worth a word


@dataclass(frozen=True, slots=True)
class UnitAnswer:
    """All that is said of a unit; `follows` is the property it goes along with most, and how much."""

    channel: Channel
    unit: UnitStatistics
    steps: int
    follows: tuple[str, float, float] | None
    alike: UnitsAlike
    notes: tuple[str, ...]


def asked(store: Store, channel: Channel, unit: int, wanted: Wanted, progress: Told) -> UnitAnswer:
    """The work: the store is gone through by unit, and then by step."""
    properties = tuple(PROPERTIES) if store.description.has_characters else ()
    found = unit_statistics(store, channel.name, units=(unit,), properties=properties, wanted=wanted,
                            progress=lambda done, of: progress(done, 2 * of))
    alike = units_like(store, channel.name, unit, wanted=wanted,
                       progress=lambda done, of: progress(of + done, 2 * of))
    best = max(((name, *own) for name, own in found.units[0].follows.items()),
               key=lambda one: abs(np.nan_to_num(one[1])), default=None)
    return UnitAnswer(channel, found.units[0], found.steps, best, alike, found.notes)


class UnitPage(QWidget):
    chosen = Signal()  # another channel or unit is looked at
    place_wanted = Signal(int, int)

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.theme = theme
        self._store: Store | None = None
        self._answer: UnitAnswer | None = None
        self.asking = Asking(self)
        self.channel = named(ComboBox(), "Channel")
        self.channel.setMinimumWidth(1)
        self.channel.activated.connect(lambda _: self._channel_chosen())
        self.unit = named(QSpinBox(prefix="unit "), "Unit")
        self.unit.setKeyboardTracking(False)
        self.unit.valueChanged.connect(lambda _: self.ask_again())
        self.plot = Plot("Values of a unit", Axis("value"), Axis("steps"), theme, table=self._table)
        self.plot.setFixedHeight(PLOT_HEIGHT)
        self.plot.setMinimumWidth(1)
        self._bars = self.plot.area(ink("accent", 150), order=0)
        self._outline = self.plot.area(ink("accent"), outlined=True)  # a bar may be thinner than a pixel
        self.facts, self.follows = muted_label(wrapped=True), QLabel(wordWrap=True, textFormat=Qt.TextFormat.PlainText)
        self.greatest, self.least = (Lines(theme, f"Where the unit is {word}") for word in ("highest", "lowest"))
        for lines in (self.greatest, self.least):
            lines.place_wanted.connect(self.place_wanted)
            lines.setFixedHeight(5 * ROW_HEIGHT + 2)
        self._alike = QWidget()
        self._alike_flow = FlowLayout(self._alike, gap=4)
        self._alike_title = muted_label("Most similar units")
        self._contents, self._nothing = QWidget(), muted_label("This store keeps no channel of units.", wrapped=True)
        in_column(self._contents, in_row(None, (self.channel, 1), self.unit, spacing=6), self.plot, self.facts, self.follows,
                  self._alike_title, self._alike, muted_label("Highest"), self.greatest, muted_label("Lowest"), self.least,
                  spacing=6)
        in_column(self, self._nothing, self._contents, (QWidget(), 1))
        self.asking.answered.connect(self._show)
        self.asking.progressed.connect(lambda share: self.facts.setText(f"Going through all steps: {percent(share)}"))
        self.asking.failed.connect(self.facts.setText)

    @property
    def shown_channel(self) -> str:
        return str(self.channel.currentData() or "")

    @property
    def knows_steps(self) -> bool:
        """Whether what is said is of any step at all."""
        return self._answer is not None and self._answer.steps > 0

    def set_store(self, store: Store | None) -> None:
        self.asking.stop()
        self._store, self._answer = store, None
        self.channel.clear()
        channels = [] if store is None else [own for own in store.description.channels if own.axes == ("unit",)]
        for own in channels:
            self.channel.addItem(f"{own.symbol}  {own.title}", own.name)
        self._contents.setVisible(bool(channels))
        self._nothing.setVisible(store is not None and not channels)
        if channels:
            cell = next((place for place, own in enumerate(channels) if own.role == "cell"), 0)
            self.channel.setCurrentIndex(cell)
            self._channel_chosen()

    def look_at(self, unit: int) -> None:
        self.unit.setValue(unit)

    def set_theme(self, theme: Theme) -> None:
        self.theme = theme
        self.plot.set_theme(theme)
        for lines in (self.greatest, self.least):
            lines.set_theme(theme)

    def _channel_chosen(self) -> None:
        assert self._store is not None
        self.unit.blockSignals(True)
        self.unit.setRange(0, self._store.description.channel(self.shown_channel).size - 1)
        self.unit.blockSignals(False)
        self.ask_again()

    def ask_again(self) -> None:
        """Go through all steps for what is chosen."""
        store, name, unit = self._store, self.shown_channel, self.unit.value()
        if store is None:
            return
        channel = store.description.channel(name)
        self.facts.setText("Going through all steps…")
        self.follows.setText("")
        self._answer = None
        self._draw(())
        self._name_alike(())
        for lines in (self.greatest, self.least):
            lines.set_source(store, name, unit)
            lines.list_hits(())
        self.asking.ask(lambda wanted, progress: asked(store, channel, unit, wanted, progress))
        self.chosen.emit()

    def _show(self, answer: UnitAnswer) -> None:
        self._answer = answer
        unit, channel = answer.unit, answer.channel
        edges = np.repeat(np.linspace(channel.low, channel.high, PLACES + 1), 2)[1:-1]
        heights = np.repeat(unit.histogram.astype(np.float64), 2)
        most = max(float(heights.max(initial=0.0)), 1.0)
        corners = [(channel.low, 0.0), *zip(edges.tolist(), heights.tolist(), strict=True), (channel.high, 0.0)]
        self._draw(corners)
        self.plot.set_ranges((channel.low, channel.high), (0.0, most * 1.06))
        if not answer.steps:
            self.facts.setText(" ".join(("There is no step to go through.", *few(answer.notes))))
            return
        said = [f"{signed(unit.mean)} on average, standard deviation {brief(unit.deviation)}, over "
                f"{counted(answer.steps, 'step')} of all documents. Once above the middle of its range it stays there for "
                f"{brief(unit.above)} steps on average, below it for {brief(unit.below)}.", *few(answer.notes)]
        self.facts.setText(" ".join(said))
        self.follows.setText(self._about_property(answer.follows))
        self.follows.setHidden(answer.follows is None)
        for lines, places in ((self.greatest, unit.greatest), (self.least, unit.least)):
            lines.list_hits([Hit(place.document, place.step, place.step, place.value) for place in places])
        alike = np.nan_to_num(answer.alike.correlation)
        alike[unit.unit] = 0.0
        order = np.argsort(-np.abs(alike), kind="stable")[:ALIKE].tolist()
        self._name_alike(tuple((other, float(alike[other])) for other in order if abs(alike[other]) >= WEAK))

    def _draw(self, corners: Sequence[tuple[float, float]]) -> None:
        for mark in (self._bars, self._outline):
            mark.show(corners)

    @staticmethod
    def _about_property(found: tuple[str, float, float] | None) -> str:
        if found is None:
            return ""
        name, correlation, area = found
        if not abs(correlation) >= WEAK:
            return "It follows none of the known properties of a text."
        chance = f", and tells it apart {percent(max(area, 1 - area))} of the time" if np.isfinite(area) else ""
        return f"It follows “{name}” most: correlation {signed(correlation, 2)}{chance}."

    def _name_alike(self, units: tuple[tuple[int, float], ...]) -> None:
        self._alike_flow.renew(tool_button(f"{unit}  {signed(rate, 2)}", f"Look at unit {unit}", partial(self.look_at, unit))
                               for unit, rate in units)
        self._alike_title.setText("Most similar units" if units else "No other unit is similar to it" if self._answer else "")

    def _table(self) -> Table | None:
        if self._answer is None:
            return None
        channel, histogram = self._answer.channel, self._answer.unit.histogram
        edges = np.linspace(channel.low, channel.high, PLACES + 1)
        return Table(("from", "to", "steps"), (edges[:-1], edges[1:], histogram))
