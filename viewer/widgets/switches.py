"""Small switches: buttons that are on or off, alone or of which exactly one is on."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QFontMetrics
from PySide6.QtWidgets import QButtonGroup, QToolButton, QWidget

from unrolled.viewer.theme.fonts import text_font
from unrolled.viewer.widgets.building import in_row

HEIGHT, ICON = 26, 16


def switch(text: str, tooltip: str, name: str) -> QToolButton:
    """A small button that is on or off, with a text or, later, an icon."""
    button = QToolButton()
    button.setObjectName("switch")
    button.setText(text)
    button.setToolTip(tooltip)
    button.setAccessibleName(name)
    button.setCheckable(True)
    width = QFontMetrics(text_font(12)).horizontalAdvance(text) + 14 if text else HEIGHT + 2
    button.setFixedSize(width, HEIGHT)
    button.setIconSize(QSize(ICON, ICON))
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
