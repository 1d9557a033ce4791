"""Choosing a colour map: in a menu, or by a button that shows the one in force."""

from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QAction, QActionGroup, QIcon, QImage, QPainter, QPaintEvent, QPalette, QPixmap
from PySide6.QtWidgets import QMenu, QToolButton

from unrolled.viewer.drawing.images import image_of
from unrolled.viewer.theme.colour_maps import SEQUENTIAL, colour_table

Choice = TypeVar("Choice")
NAME = "Attention colour map"


def title(name: str) -> str:
    """A map's name for people, without its collection."""
    return name.split(":")[-1].capitalize()


def swatch(name: str) -> QImage:
    return image_of(colour_table(name)[None])


def add_choices(menu: QMenu, titles: Mapping[Choice, str], current: Choice, chosen: Callable[[Choice], object]) -> list[QAction]:
    """An entry a choice, of which one is marked."""
    group = QActionGroup(menu)
    for choice, text in titles.items():
        action = group.addAction(text)
        action.setCheckable(True)
        action.setChecked(choice == current)
        action.triggered.connect(lambda _=False, choice=choice: chosen(choice))
    menu.addActions(group.actions())
    return group.actions()


def add_colour_maps(menu: QMenu, names: Iterable[str], current: str, chosen: Callable[[str], object], *, none: str = "") -> None:
    """An entry a map, with its colours; the current one is among them and marked. `none` is the title of choosing no map."""
    titles = ({"": none} if none else {}) | {name: title(name) for name in (*names, current) if name}
    for name, action in zip(titles, add_choices(menu, titles, current, chosen), strict=True):
        if name:
            action.setIcon(QIcon(QPixmap.fromImage(swatch(name).scaled(QSize(48, 12)))))
            action.setIconVisibleInMenu(True)


class ColourMapButton(QToolButton):
    chosen = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.name = ""
        self._swatch: QImage | None = None
        self.setAccessibleName(NAME)
        self.setAutoRaise(True)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        menu = QMenu(self)
        menu.setAccessibleName(NAME)
        menu.aboutToShow.connect(self._fill)
        self.setMenu(menu)

    def set_name(self, name: str) -> None:
        if name != self.name:
            self.name = name
            self._swatch = swatch(name)
            self.setToolTip(f"Colour map: {title(name)}. Press for others")
            self.setAccessibleDescription(title(name))
            self.update()

    def add_to(self, menu: QMenu) -> None:
        add_colour_maps(menu.addMenu("Colour map"), SEQUENTIAL, self.name, self.chosen.emit)

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if self._swatch is None:
            return
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
            place = QRectF(self.rect()).adjusted(5, 8, -5, -8)
            painter.drawImage(place, self._swatch, QRectF(self._swatch.rect()))
            painter.setPen(self.palette().color(QPalette.ColorRole.Mid))
            painter.drawRect(place.adjusted(-0.5, -0.5, 0.5, 0.5))

    def _fill(self) -> None:
        """Only when it is opened: maps are read from the library one by one."""
        self.menu().clear()
        add_colour_maps(self.menu(), SEQUENTIAL, self.name, self.chosen.emit)
