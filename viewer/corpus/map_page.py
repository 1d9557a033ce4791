"""The map of states: where the states of all documents lie, coloured by what is known of their steps; what is framed is found."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from PySide6.QtCore import QEvent, QObject, QPoint, QPointF, QRect, QSize, Qt, Signal
from PySide6.QtGui import QColor, QMouseEvent
from PySide6.QtWidgets import QRubberBand, QWidget

from unrolled.models.analysis.text_properties import PROPERTIES
from unrolled.models.corpus.parts import Extents, Told, Wanted, read_parts
from unrolled.models.corpus.search import MOST, Found, Hit
from unrolled.models.corpus.state_map import StateMap, has_umap, principal_map, umap_map
from unrolled.models.corpus.units import properties_of
from unrolled.models.store.layout import values_of
from unrolled.models.store.store import Store
from unrolled.viewer.corpus.density import FAINTEST, Grid, coloured, grid_of, of_groups, owners
from unrolled.viewer.corpus.swatches import Swatch, Swatches
from unrolled.viewer.plotting.axis import Axis
from unrolled.viewer.plotting.plot import Plot
from unrolled.viewer.plotting.table import Table
from unrolled.viewer.state.open_store import Steps
from unrolled.viewer.state.wording import counted, few, percent
from unrolled.viewer.theme.themes import Theme
from unrolled.viewer.widgets.asking import Asking
from unrolled.viewer.widgets.building import in_column, in_row, muted_label, named, push_button, tool_button
from unrolled.viewer.widgets.combo_box import ComboBox
from unrolled.viewer.widgets.flow_layout import FlowLayout

EMPTY = "Every state of every document becomes a point of this map: press “Make the map”."
COLOUR_MAP = "viridis"
BOX_WIDTH = 150
FAINT = "Fainter where fewer states lie."
LAYS_OUT = "UMAP lays the states out, which takes a minute or two…"
MOST_NAMED = 12  # documents of a colour
DENSITY, DOCUMENT, UNIT = "density", "document", "unit"


@dataclass(frozen=True, slots=True)
class Drawn:
    """A map, its cells, the documents and steps of its points, and for each cell the document that most of them are of."""

    states: StateMap
    grid: Grid
    documents: np.ndarray
    steps: np.ndarray
    owner: np.ndarray


class Key(NamedTuple):
    """What colours mean: a bar from `low` to `high`, or swatches in its place."""

    low: float = 0.0
    high: float = 1.0
    colour_map: str = COLOUR_MAP
    ends: tuple[str, str] | None = None
    since: float = 0.0
    swatches: tuple[Swatch, ...] = ()


class MapPage(QWidget):
    framed = Signal(object, object)  # the steps within a frame, as `Found`; and all of them, by document, as `Steps`

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.theme = theme
        self._store: Store | None = None
        self._channel, self._unit = "", 0
        self._drawn: Drawn | None = None
        self._band: QRubberBand | None = None
        self._from = QPoint()
        self._about = ""  # what is said of the map while no cell is pointed at
        self._meaning = ""  # of the colours that are made
        self.making, self._colouring = Asking(self), Asking(self)
        self.method = named(ComboBox(), "How states are laid out")
        self.method.addItem("Principal components", "principal")
        self.method.addItem("UMAP" if has_umap() else "UMAP (install umap-learn)", "umap")
        twice = "Go through all states twice: for their covariance, then to place them"
        self.make = push_button("Make the map", twice, self._make)
        self.colour = named(ComboBox(), "What colours the map")
        self.colour.activated.connect(lambda _: self.colour_again())
        frame_hint = "Draw a frame in the map: the steps within it are listed, and marked in the documents’ playhead"
        self.frame = tool_button("Frame", frame_hint, lambda: None, name="Draw a frame in the map")
        self.frame.setCheckable(True)
        self.plot = Plot("Map of states", Axis("component 1"), Axis("component 2"), theme, table=self._table)
        self.plot.say(EMPTY)
        self.plot.surface.installEventFilter(self)
        self._heat = self.plot.heatmap()
        self._bar = self.plot.colour_bar(Axis())
        self._bar.hide()
        self.plot.reading = self._reading
        self.swatches = Swatches()
        self.swatches.hide()
        self.said, self.meaning = muted_label(wrapped=True), muted_label(wrapped=True)
        for box in (self.method, self.colour):
            box.setMinimumWidth(BOX_WIDTH)
        controls, by = QWidget(), QWidget()
        in_row(by, muted_label("Colour"), self.colour, spacing=6)
        FlowLayout(controls, self.method, self.make, by, self.frame)
        in_column(self, controls, (self.plot, 1), self.meaning, self.swatches, self.said, spacing=6)
        self.making.answered.connect(self._show)
        self.making.failed.connect(self.said.setText)
        self.making.progressed.connect(self._told)
        self.plot.read_out.connect(lambda words: self.said.setText(words or self._about))
        self.making.busy_changed.connect(lambda busy: self.make.setText("Stop" if busy else "Make the map"))
        self._colouring.answered.connect(lambda colours: self._paint(*colours))
        self._colouring.failed.connect(self._cannot_colour)

    def set_store(self, store: Store | None) -> None:
        self.making.stop()
        self._colouring.stop()
        self._store, self._drawn = store, None
        self._heat.show(None)
        self._show_key(None)
        self.plot.say(EMPTY)
        self._about = ""
        self.said.setText("")
        self.meaning.setText("")
        self.colour.clear()
        self.colour.addItem("number of states", DENSITY)
        self.colour.addItem("document", DOCUMENT)
        self.colour.addItem("unit", UNIT)
        if store is not None and store.description.has_characters:
            for name in PROPERTIES:
                self.colour.addItem(name, name)

    def set_unit(self, channel: str, unit: int) -> None:
        """What “the unit” is, and of which channel the states are."""
        changed, self._channel, self._unit = channel != self._channel, channel, unit
        if self._drawn is None:
            return
        if changed:
            self.said.setText("This map is of another channel: make it again.")
        elif self.colour.currentData() == UNIT:
            self.colour_again()

    def set_theme(self, theme: Theme) -> None:
        self.theme = theme
        self.plot.set_theme(theme)
        self.colour_again()

    def close_page(self) -> None:
        self.making.close()
        self._colouring.close()

    def _make(self) -> None:
        store, channel = self._store, self._channel
        if self.making.busy or store is None:
            self.making.stop()
            self.said.setText("")
            return
        if not channel:
            self.said.setText("This store keeps no channel of units: there is no map of its states.")
            return
        by_umap = self.method.currentData() == "umap"
        if by_umap and not has_umap():
            self.said.setText("UMAP comes with the package umap-learn: python -m pip install umap-learn")
            return

        def work(wanted: Wanted, progress: Told) -> Drawn | None:
            made = (umap_map if by_umap else principal_map)(store, channel, wanted=wanted, progress=progress)
            if not wanted():
                return None
            grid, (documents, steps) = grid_of(made.points), store.at(made.places)
            return Drawn(made, grid, documents, steps, owners(grid, np.maximum(documents, 0)))

        self.making.ask(work)

    def _show(self, drawn: Drawn) -> None:
        self._drawn, grid = drawn, drawn.grid
        first, second = drawn.states.explained
        shares = f"The axes explain {percent(first)} and {percent(second)} of the variance. " if np.isfinite(first) else ""
        self._about = " ".join((f"{len(drawn.states.places):,} states. {shares}Shift and drag zooms in.",
                                *few(drawn.states.notes)))
        self.said.setText(self._about)
        self.plot.say("")
        self.plot.name_axes(*(f"{'component' if np.isfinite(first) else 'UMAP'} {number}" for number in (1, 2)))
        cells = grid.counts.shape[0]
        self.plot.set_ranges((grid.left, grid.left + cells * grid.width), (grid.low, grid.low + cells * grid.height))
        self.colour_again()

    def colour_again(self) -> None:
        """Colour the map by what is chosen."""
        drawn, store, by = self._drawn, self._store, str(self.colour.currentData() or DENSITY)
        if drawn is None or store is None:
            return
        grid = drawn.grid
        channel, unit, theme = self._channel, self._unit, self.theme

        self._meaning = {DENSITY: "Colour: how many states lie there, on a logarithmic scale.",
                         DOCUMENT: f"Colour: the document that most of the states there come from. {FAINT}",
                         UNIT: f"Colour: unit {unit} on average, in the colours of its track. {FAINT}"}.get(
                             by, f"Colour: “{by}” on average. {FAINT}")

        def work(wanted: Wanted, _progress: Told) -> tuple[Grid, np.ndarray, Key]:
            if by == DENSITY:
                key = Key(ends=("1", f"{int(grid.counts.max()):,}"), since=FAINTEST)
                return grid, coloured(grid, None, low=0, high=1, name=COLOUR_MAP), key
            if by == DOCUMENT:
                series = np.array([(own.red(), own.green(), own.blue()) for own in map(QColor, theme.series)], np.uint8)
                return grid, of_groups(grid, drawn.owner, series), Key(swatches=swatches_of(store, drawn.owner, theme.series))
            own = store.description.channel(channel)
            if by == UNIT:
                values, name = _at(store, channel, unit, drawn.states.places), theme.diverging if own.signed else COLOUR_MAP
                return grid, coloured(grid, values, low=own.low, high=own.high, name=name), Key(own.low, own.high, name)
            values = _property(store, by, drawn, wanted)
            known = values[np.isfinite(values)]
            high, yes_or_no = max(float(known.max(initial=1.0)), 1.0), bool(np.isin(known, (0, 1)).all())
            return (grid, coloured(grid, values, low=0.0, high=high, name=COLOUR_MAP),
                    Key(0.0, high, ends=("no", "yes") if yes_or_no else None))

        self._colouring.ask(work)

    def _paint(self, grid: Grid, colours: np.ndarray, key: Key) -> None:
        if self._drawn is not None and grid is self._drawn.grid:
            self._heat.show(colours, left=grid.left, top=grid.low, width=grid.width, height=grid.height)
            self.meaning.setText(self._meaning)
            self._show_key(key)

    def _show_key(self, key: Key | None) -> None:
        self.swatches.show_swatches(() if key is None else key.swatches)
        if key is None or key.swatches:
            self._bar.hide()
        else:
            self._bar.show(key.low, key.high, key.colour_map, key.ends, since=key.since)

    def _told(self, share: float) -> None:
        by_umap = self.method.currentData() == "umap"
        self.said.setText(LAYS_OUT if by_umap and share >= 1 else f"Going through all states: {percent(share)}")

    def _reading(self, x: float, y: float) -> str:
        drawn, store = self._drawn, self._store
        if drawn is None or store is None:
            return ""
        grid = drawn.grid
        column, row = int((x - grid.left) // grid.width), int((y - grid.low) // grid.height)
        side = len(grid.counts)
        if not (0 <= column < side and 0 <= row < side and grid.counts[row, column]):
            return ""
        title = store.documents.title_at_hand(int(drawn.owner[row * side + column]))
        return f"{counted(int(grid.counts[row, column]), 'state')} here, most of “{title}”"

    def _cannot_colour(self, sentence: str) -> None:
        """No colours of what was chosen before are left under the name of what is chosen now."""
        self._heat.show(None)
        self._show_key(None)
        self.meaning.setText(sentence)

    def _table(self) -> Table | None:
        drawn = self._drawn
        return None if drawn is None else Table(
            ("document", "step", "x", "y"), (drawn.documents, drawn.steps, *drawn.states.points.T))

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Draw a frame while that is wanted."""
        if not self.frame.isChecked() or self._drawn is None or not isinstance(event, QMouseEvent):
            return False
        kind, place = event.type(), event.position().toPoint()
        if kind == QEvent.Type.MouseButtonPress and event.button() == Qt.MouseButton.LeftButton:
            self._from = place
            self._band = QRubberBand(QRubberBand.Shape.Rectangle, self.plot.surface)
            self._band.setGeometry(QRect(place, QSize()))
            self._band.show()
        elif kind == QEvent.Type.MouseMove and self._band is not None:
            self._band.setGeometry(QRect(self._from, place).normalized())
        elif kind == QEvent.Type.MouseButtonRelease and self._band is not None:
            box = self._band.geometry()
            self._band.hide()
            self._band.deleteLater()
            self._band = None
            self._take(box)
        else:
            return False
        return True

    def _take(self, box: QRect) -> None:
        assert self._drawn is not None
        corners = [self.plot.values_at(QPointF(corner)) for corner in (box.topLeft(), box.bottomRight())]
        spans = spans_within(self._drawn, *zip(*corners, strict=True))
        self.framed.emit(found_in(self._drawn, spans), by_document(spans))


