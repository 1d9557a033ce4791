"""Where everything is: the toolbar on top, input, tracks and this step side by side, the scrub bar at the bottom."""

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QLabel, QSplitter, QWidget

from unrolled.viewer.drawing.painting import EmptyText
from unrolled.viewer.state.commands import Do, OpenView
from unrolled.viewer.state.session import Session
from unrolled.viewer.theme.themes import Theme
from unrolled.viewer.views.spec import Place, ViewSpec
from unrolled.viewer.views.view import View
from unrolled.viewer.widgets.banner import BannerPlace
from unrolled.viewer.widgets.building import in_column
from unrolled.viewer.widgets.section import Section
from unrolled.viewer.window.drawer import Drawer
from unrolled.viewer.window.settings import WindowSettings
from unrolled.viewer.window.status import StatusLine
from unrolled.viewer.window.toolbar import Toolbar
from unrolled.viewer.window.view_host import ViewHost

GAP = 8
LEAST_CENTRE, SHARE_OF_CENTRE = 246, 0.58  # device-independent pixels, at most that part, left to the tracks over the drawer
LEFT_PART, LEFT_LEAST = 0.34, 376
ROOMY, ROOMY_HEIGHT = 1200, 780  # device-independent pixels: below, what can be smaller is
LOW, SPARED = 600, 16  # pixels of a column: in a lower one views of a fixed height are so much lower
MOST_OF_COLUMN = 0.42
COLUMNS = (Place.LEFT, Place.CENTRE, Place.RIGHT)


