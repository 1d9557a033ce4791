"""What can be done with every plot and picture: copy it, copy its numbers, save it. It needs no plotting library."""

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QEvent, QMimeData, QObject, QPoint, QRectF, QStandardPaths, Qt
from PySide6.QtGui import QAction, QGuiApplication, QKeySequence, QPainter, QPaintEvent, QPalette
from PySide6.QtWidgets import QAbstractScrollArea, QMenu, QMessageBox, QWidget

from unrolled.viewer.drawing.painting import draw_focus
from unrolled.viewer.plotting.figure import NUMBERS, PICTURES, image_of, save_figure, svg_of
from unrolled.viewer.plotting.table import Table
from unrolled.viewer.widgets.saving import ask_where

NOT_IN_NAMES = '<>:"/\\|?*\n\r\t'


class FigureMenu(QObject):
    """The menu of one widget, and its keys while that widget has the focus.

    Parameters
    ----------
    widget : QWidget
        What is copied and saved, as it is seen.
    title : callable
        What it shows: the name that a file is offered under, and a drawing's title.
    table : callable, optional
        Gives the recorded numbers behind what is shown, whole and unreduced, or None while there are none.
    fill : callable, optional
        Adds what else this widget offers, before the menu is shown.
    offered : callable, optional
        Whether there is a menu now: a brush may want the right button for itself.
    """

    last_folder = ""  # of all figures: the folder of the file that was saved last

    def __init__(self, widget: QWidget, title: Callable[[], str], table: Callable[[], Table | None] | None,
                 fill: Callable[[QMenu], None] | None, offered: Callable[[], bool] | None) -> None:
        super().__init__(widget)
        self._widget, self._title, self._table, self._fill, self._offered = widget, title, table, fill, offered
        self.place = QPoint()  # where the menu was asked for, in the widget's pixels
        self.copy_picture = self._action("Copy picture", "Ctrl+C",
                                         lambda: QGuiApplication.clipboard().setImage(image_of(widget)))
        self.copy_svg = self._action("Copy as SVG", "Ctrl+Shift+G", lambda: _copy("image/svg+xml", svg_of(widget, title())))
        self.copy_data = self._action("Copy data as CSV", "Ctrl+Shift+D", self._copy_data)
        self.save = self._action("Save as…", "Ctrl+Shift+S", self._ask_where)
        widget.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        widget.customContextMenuRequested.connect(self._show)

    def menu(self) -> QMenu:
        """A fresh menu, which deletes itself when it is closed."""
        menu = QMenu(self._widget)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.addActions([self.copy_picture, self.copy_svg])
        if self._table is not None:
            self.copy_data.setEnabled(self._table() is not None)
            menu.addAction(self.copy_data)
        menu.addAction(self.save)
        if self._fill is not None:
            menu.addSeparator()
            self._fill(menu)
        return menu

    def save_to(self, path: Path) -> None:
        try:
            save_figure(self._widget, self._title(), self._table() if self._table is not None else None, path)
        except ValueError as error:
            self._say(str(error))

    def _action(self, text: str, keys: str, act: Callable[[], object]) -> QAction:
        action = QAction(text, self._widget)
        action.setShortcut(QKeySequence(keys))
        action.setShortcutContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        action.triggered.connect(lambda _=False: act())
        self._widget.addAction(action)
        return action

    def _show(self, place: QPoint) -> None:
        if self._offered is None or self._offered():
            self.place = place
            asked = self._widget.viewport() if isinstance(self._widget, QAbstractScrollArea) else self._widget
            self.menu().popup(asked.mapToGlobal(place))

    def _copy_data(self) -> None:
        table = self._table() if self._table is not None else None
        if table is not None:
            _copy("text/csv", table.csv().encode())

    def _ask_where(self) -> None:
        kinds = PICTURES | (NUMBERS if self._table is not None else {})
        folder = FigureMenu.last_folder or QStandardPaths.writableLocation(QStandardPaths.StandardLocation.PicturesLocation)
        stem = "".join(" " if sign in NOT_IN_NAMES else sign for sign in self._title()).strip() or "figure"
        path = ask_where(self._widget.window(), f"Save “{self._title()}”", Path(folder) / f"{stem}.png", kinds)
        if path is not None:
            FigureMenu.last_folder = str(path.parent)
            self.save_to(path)

    def _say(self, sentence: str) -> None:
        box = QMessageBox(QMessageBox.Icon.Warning, "Not saved", sentence, QMessageBox.StandardButton.Ok, self._widget.window())
        box.setTextFormat(Qt.TextFormat.PlainText)
        box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        box.open()


def _copy(kind: str, data: bytes) -> None:
    mime = QMimeData()
    mime.setData(kind, data)
    mime.setText(data.decode())
    QGuiApplication.clipboard().setMimeData(mime)


class FocusRing(QWidget):
    """The ring round a widget that has the keyboard, for widgets that paint none themselves."""

    def __init__(self, widget: QWidget) -> None:
        super().__init__(widget)
        self._widget = widget
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.hide()
        widget.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() in (QEvent.Type.FocusIn, QEvent.Type.FocusOut, QEvent.Type.Resize):
            self.setGeometry(self._widget.rect())
            self.setVisible(event.type() != QEvent.Type.FocusOut and self._widget.hasFocus())
            self.raise_()
        return super().eventFilter(watched, event)

    def paintEvent(self, event: QPaintEvent) -> None:
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            draw_focus(painter, QRectF(self.rect()), self.palette().color(QPalette.ColorRole.Highlight).name())


def attach(widget: QWidget, title: str | Callable[[], str], *, table: Callable[[], Table | None] | None = None,
           fill: Callable[[QMenu], None] | None = None, offered: Callable[[], bool] | None = None,
           takes_focus: bool = True) -> FigureMenu:
    """Give a widget its menu and keys; see `FigureMenu`.

    It can be reached by Tab from now on, with a ring that says so, unless it `takes_focus` no more than its children do.
    """
    if takes_focus and widget.focusPolicy() == Qt.FocusPolicy.NoFocus:
        widget.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        FocusRing(widget)
    return FigureMenu(widget, title if callable(title) else lambda: title, table, fill, offered)