def swatches_of(store: Store, owner: np.ndarray, colours: Sequence[str]) -> tuple[Swatch, ...]:
    """For each colour the documents that have it, those with the most cells first: colours repeat where there are many."""
    numbers, cells = np.unique(owner[owner >= 0], return_counts=True)
    numbers = numbers[np.argsort(-cells, kind="stable")]
    found = []
    for place in dict.fromkeys((numbers % len(colours)).tolist()):
        own = numbers[numbers % len(colours) == place]
        titles = [store.documents[number].title for number in own[:MOST_NAMED].tolist()]
        more = f" +{len(own) - 1:,}" if len(own) > 1 else ""
        rest = [f"and {len(own) - len(titles):,} more"] if len(own) > len(titles) else []
        found.append(Swatch(colours[place], titles[0].rsplit("/", 1)[-1] + more, "\n".join((*titles, *rest))))
    return tuple(found)


def spans_within(drawn: Drawn, x: tuple[float, float], y: tuple[float, float]) -> np.ndarray:
    """Document, first and last step of the spans whose states lie in a frame, (spans, 3)."""
    points = drawn.states.points
    inside = np.flatnonzero(((points >= (min(x), min(y))) & (points <= (max(x), max(y)))).all(axis=1))
    documents, steps = drawn.documents[inside], drawn.steps[inside]
    begins = np.flatnonzero((np.diff(steps, prepend=-2) != 1) | (np.diff(documents, prepend=-1) != 0))
    ends = np.append(begins[1:], len(inside))[: len(begins)] - 1
    return np.stack((documents[begins], steps[begins], steps[ends]), axis=1)


