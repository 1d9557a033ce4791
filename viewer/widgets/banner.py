"""A sentence with a button where something can be done, and one to put it away."""

from PySide6.QtCore import QRect, Qt, Signal
from PySide6.QtGui import QMouseEvent, QResizeEvent
from PySide6.QtWidgets import (
    QApplication,
    QBoxLayout,
    QFrame,
    QLabel,
    QPushButton,
    QSizePolicy,
    QToolButton,
    QWidget,
)

from unrolled.viewer.state.notice import Notice
from unrolled.viewer.theme.icons import icon, pixmap
from unrolled.viewer.theme.themes import Theme
from unrolled.viewer.widgets.building import in_column, in_row, tool_button

GAP = 8
NARROW = 480  # device-independent pixels
HEIGHT, LOW_HEIGHT = 44, 36  # of one line
LEAST_TEXT = 90  # of width, beside the buttons


class Banner(QFrame):
    def __init__(self, message: Notice, theme: Theme, parent: "BannerPlace", *, of: int = 1) -> None:
        super().__init__(parent)
        self._place = parent
        self.setObjectName("banner")
        self.setProperty("kind", message.kind)
        self.message, self.of = message, of
        self._cut, self._wanted_whole = False, False
        self.setAccessibleName(message.text)
        self._mark = QLabel()
        self.text = QLabel(message.text, wordWrap=True, textFormat=Qt.TextFormat.PlainText)
        self.text.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.text.setAccessibleName(message.text)
        self.action = QPushButton(message.action, self)
        self.action.setAccessibleName(message.action)
        self.action.setHidden(not message.action)
        self.action.clicked.connect(self._act)
        self.next = tool_button(f"1 of {of}", "Show the next message", parent.show_next, name=f"Next of {of} messages")
        self.dismiss = QToolButton(self)
        self.dismiss.setAccessibleName("Dismiss this message")
        self.dismiss.setToolTip("Dismiss")
        self.dismiss.clicked.connect(self._dismiss)
        self._layout = QBoxLayout(QBoxLayout.Direction.LeftToRight, self)
        self._layout.setSpacing(GAP)
        self._layout.addLayout(in_row(None, self._mark, (self.text, 1), spacing=GAP), 1)
        buttons = in_row(None, self.action, self.next, self.dismiss, spacing=GAP)
        buttons.insertStretch(0, 1)
        self._layout.addLayout(buttons)
        self.next.setHidden(of < 2)  # it has a parent by now, and does not flash up as a window of its own
        for button in (self.action, self.next, self.dismiss):
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.set_theme(theme)

    def set_theme(self, theme: Theme) -> None:
        colour = {"error": theme.error, "warning": theme.warning}.get(self.message.kind, theme.accent)
        name = "info" if self.message.kind == "info" else "warning"
        self._mark.setPixmap(pixmap(name, colour, size=18, ratio=self.devicePixelRatioF()))
        self.dismiss.setIcon(icon("close", theme, size=14))

    def fit(self, width: int, *, low: bool) -> int:
        """Lay it out in a width, its buttons below the text where there is little; the height that it needs.

        Where there is a `low` height alone it is one line, cut where it is longer, until it is clicked.
        """
        sizes = [button.sizeHint() for button in (self.action, self.next, self.dismiss) if not button.isHidden()]
        beside = width - 2 - 12 - 18 - GAP - 6 - sum(GAP + size.width() for size in sizes)
        one_line = low and not self._wanted_whole
        below = len(sizes) > 1 and (beside < LEAST_TEXT if one_line else width < NARROW)
        room = max(beside + (sum(GAP + size.width() for size in sizes) if below else 0), 40)
        metrics = self.text.fontMetrics()
        self._cut = one_line and metrics.horizontalAdvance(self.message.text) > room
        self.text.setText(metrics.elidedText(self.message.text, Qt.TextElideMode.ElideRight, room) if self._cut
                          else self.message.text)
        self.text.setToolTip(self.message.text if self._cut else "")
        self.text.setTextInteractionFlags(Qt.TextInteractionFlag.NoTextInteraction if self._cut
                                          else Qt.TextInteractionFlag.TextSelectableByMouse)
        self.setCursor(Qt.CursorShape.PointingHandCursor if self._cut else Qt.CursorShape.ArrowCursor)
        margin = 2 if one_line else 6
        self._layout.setContentsMargins(12, margin, 6, margin)
        self._layout.setDirection(QBoxLayout.Direction.TopToBottom if below else QBoxLayout.Direction.LeftToRight)
        box = metrics.boundingRect(QRect(0, 0, room, 10_000), int(Qt.TextFlag.TextWordWrap), self.text.text())
        least = LOW_HEIGHT if one_line else max(HEIGHT, box.height() + 20)
        return least + (GAP + max(size.height() for size in sizes) if below else 0)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        super().mouseReleaseEvent(event)
        if self._cut:
            self._wanted_whole = True
            self._place.fit()

    def _dismiss(self) -> None:
        self._place.clear(self.message.place)
        if self.message.dismissed is not None:
            self.message.dismissed()

    def _act(self) -> None:
        act = self.message.act
        if not self.message.stays:
            self._place.clear(self.message.place)
        if act is not None:
            act()


class BannerPlace(QWidget):
    """Where messages appear, one at a time, the newest first, but no remark before an error; it has room of its own, and
    none while there is nothing to say.
    """

    fitted = Signal()  # it takes another height, or none

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._layout = in_column(self)
        self._messages: dict[str, Notice] = {}  # by what they are about, the one that is shown last
        self.banner: Banner | None = None  # the message that is shown
        self._low = False
        self.hide()

    def show_message(self, message: Notice) -> None:
        """Show a message, in place of the one before about the same."""
        self._messages.pop(message.place, None)
        front = next(reversed(self._messages.values()), None)
        self._messages[message.place] = message
        if front is not None and front.kind == "error" and message.kind == "info":
            self._messages[front.place] = self._messages.pop(front.place)
        self._show()

    def show_next(self) -> None:
        """Show the message that came before this one; after the first, the newest again."""
        newest = list(self._messages)[-1]
        self._messages = {newest: self._messages.pop(newest), **self._messages}
        self._show()

    def message(self, place: str) -> Notice | None:
        return self._messages.get(place)

    def clear(self, place: str) -> None:
        if self._messages.pop(place, None) is not None:
            self._show()

    def clear_all(self) -> None:
        self._messages.clear()
        self._show()

    def set_low(self, low: bool) -> None:
        """Say whether there is little height, so that a message is to take one line of it."""
        if low != self._low:
            self._low = low
            self.fit()

    def set_theme(self, theme: Theme) -> None:
        self._theme = theme
        if self.banner is not None:
            self.banner.set_theme(theme)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.fit()

    def _show(self) -> None:
        message, banner = next(reversed(self._messages.values()), None), self.banner
        if banner is not None and (message is not banner.message or len(self._messages) != banner.of):
            focused, behind = QApplication.focusWidget(), self.window()
            if focused is not None and banner.isAncestorOf(focused):
                behind.setFocus()
            self._layout.removeWidget(banner)
            banner.hide()
            banner.deleteLater()
            banner = None
        if banner is None and message is not None:
            banner = Banner(message, self._theme, self, of=len(self._messages))
            self._layout.addWidget(banner)
        self.banner = banner
        self.setVisible(banner is not None)
        self.fit()

    def fit(self) -> None:
        """Take the height that the message needs in the width that there is."""
        height = self.banner.fit(self.width(), low=self._low) if self.banner is not None else 0
        if height != self.minimumHeight():
            self.setFixedHeight(height)
            self.fitted.emit()
