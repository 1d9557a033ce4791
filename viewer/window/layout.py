"""Where everything is: the toolbar on top, input, tracks and this step side by side, the scrub bar at the bottom."""

from __future__ import annotations

from typing import TypeVar

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QPalette, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QLabel, QSplitter, QVBoxLayout, QWidget

from unrolled.models.inputs.inputs import taken_by
from unrolled.viewer.state.notice import Notice
from unrolled.viewer.state.session import Session
from unrolled.viewer.theme.themes import Theme
from unrolled.viewer.views.alignment.alignment import AlignmentView
from unrolled.viewer.views.branches.branch_tree import BranchTreeView
from unrolled.viewer.views.clip import ClipView
from unrolled.viewer.views.fidelity import FidelityBadge
from unrolled.viewer.views.picture.comparison import BesideView
from unrolled.viewer.views.picture.film_strip import FilmStripView
from unrolled.viewer.views.picture.picture import PictureView
from unrolled.viewer.views.scrub_bar import ScrubBarView
from unrolled.viewer.views.text.candidates import CandidatesView
from unrolled.viewer.views.text.caption import CaptionView
from unrolled.viewer.views.text.reader import ReaderView
from unrolled.viewer.views.text.text_input import TextView
from unrolled.viewer.views.tracks import TracksView
from unrolled.viewer.views.units.unit import UnitView
from unrolled.viewer.views.view import View
from unrolled.viewer.widgets.banner import BannerPlace
from unrolled.viewer.widgets.section import Section
from unrolled.viewer.window.drawer import Drawer
from unrolled.viewer.window.settings import WindowSettings
from unrolled.viewer.window.status import StatusLine
from unrolled.viewer.window.toolbar import Toolbar

GAP = 8
LEAST_TRACKS = 220  # device-independent pixels that are left to the tracks when the drawer opens
LEFT_PART, LEFT_LEAST = 0.34, 376
ROOMY = 1200  # device-independent pixels of width, or 780 of height: below, what can be smaller is
BANNER_WIDTH = 620
KIND_SECTIONS = {
    "picture": ("picture", "written", "film strip"),
    "sentence": ("text", "written", "alignment"),
    "text": ("text", "reader"),
    "clip": ("clip", "written"),
}
"""The left part's sections, by the kind of input."""
TEXT_TITLES = {"sentence": "Sentence", "text": "Text"}
WRITTEN_TITLES = {"sentence": "Translation", "clip": "What happens"}

PanelKind = TypeVar("PanelKind", bound=View)


