"""Layouts, scroll areas, labels, buttons and switches as they are all over the window, each in one call."""

from collections.abc import Callable
from typing import TypeVar

from PySide6.QtCore import QEvent, QObject, QPointF, QSize, Qt, QTimer
from PySide6.QtGui import QFont, QFontMetrics, QHelpEvent, QIcon, QPalette
from PySide6.QtWidgets import (
    QBoxLayout,
    QButtonGroup,
    QFrame,
    QHBoxLayout,
    QLabel,
    QLayout,
    QPushButton,
    QScrollArea,
    QToolButton,
    QToolTip,
    QVBoxLayout,
    QWidget,
)
from superqt import QElidingLabel

from unrolled.viewer.theme.fonts import text_font
from unrolled.viewer.theme.icons import BESIDE_TEXT

Part = QWidget | QLayout | tuple[QWidget | QLayout, int]
"""What is laid out, and how much of the room that is left it takes; by itself it takes none."""
SWITCH_HEIGHT, SWITCH_ICON = 26, 16
Box = TypeVar("Box", bound=QBoxLayout)
Made = TypeVar("Made", bound=QWidget)


def in_column(parent: QWidget | None, *parts: Part, spacing: int = -1) -> QVBoxLayout:
    """Parts one below another, without margins; `spacing` in pixels, the style's where it is negative."""
    return _filled(QVBoxLayout() if parent is None else QVBoxLayout(parent), parts, spacing)


def in_row(parent: QWidget | None, *parts: Part, spacing: int = -1) -> QHBoxLayout:
    """The same, side by side."""
    return _filled(QHBoxLayout() if parent is None else QHBoxLayout(parent), parts, spacing)


def _filled(box: Box, parts: tuple[Part, ...], spacing: int) -> Box:
    box.setContentsMargins(0, 0, 0, 0)
    box.setSpacing(spacing)
    for part in parts:
        inside, stretch = part if isinstance(part, tuple) else (part, 0)
        box.addWidget(inside, stretch) if isinstance(inside, QWidget) else box.addLayout(inside, stretch)
    return box


def scrolled(inside: QWidget, *, sideways: bool = False) -> QScrollArea:
    """A frameless area that scrolls up and down, or `sideways` too, by itself or by the wheel; the keys stay with what is around
    it.
    """
    area = QScrollArea(widgetResizable=True)
    area.setFrameShape(QFrame.Shape.NoFrame)
    if not sideways:
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    area.setWidget(inside)
    return area


def named(made: Made, name: str, hint: str = "") -> Made:
    """A control under the name that assistive technology reads, and with its tooltip."""
    made.setAccessibleName(name)
    made.setToolTip(hint)
    return made


def keep_room(hidden: QWidget) -> None:
    """Nothing moves when it appears."""
    policy = hidden.sizePolicy()
    policy.setRetainSizeWhenHidden(True)
    hidden.setSizePolicy(policy)


def own_ground(widget: QWidget, role: QPalette.ColorRole = QPalette.ColorRole.Base) -> None:
    """Give a widget a ground of its own, the panel's colour, so that Qt need not paint what is behind it whenever it changes.

    The style sheet, whose grounds are seen through, finds viewports and what they hold by the viewports' name.
    """
    for own in (widget, widget.parentWidget()):
        if own is not None and own.objectName() == "qt_scrollarea_viewport":
            own.setObjectName("")
    widget.setBackgroundRole(role)
    widget.setAutoFillBackground(True)


class Elided(QElidingLabel):
    """What is cut is whole in its tooltip."""

    def setText(self, text: str) -> None:
        super().setText(text)
        self.setToolTip(text)


def elided_label(text: str = "", parent: QWidget | None = None, *, look: str = "") -> QLabel:
    """A line of plain words, cut with an ellipsis where there is no room for them; `look` names it in the style sheet."""
    made: QLabel = Elided(text, parent)
    made.setTextFormat(Qt.TextFormat.PlainText)
    made.setObjectName(look)
    return made


def typeset(widget: QWidget, font: QFont) -> None:
    """Give a widget this type; a font that is set would go with the next theme, whose style sheet has one for all."""
    widget.setStyleSheet(f'font: {font.pixelSize()}px "{font.family()}";')


def muted_label(text: str = "", *, wrapped: bool = False) -> QLabel:
    label = QLabel(text, wordWrap=wrapped, textFormat=Qt.TextFormat.PlainText)  # files and words may look like markup
    label.setObjectName("muted")
    return label


def tool_button(text: str, hint: str, act: Callable[[], object], *, name: str = "") -> QToolButton:
    """A small button; `name` is what assistive technology reads in place of text and hint."""
    made = named(QToolButton(), name or f"{text}: {hint}", hint)
    made.setText(text)
    made.setObjectName("wordButton" if len(text) > 1 else "")
    made.clicked.connect(lambda _=False: act())
    return made


def push_button(text: str, hint: str, act: Callable[[], object], *, name: str = "", drawing: QIcon | None = None) -> QPushButton:
    """A button, with a drawing beside its text; `name` is what assistive technology reads in place of that."""
    made = named(QPushButton(text), name or text, hint)
    if drawing is not None:
        made.setIcon(drawing)
        made.setIconSize(BESIDE_TEXT)
    made.clicked.connect(lambda _=False: act())
    return made


def countdown(owner: QObject, milliseconds: int, act: Callable[[], object]) -> QTimer:
    """A timer that does something each time that it has run down."""
    timer = QTimer(owner, singleShot=True)
    timer.setInterval(milliseconds)
    timer.timeout.connect(act)
    return timer


class PartTips(QObject):
    """A tooltip for each part of a widget that paints them: `tip_at` says what stands at a place, if anything does."""

    def __init__(self, widget: QWidget, tip_at: Callable[[QPointF], str]) -> None:
        super().__init__(widget)
        self._widget, self._tip_at = widget, tip_at
        widget.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            QToolTip.showText(event.globalPos(), self._tip_at(QPointF(event.pos())), self._widget)
            return True
        return super().eventFilter(watched, event)


def switch(text: str, hint: str, name: str) -> QToolButton:
    """A small button that is on or off, with a text or, later, an icon."""
    button = named(QToolButton(), name, hint)
    button.setText(text)
    button.setCheckable(True)
    button.setObjectName("switch")
    width = QFontMetrics(text_font(12)).horizontalAdvance(text) + 14 if text else SWITCH_HEIGHT + 2
    button.setFixedSize(width, SWITCH_HEIGHT)
    button.setIconSize(QSize(SWITCH_ICON, SWITCH_ICON))
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    return button


def segment(*buttons: QToolButton) -> QWidget:
    """Buttons of which exactly one is on."""
    whole = QWidget()
    group = QButtonGroup(whole)
    for button in buttons:
        group.addButton(button)
    in_row(whole, *buttons, spacing=2)
    return whole