def found_in(drawn: Drawn, spans: np.ndarray) -> Found:
    """The longest of the spans."""
    lengths = spans[:, 2] - spans[:, 1] + 1
    best = np.argsort(-lengths, kind="stable")[:MOST]
    hits = tuple(Hit(number, first, last, float(last - first + 1)) for number, first, last in spans[best].tolist())
    return Found(hits, len(spans), len(drawn.states.points), drawn.states.notes)


def by_document(spans: np.ndarray) -> dict[int, Steps]:
    """First and last steps, by document."""
    ordered = spans[np.argsort(spans[:, 0], kind="stable")]  # on the store's axis they lie in any order
    numbers, begins = np.unique(ordered[:, 0], return_index=True)
    parts = np.split(ordered[:, 1:], begins[1:])
    return {number: tuple(map(tuple, part.tolist())) for number, part in zip(numbers.tolist(), parts, strict=False)}


def _at(store: Store, channel: str, unit: int, places: np.ndarray) -> np.ndarray:
    """One unit's values at places of the step axis, which rise; nan where they cannot be read."""
    own = store.description.channel(channel)
    return _read_at(store, places, lambda part: values_of(store.column(channel, unit, part.start, part.stop), own))


def _property(store: Store, name: str, drawn: Drawn, wanted: Wanted = lambda: True) -> np.ndarray:
    return _read_at(store, drawn.states.places, lambda part: properties_of(store, part, (name,), wanted)[name], wanted)


def _read_at(store: Store, places: np.ndarray, read: Callable[[Extents], np.ndarray],
             wanted: Wanted = lambda: True) -> np.ndarray:
    found = np.full(len(places), np.nan, np.float32)
    for part, values in read_parts(store, [], read, wanted=wanted):
        first, last = np.searchsorted(places, (part.start, part.stop))
        found[first:last] = values[places[first:last] - part.start]
    return found