class Layout(QWidget):
    def __init__(self, session: Session, host: ViewHost, actions: dict[str, QAction], do: Do, theme: Theme,
                 parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)  # where the keys go while no control has been reached by Tab
        self.toolbar = Toolbar(actions, do, theme)
        self._host, self._sized, self._kind = host, False, ""
        self._kept: set[QSplitter] = set()  # whose sizes a person chose, now or the last time
        self.sections: dict[str, Section] = {}  # the framed views that were made, but for the drawer's, by name
        self._splitters = {place: _splitter(Qt.Orientation.Vertical) for place in COLUMNS}
        self.left, self.centre, self.right = self._splitters.values()
        self.drawer, self.said = Drawer(host, do), BannerPlace(theme)
        self._unknown = EmptyText("What the model takes appears here.", self.left)  # without it the column could not be as wide
        self.left.addWidget(self._unknown)
        self.centre.addWidget(self.said)
        self.centre.addWidget(self.drawer)
        self.columns = _splitter(Qt.Orientation.Horizontal)
        for part, least, stretch in ((self.left, 300, 25), (self.centre, 320, 65), (self.right, 236, 10)):
            part.setMinimumWidth(least)
            self.columns.addWidget(part)
            self.columns.setStretchFactor(self.columns.count() - 1, stretch)
        self.status = StatusLine(do)
        for spec in host.at(Place.STATUS):
            self.status.add_badge(host.view(spec))
        inside = in_column(None, (self.columns, 1), spacing=GAP)
        inside.setContentsMargins(GAP + 4, GAP + 4, GAP + 4, 4)
        self._bottom: list[View] = [host.view(spec) for spec in host.at(Place.BOTTOM)]
        for view in self._bottom:
            inside.addWidget(view)
        inside.addWidget(self.status)
        in_column(self, self.toolbar, (inside, 1), spacing=0)

        self._drop_hint = QLabel("Drop to open", self, alignment=Qt.AlignmentFlag.AlignCenter)
        self._drop_hint.setObjectName("dropHint")
        self._drop_hint.hide()
        self.drawer.opened.connect(self._size_drawer)
        self.said.fitted.connect(self._make_room)
        self.drawer.fitted.connect(self._make_room)
        self.centre.splitterMoved.connect(self._drawer_moved)
        for own in (self.left, self.right, self.columns):
            own.splitterMoved.connect(lambda *_, own=own: self._kept.add(own))
        session.run_changed.connect(lambda: self._forget("run", "error", "warning"))
        session.input_changed.connect(lambda: self._forget("input", "info"))
        host.subject_changed.connect(self._show_subject)
        self._show_subject()

    def _show_subject(self) -> None:
        """Show the views that have something to show of what there is to look at."""
        subject, same_kind = self._host.subject, self._host.subject.input_kind == self._kind
        before = {place: (self._shown(place), [size for size in self._splitters[place].sizes() if size])
                  for place in (Place.LEFT, Place.RIGHT)}
        self._kind = subject.input_kind
        for place in COLUMNS:
            for spec in self._host.at(place):
                shown = spec.accepts(subject)
                if shown and spec.name not in self.sections:
                    self._add(spec)
                if spec.name in self.sections:
                    self.sections[spec.name].set_title(spec.title_for(subject))
                    self.sections[spec.name].setVisible(shown)
        for spec in self._host.at(Place.BOTTOM):
            self._host.view(spec).setVisible(spec.accepts(subject))
        self._unknown.setHidden(bool(self._shown(Place.LEFT)))
        was_hidden = self.left.isHidden()
        self.left.setVisible(bool(self._shown(Place.LEFT)) or not subject.input_kind)  # what is not known yet has its place
        if self._sized:
            if self.left.isHidden() != was_hidden:
                self._size_columns()
            for place, (specs, heights) in before.items():
                if self._shown(place) != specs:  # what takes another's place takes its height
                    self._size_column(place, heights if same_kind and len(self._shown(place)) == len(heights) else ())

    def _add(self, spec: ViewSpec) -> None:
        """Make a view's section, in its place among those that are there."""
        splitter = self._splitters[spec.place]
        specs = self._host.at(spec.place)
        number = sum(other.name in self.sections for other in specs[: specs.index(spec)])
        section = self.sections[spec.name] = Section(spec.title, self._host.view(spec))
        self._host.view(spec).note_changed.connect(section.set_note)
        section.set_note(self._host.view(spec).note)
        splitter.insertWidget(number, section)
        splitter.setStretchFactor(number, 0 if spec.height else 1)

    def _shown(self, place: Place) -> tuple[ViewSpec, ...]:
        return tuple(spec for spec in self._host.at(place)
                     if spec.name in self.sections and not self.sections[spec.name].isHidden())

    def focusNextPrevChild(self, forward: bool) -> bool:
        """Tab goes on as the parts are seen, column after column; by itself it would go in the order in which they were made."""
        parts = [self.toolbar, *(own.widget(place) for own in self._splitters.values() for place in range(own.count())),
                 *self._bottom, self.status]
        stops = [own for part in parts if part is not None for own in part.findChildren(QWidget) if own.isVisible()
                 and own.isEnabled() and own.focusPolicy() & Qt.FocusPolicy.TabFocus and own.focusProxy() is None]
        focused, by = self.window().focusWidget(), 1 if forward else -1
        place = stops.index(focused) + by if focused in stops else min(by, 0)
        reason = Qt.FocusReason.TabFocusReason if forward else Qt.FocusReason.BacktabFocusReason
        stops[place % len(stops)].setFocus(reason)  # the toolbar has some
        return True

    def _forget(self, place: str, *kinds: str) -> None:
        """Something else is shown: what was said of the old is no news of it."""
        message = self.said.message(place)
        if message is not None and message.kind in kinds:
            self.said.clear(place)

    def show_drop_hint(self, shown: bool) -> None:
        self._drop_hint.setGeometry(self.rect().adjusted(16, 68, -16, self.status.y() - self.height()))
        self._drop_hint.setVisible(shown)
        self._drop_hint.raise_()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if not self._sized:
            self._sized = True
            self._size_panes()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._spare_height()
        if self._sized:
            self._size_panes()

    def _spare_height(self) -> None:
        """Where the drawer is open in a low window, a message is a line."""
        self.said.set_low(self.height() < ROOMY_HEIGHT and bool(self.drawer.open_name))

    def _size_columns(self) -> None:
        width = self.width() - 4 * GAP
        left = max(round(LEFT_PART * width), LEFT_LEAST) if not self.left.isHidden() else 0
        right = 262 if width > ROOMY else 248
        self.columns.setSizes([left, width - left - right, right])

    def _size_panes(self) -> None:
        if self.columns not in self._kept:
            self._size_columns()
        for place in (Place.LEFT, Place.RIGHT):
            if self._splitters[place] not in self._kept:
                self._size_column(place)

    def _size_column(self, place: Place, given: Sequence[int] = ()) -> None:
        """Give the views these heights; or those of a fixed height theirs, and the others what is left."""
        room, shown = self.height() - 180, self._shown(place)
        heights = {spec.name: min(spec.height - (SPARED if room < LOW else 0), round(MOST_OF_COLUMN * room))
                   for spec in shown if spec.height}
        rest = (room - sum(heights.values())) // max(len(shown) - len(heights), 1)
        if shown and len(heights) == len(shown):  # else each would be given a part of what is left
            heights[shown[-1].name] += rest
        heights.update(zip((spec.name for spec in shown), given, strict=False))
        made = [spec for spec in self._host.at(place) if spec.name in self.sections]
        self._splitters[place].setSizes([heights.get(spec.name, rest) if spec in shown else 0 for spec in made])

    def _size_drawer(self, name: str) -> None:
        self._spare_height()
        self._share_centre(self._drawer_height() if name else self.drawer.maximumHeight())

    def _make_room(self) -> None:
        """The tracks alone make room for a message, down to the least that they need: the tabs stay where they are."""
        if self._sized:
            open_ = bool(self.drawer.open_name)
            self._share_centre(max(self.drawer.height(), self._drawer_height()) if open_ else self.drawer.maximumHeight())

    def _drawer_height(self) -> int:
        height = self.centre.height()
        return min(self.drawer.height_wanted, max(height - min(LEAST_CENTRE, round(SHARE_OF_CENTRE * height)), 0))

    def _share_centre(self, drawer: int) -> None:
        said = 0 if self.said.isHidden() else self.said.minimumHeight() + GAP
        self.centre.setSizes([max(self.centre.height() - GAP - drawer - said, 0), max(said - GAP, 0), drawer])

    def _drawer_moved(self) -> None:
        if self.drawer.open_name:
            self.drawer.height_wanted = self.drawer.height()

    def set_theme(self, theme: Theme) -> None:
        self.toolbar.set_theme(theme)
        self.said.set_theme(theme)
        self._host.set_theme(theme)

    def remember(self, settings: WindowSettings) -> None:
        """Keep the sizes of the panes, and what views want kept."""
        of_pictures = self._host.subject.input_kind == "picture"  # the left part has other views for every kind; the first seen
        for name, splitter in (("columns", self.columns), ("right", self.right), ("left_parts", self.left)):
            if splitter in self._kept and (of_pictures or splitter is not self.left):
                settings.put(f"splitter_{name}", splitter.saveState())
        settings.put("drawer", self.drawer.open_name)
        settings.put("drawer_height", self.drawer.height_wanted)
        for name, view in self._host.views.items():
            settings.keep(f"view_{name}", view.remembered)

    def restore(self, settings: WindowSettings) -> None:
        for name, splitter in (("columns", self.columns), ("left_parts", self.left), ("right", self.right)):
            state = settings.shape(f"splitter_{name}")
            if state is not None and splitter.restoreState(state):
                self._kept.add(splitter)
        self.drawer.height_wanted = int(settings.number("drawer_height", self.drawer.height_wanted))
        self.drawer.open(OpenView(settings.text("drawer")))


def _splitter(orientation: Qt.Orientation) -> QSplitter:
    splitter = QSplitter(orientation)
    splitter.setHandleWidth(GAP)
    splitter.setChildrenCollapsible(False)
    return splitter
