"""A sentence above the place that it is about, with a button where something can be done, and one to put it away."""

from __future__ import annotations

from PySide6.QtCore import QRect, Qt
from PySide6.QtWidgets import (
    QApplication,
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QToolButton,
    QWidget,
)

from unrolled.viewer.state.notice import Notice
from unrolled.viewer.theme.icons import icon, pixmap
from unrolled.viewer.theme.themes import Theme
from unrolled.viewer.widgets.building import in_column


class Banner(QFrame):
    """One message."""

    def __init__(self, message: Notice, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("banner")
        self.setProperty("kind", message.kind)
        self.message = message
        self.setAccessibleName(message.text)
        self._mark = QLabel()
        self.text = QLabel(message.text, wordWrap=True, textFormat=Qt.TextFormat.PlainText)
        self.text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.text.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.text.setAccessibleName(message.text)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(12, 6, 6, 6)
        layout.setSpacing(8)
        layout.addWidget(self._mark, 0, Qt.AlignmentFlag.AlignVCenter)
        layout.addWidget(self.text, 1)
        self.action = QPushButton(message.action, self)
        self.action.setAccessibleName(message.action)
        self.action.setHidden(not message.action)
        self.action.clicked.connect(self._act)
        layout.addWidget(self.action, 0, Qt.AlignmentFlag.AlignVCenter)
        self.dismiss = QToolButton(self)
        self.dismiss.setAccessibleName("Dismiss this message")
        self.dismiss.setToolTip("Dismiss")
        self.dismiss.clicked.connect(self._dismiss)
        layout.addWidget(self.dismiss, 0, Qt.AlignmentFlag.AlignVCenter)
        for button in (self.action, self.dismiss):
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.set_theme(theme)

    def set_theme(self, theme: Theme) -> None:
        colour = {"error": theme.error, "warning": theme.warning}.get(self.message.kind, theme.accent)
        name = "info" if self.message.kind == "info" else "warning"
        self._mark.setPixmap(pixmap(name, colour, size=18, ratio=self.devicePixelRatioF()))
        self.dismiss.setIcon(icon("close", theme, size=14))

    def height_for(self, width: int) -> int:
        """The height that the text needs in a banner so wide."""
        beside = 12 + 6 + 3 * 8 + 18 + self.dismiss.sizeHint().width()
        beside += self.action.sizeHint().width() if self.message.action else 0
        box = self.text.fontMetrics().boundingRect(QRect(0, 0, max(width - beside - 8, 40), 10_000),
                                                   int(Qt.TextFlag.TextWordWrap), self.message.text)
        return max(44, box.height() + 20)

    def put_away(self) -> None:
        self.hide()
        parent = self.parentWidget()
        if isinstance(parent, BannerPlace):
            parent.remove(self)

    def _dismiss(self) -> None:
        self.put_away()
        if self.message.dismissed is not None:
            self.message.dismissed()

    def _act(self) -> None:
        act = self.message.act
        self.put_away()
        if act is not None:
            act()


class BannerPlace(QWidget):
    """Where messages about one thing appear, the newest alone; takes no room while there is none."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._layout = in_column(self, spacing=4)
        self.banner: Banner | None = None
        self.hide()

    def show_message(self, message: Notice) -> None:
        """Show a message in place of the one before."""
        self.clear()
        self.banner = Banner(message, self._theme, self)
        self._layout.addWidget(self.banner)
        self.show()

    def clear(self) -> None:
        if self.banner is not None:
            self.remove(self.banner)

    def remove(self, banner: Banner) -> None:
        """Take a banner away, if it is still the one that is shown."""
        if banner is self.banner:
            self.banner = None
            focused, behind = QApplication.focusWidget(), self.parentWidget()
            if focused is not None and behind is not None and banner.isAncestorOf(focused):
                behind.setFocus()
            self._layout.removeWidget(banner)
            banner.hide()
            banner.deleteLater()
            self.hide()

    def set_theme(self, theme: Theme) -> None:
        self._theme = theme
        if self.banner is not None:
            self.banner.set_theme(theme)