class Layout(QWidget):
    """The window's inside.

    Attributes
    ----------
    panels : list of Panel
        All views.
    """

    def __init__(self, session: Session, actions: dict[str, QAction], theme: Theme,
                 parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)  # where the keys go while no control has been reached by Tab
        self.toolbar = Toolbar(actions, theme)
        self.panels: list[View] = []
        self._session, self._theme = session, theme
        self._sized = False
        picture = self._panel(PictureView)
        caption = self._panel(CaptionView)
        film_strip = self._panel(FilmStripView)
        self.tracks = tracks = self._panel(TracksView)
        candidates = self._panel(CandidatesView)
        unit = self._panel(UnitView)
        scrub_bar = self._panel(ScrubBarView)
        self.branches = self._panel(BranchTreeView)

        text, clip, alignment, reader = (self._panel(TextView), self._panel(ClipView), self._panel(AlignmentView),
                                         self._panel(ReaderView))
        self.sections = {
            "picture": Section("Photograph", picture), "clip": Section("Clip", clip), "text": Section("Text", text),
            "written": Section("Caption", caption), "film strip": Section("Attention, word by word", film_strip),
            "alignment": Section("Alignment", alignment), "reader": Section("Read and written", reader),
            "beside": Section("B", self._panel(BesideView))}
        self.picture_section = self.sections["picture"]
        self.left = _splitter(Qt.Orientation.Vertical, *self.sections.values(), stretch=(1, 1, 0, 0, 0, 1, 1, 1))
        self._kind = ""
        self.right = _splitter(Qt.Orientation.Vertical, Section("This step", candidates), Section("Unit", unit),
                               stretch=(1, 0))
        self.middle = Section("What the model computed", tracks)
        self.drawer = Drawer(session, theme)
        self.centre = _splitter(Qt.Orientation.Vertical, self.middle, self.drawer, stretch=(1, 0))
        self.columns = _splitter(Qt.Orientation.Horizontal, self.left, self.centre, self.right, stretch=(25, 65, 10))
        for part, least in ((self.left, 300), (self.centre, 320), (self.right, 236)):
            part.setMinimumWidth(least)
        self.scrub = scrub_bar
        for panel in self.panels:
            if panel not in (scrub_bar, self.branches):  # they have round corners of their own
                # A ground of their own, so that Qt need not paint everything behind them whenever they change.
                panel.setBackgroundRole(QPalette.ColorRole.Base)
                panel.setAutoFillBackground(True)
        self.status = StatusLine()
        self.fidelity = self._panel(FidelityBadge)
        self.status.add_badge(self.fidelity)
        inside = QVBoxLayout()
        inside.setContentsMargins(GAP + 4, GAP + 4, GAP + 4, 4)
        inside.setSpacing(GAP)
        inside.addWidget(self.columns, 1)
        inside.addWidget(self.branches)
        inside.addWidget(self.scrub)
        inside.addWidget(self.status)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(0)
        whole.addWidget(self.toolbar)
        whole.addLayout(inside, 1)

        self._places = {"model": BannerPlace(theme, self), "run": BannerPlace(theme, self),
                        "input": BannerPlace(theme, self), "restore": BannerPlace(theme, self)}
        self._drop_hint = QLabel("Drop to open", self)
        self._drop_hint.setObjectName("dropHint")
        self._drop_hint.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._drop_hint.hide()
        self.columns.splitterMoved.connect(lambda *_: self._place_banners())
        self.drawer.made.connect(self.panels.append)
        self.drawer.opened.connect(self._size_drawer)
        self.centre.splitterMoved.connect(self._drawer_moved)
        self._show_kind()
        session.branches_changed.connect(self._place_banners)
        for changed in (session.input_changed, session.model_changed, session.trace_changed, session.compared_changed):
            changed.connect(self._show_kind)

    def _panel(self, kind: type[PanelKind]) -> PanelKind:
        made = kind(self._session, self._theme)
        self.panels.append(made)
        return made

    @property
    def input_kind(self) -> str:
        """What kind of input is worked on: the run's, else the model's, else what the input is."""
        session = self._session
        if session.trace is not None:
            return session.trace.provenance.input_kind
        if session.description is not None and (session.input is None or taken_by(session.input, session.description.input_kind)):
            return session.description.input_kind
        return session.input.medium if session.input is not None else "picture"

    def _show_kind(self) -> None:
        """Show the parts that this kind of input has; each is chosen by the kind, never by a model."""
        session, kind = self._session, self.input_kind
        channels = (session.trace.channels.values() if session.trace is not None
                    else session.description.channels if session.description is not None else ())
        shown = KIND_SECTIONS.get(kind, KIND_SECTIONS["picture"])
        if kind == "picture" and channels and not FilmStripView.draws(channels):
            shown = tuple(name for name in shown if name != "film strip")
        self.drawer.offer(tuple(channels))
        compared = session.compared
        if compared is not None:
            shown = (*(name for name in shown if name not in ("film strip", "alignment")), "beside")
            self.sections["beside"].set_title(f"B: {compared.name}")
        state = f"{kind} {shown}"
        if state == self._kind:
            return
        self._kind = state
        self.sections["text"].set_title(TEXT_TITLES.get(kind, "Text"))
        self.sections["written"].set_title(WRITTEN_TITLES.get(kind, "Caption"))
        for name, section in self.sections.items():
            section.setVisible(name in shown)
        if self._sized:
            self._size_left()
        self._place_banners()

    # ── Messages ──────────────────────────────────────────────────────────────────────────────────────────────

    def say(self, message: Notice) -> None:
        """Show a message at its place, over what is there, so that nothing moves."""
        self._places[message.place].show_message(message)
        self._place_banners()

    def unsay(self, place: str) -> None:
        """Take the message at a place away."""
        self._places[place].clear()

    def message(self, place: str) -> Notice | None:
        """What is said at a place."""
        banner = self._places[place].banner
        return banner.message if banner is not None else None

    def banner_place(self, place: str) -> BannerPlace:
        """Where messages about something appear."""
        return self._places[place]

    def show_drop_hint(self, shown: bool) -> None:
        """Say that something can be dropped here."""
        self._drop_hint.setGeometry(self.rect().adjusted(16, 68, -16, -16))
        self._drop_hint.setVisible(shown)
        self._drop_hint.raise_()

    def showEvent(self, event: QShowEvent) -> None:
        """Give the panes their first sizes, unless others were remembered."""
        super().showEvent(event)
        if not self._sized:
            self._sized = True
            self._size_panes()

    def _size_panes(self) -> None:
        width, height = self.width() - 4 * GAP, self.height() - 180
        left, right = max(round(LEFT_PART * width), LEFT_LEAST), 248 if width > ROOMY else 236
        self.columns.setSizes([left, width - left - right, right])
        self._size_left()
        self.right.setSizes([round(0.58 * height), round(0.42 * height)])

    def _size_left(self) -> None:
        height = self.height() - 180
        caption, strip = (104, 136) if height > ROOMY * 0.65 - 180 else (92, 124)
        heights = {"written": caption, "film strip": strip, "text": 132}
        shown = [name for name, section in self.sections.items() if not section.isHidden()]
        rest = height - sum(heights.get(name, 0) for name in shown)
        self.left.setSizes([heights.get(name, rest) if name in shown else 0 for name in self.sections])

    def _size_drawer(self, name: str) -> None:
        wanted = self.drawer.height_wanted if name else self.drawer.maximumHeight()
        whole = self.centre.height()
        if name:
            wanted = min(wanted, max(whole - LEAST_TRACKS, 0))
        self.centre.setSizes([max(whole - wanted, 0), wanted])

    def _drawer_moved(self) -> None:
        if self.drawer.open_name:
            self.drawer.height_wanted = self.drawer.height()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep the messages at their places."""
        super().resizeEvent(event)
        self._place_banners()

    def _place_banners(self) -> None:
        top = self.toolbar.height() + GAP + 4
        for name, place in self._places.items():
            if place.banner is None:
                continue
            if name == "input":
                left, room = self._left_of(self.left), self.left.width()
            else:
                left = self._left_of(self.middle)
                room = self._left_of(self.right) + self.right.width() - left
            width = min(BANNER_WIDTH, room - 2 * GAP)
            height = place.banner.height_for(width)
            y = top + 32
            if name == "restore" and (model := self._places["model"].banner) is not None:
                y += model.height_for(width) + GAP
            if name == "run":
                below = self.scrub if self.branches.isHidden() else self.branches
                y = below.mapTo(self, below.rect().topLeft()).y() - height - 2 * GAP
            place.setGeometry(left + (room - width) // 2, y, width, height)
            place.raise_()

    def _left_of(self, widget: QWidget) -> int:
        return widget.mapTo(self, widget.rect().topLeft()).x()

    # ── Theme, settings, end ──────────────────────────────────────────────────────────────────────────────────

    def set_theme(self, theme: Theme) -> None:
        """Other colours are in force."""
        self.toolbar.set_theme(theme)
        for place in self._places.values():
            place.set_theme(theme)
        self.drawer.set_theme(theme)
        for panel in self.panels:
            panel.set_theme(theme)

    def remember(self, settings: WindowSettings) -> None:
        """Keep the sizes of the panes, and what panels want kept."""
        for name, splitter in (("columns", self.columns), ("right", self.right)):
            settings.put_shape(f"splitter_{name}", splitter.saveState())
        if self.input_kind == "picture":  # the left part has other sections for every kind; this one is the first seen
            settings.put_shape("splitter_left_parts", self.left.saveState())
        settings.put("drawer", self.drawer.open_name)
        settings.put("drawer_height", self.drawer.height_wanted)
        settings.put_names("folded", self.tracks.folded)

    def restore(self, settings: WindowSettings) -> None:
        """Take over what was kept."""
        for name, splitter in (("columns", self.columns), ("left_parts", self.left), ("right", self.right)):
            state = settings.shape(f"splitter_{name}")
            if state is not None:
                self._sized = splitter.restoreState(state) or self._sized
        self.tracks.folded = frozenset(settings.names("folded"))
        self.drawer.height_wanted = int(settings.number("drawer_height", self.drawer.height_wanted))
        self.drawer.open(settings.text("drawer"))

    def close_panels(self) -> None:
        """Let go of what must not outlive the program's event loop."""
        for panel in self.panels:
            panel.close()


def _splitter(orientation: Qt.Orientation, *widgets: QWidget, stretch: tuple[int, ...]) -> QSplitter:
    splitter = QSplitter(orientation)
    splitter.setHandleWidth(GAP)
    splitter.setChildrenCollapsible(False)
    for number, widget in enumerate(widgets):
        splitter.addWidget(widget)
        splitter.setStretchFactor(number, stretch[number])
    return splitter
