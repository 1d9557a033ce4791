"""Which keys stay with the control that has the focus, before they become shortcuts of the window or of a figure."""

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QKeyEvent, QKeySequence
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractSlider,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QLabel,
    QLineEdit,
    QPlainTextEdit,
    QScrollArea,
    QWidget,
)


class KeyGuard(QObject):
    """Watches the one widget of a window that has the focus, which is in sight then.

    Parameters
    ----------
    window : QWidget
    """

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self._window = window
        application = QApplication.instance()
        assert isinstance(application, QApplication)
        application.focusChanged.connect(self._focus_changed)

    def _focus_changed(self, old: QWidget | None, new: QWidget | None) -> None:
        """Watch the one widget that keys go to; a filter for all events of the program would cost a tenth of a frame."""
        if old is not None:
            old.removeEventFilter(self)
        if new is not None and self._window.isAncestorOf(new):
            new.installEventFilter(self)
            if not QApplication.mouseButtons():
                _reveal(new)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Leave keys to a control that was reached by Tab and uses them itself, before they become shortcuts."""
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent) and _uses(watched, event):
            event.accept()
            return True
        return super().eventFilter(watched, event)


def _reveal(widget: QWidget) -> None:
    """Scroll what was reached by Tab into sight; by itself Qt does only where the focus was in the same area before."""
    around = widget.parentWidget()
    while around is not None:
        if isinstance(around, QScrollArea):
            around.ensureWidgetVisible(widget, 0, 0)
        around = around.parentWidget()


def _uses(watched: QObject, event: QKeyEvent) -> bool:
    if isinstance(watched, QLabel) and watched.hasSelectedText() and event.matches(QKeySequence.StandardKey.Copy):
        return True  # not the picture of the figure around it
    if event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier & ~Qt.KeyboardModifier.ShiftModifier:
        return False
    key = event.key()
    if key in getattr(watched, "own_keys", ()):  # a picture that is gone through by arrows
        return True
    if isinstance(watched, QAbstractButton):
        return key == Qt.Key.Key_Space
    moves = (Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Home, Qt.Key.Key_End, Qt.Key.Key_Space)
    if isinstance(watched, QComboBox | QAbstractSlider):
        return key in moves
    return isinstance(watched, QAbstractSpinBox | QLineEdit | QPlainTextEdit)
