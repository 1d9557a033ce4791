"""The drawer under the tracks: explanations and changes behind tabs, each made when it is first looked at.

Closed it is one line of tabs. It knows which views there are, and nothing of what they show.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QSize, Signal
from PySide6.QtGui import QPalette, QResizeEvent
from PySide6.QtWidgets import QButtonGroup, QFrame, QSizePolicy, QStackedWidget, QToolButton, QVBoxLayout, QWidget

from unrolled.models.trace import Channel
from unrolled.viewer.state.session import Session
from unrolled.viewer.theme.themes import Theme
from unrolled.viewer.views.view import View
from unrolled.viewer.widgets.flow_layout import FlowLayout

USUAL_HEIGHT, LEAST_HEIGHT = 300, 190
UNBOUNDED = 16_777_215  # as Qt calls it


@dataclass(frozen=True, slots=True)
class Tab:
    """A view of the drawer.

    Attributes
    ----------
    name : str
        What the code calls it, and its action.
    title : str
        What people read.
    hint : str
        What it shows.
    load : callable
        Imports the panel's class: most starts need none of them.
    """

    name: str
    title: str
    hint: str
    load: Callable[[], type[View]]


def _equations() -> type[View]:
    from unrolled.viewer.views.units.equations import EquationsView

    return EquationsView


def _why() -> type[View]:
    from unrolled.viewer.views.attribution.attribution import AttributionView

    return AttributionView


def _gates() -> type[View]:
    from unrolled.viewer.views.gates import GateStatisticsView

    return GateStatisticsView


def _attention() -> type[View]:
    from unrolled.viewer.views.attention import AttentionStatisticsView

    return AttentionStatisticsView


def _similar() -> type[View]:
    from unrolled.viewer.views.similar.similar import SimilarView

    return SimilarView


def _edits() -> type[View]:
    from unrolled.viewer.views.edits.edits import EditsView

    return EditsView


def _beam() -> type[View]:
    from unrolled.viewer.views.branches.beam_tree import BeamTreeView

    return BeamTreeView


TABS = (
    Tab("edits", "Change", "Change the computation: words, units, gates, attention, the picture", _edits),
    Tab("equations", "Equations", "This step in equations, with one unit's numbers", _equations),
    Tab("why", "Why this word", "What the word depended on: gradients, and masking what was looked at", _why),
    Tab("gates", "Gates", "How often each unit's gates are shut and open", _gates),
    Tab("attention", "Attention", "How sharp the attention is, and what it covers", _attention),
    Tab("similar", "Similar", "Where else the same units are on", _similar),
    Tab("beam", "Beam", "The beam search as it runs: what lives, dies and finishes", _beam),
)


class Drawer(QFrame):
    """Tabs, and the view behind the one that is open.

    Attributes
    ----------
    made : Signal(object)
        A panel was made: it wants to be brought up to date from now on.
    opened : Signal(str)
        Another view is open; empty where the drawer was closed.
    """

    made = Signal(object)
    opened = Signal(str)

    def __init__(self, session: Session, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("section")
        self._session, self._theme = session, theme
        self.open_name = ""
        self.height_wanted = USUAL_HEIGHT
        self.panels: dict[str, View] = {}
        self.buttons: dict[str, QToolButton] = {}
        self._group = QButtonGroup(self)
        self._group.setExclusive(False)
        row = FlowLayout(gap=2)
        for tab in TABS:
            button = QToolButton()
            button.setObjectName("drawerTab")
            button.setText(tab.title)
            button.setCheckable(True)
            button.setToolTip(tab.hint)
            button.setAccessibleName(f"{tab.title}: {tab.hint}")
            button.clicked.connect(lambda _=False, name=tab.name: self.toggle(name))
            self.buttons[tab.name] = button
            row.addWidget(button)
        self._row = row
        self._stack = QStackedWidget()
        self._stack.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Ignored)
        self._stack.hide()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 4, 8, 4)
        layout.setSpacing(4)
        layout.addLayout(row)
        layout.addWidget(self._stack, 1)
        self._fit()

    def set_hints(self, shortcuts: dict[str, str]) -> None:
        """Give each tab its shortcut in the tooltip."""
        for tab in TABS:
            keys = shortcuts.get(tab.name, "")
            self.buttons[tab.name].setToolTip(f"{tab.hint} ({keys})" if keys else tab.hint)

    def toggle(self, name: str) -> None:
        """Open a view; the one that is open is closed."""
        self.open("" if name == self.open_name else name)

    def open(self, name: str) -> None:
        """Open a view, or close the drawer where the name is empty."""
        if name and name not in self.buttons:
            return
        self.open_name = name
        if name:
            self._stack.setCurrentWidget(self.panel(name))
        self._stack.setVisible(bool(name))
        for own, button in self.buttons.items():
            button.setChecked(own == name)
        self._fit()
        self.opened.emit(name)

    def panel(self, name: str) -> View:
        """A view, made if it is not there yet."""
        if name not in self.panels:
            tab = next(tab for tab in TABS if tab.name == name)
            made = tab.load()(self._session, self._theme)
            made.setBackgroundRole(QPalette.ColorRole.Base)
            made.setAutoFillBackground(True)
            self.panels[name] = made
            self._stack.addWidget(made)
            self.made.emit(made)
        return self.panels[name]

    def offer(self, channels: tuple[Channel, ...]) -> None:
        """Show the tabs that have something to show of these channels; judged by roles and axes alone."""
        roles = {channel.role for channel in channels}
        attention, gates = "attention" in roles, any(role.endswith("_gate") and role != "cell_gate" for role in roles)
        for name, there in (("attention", attention), ("gates", gates)):
            self.buttons[name].setVisible(there or not channels)
            if not there and channels and self.open_name == name:
                self.open("")

    def set_theme(self, theme: Theme) -> None:
        """Other colours are in force; the panels are told by whoever brings them up to date."""
        self._theme = theme

    def sizeHint(self) -> QSize:
        """Closed a line, open as high as it was last."""
        return QSize(400, self.height_wanted if self.open_name else self._line_height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Where it is narrower the tabs take more lines."""
        super().resizeEvent(event)
        if not self.open_name and self.maximumHeight() != self._line_height():
            self._fit()

    def _line_height(self) -> int:
        return self._row.heightForWidth(max(self.width() - 16, 200)) + 10

    def _fit(self) -> None:
        closed = not self.open_name
        self.setMinimumHeight(self._line_height() if closed else LEAST_HEIGHT)
        self.setMaximumHeight(self._line_height() if closed else UNBOUNDED)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum if closed else QSizePolicy.Policy.Preferred)
        self.updateGeometry()
