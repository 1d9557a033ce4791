"""The list of shortcuts, and what Unrolled is."""

from collections.abc import Sequence

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QGuiApplication, QTextCursor
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QFormLayout, QLabel, QPlainTextEdit, QWidget

from unrolled.viewer.theme.fonts import mono_font
from unrolled.viewer.theme.icons import pixmap
from unrolled.viewer.theme.themes import Theme
from unrolled.viewer.widgets.building import in_column, in_row, muted_label, scrolled, typeset
from unrolled.viewer.window.actions import MENUS, ActionSpec, key_text

WITH_THE_MOUSE = (
    ("Click a word, or drag the bar", "go there"),
    ("Ctrl + wheel over a track", "zoom the steps"),
    ("Alt + wheel over a track", "move step by step"),
    ("Shift + drag over a track", "zoom into a frame"),
    ("Click a row of a track", "pin that unit everywhere"),
    ("Click a candidate", "choose that word, on a branch"),
    ("Drop a file anywhere", "open it"),
    ("Right-click a picture or plot", "copy or save it, or its data"),
    ("Wheel, drag, Shift + drag in a plot", "zoom, pan, zoom to a box"),
    ("Ctrl + wheel over any other figure", "zoom"),
)
COLUMNS = ((0, 0, 1, 2, 2, 0, 1), (0, 0, 1, 0, 1, 0, 1), (0,) * 7)  # where the tables stand, as the screen has room


class ShortcutsDialog(QDialog):
    """Every shortcut, by menu."""

    def __init__(self, specs: tuple[ActionSpec, ...], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Keyboard shortcuts")
        self.setAccessibleName("Keyboard shortcuts")
        buttons, room = _close_button(self), self.screen().availableSize() - QSize(16, 48)
        for places in COLUMNS:
            inside = _tables(specs, places)
            wanted = inside.sizeHint() + QSize(24 + 14 + 12, 20 + 16 + 16 + buttons.sizeHint().height())
            if wanted.width() <= room.width():
                break
        layout = in_column(self, (scrolled(inside), 1), spacing=16)
        layout.setContentsMargins(24, 20, 14, 16)
        layout.addWidget(buttons)
        self.resize(wanted.boundedTo(room))


class AboutDialog(QDialog):
    """Name, version, what it is made with."""

    def __init__(self, theme: Theme, version: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("About Unrolled")
        self.setAccessibleName("About Unrolled")
        mark = QLabel(alignment=Qt.AlignmentFlag.AlignTop)
        mark.setPixmap(pixmap("unrolled", theme.accent, size=64, ratio=self.devicePixelRatioF()))
        text = QLabel(
            "A microscope for recurrent and attention models: a model reads or writes one token at a time, and every "
            "number that it computes on the way can be seen, scrubbed, changed and exported.", wordWrap=True)
        text.setFixedWidth(360)
        made = muted_label("MIT licence. Drawn in Inter and JetBrains Mono (SIL Open Font Licence), with Lucide icons "
                           "(ISC); made with Qt for Python, NumPy, Pillow, PyAV, cmap and PyTorch.", wrapped=True)
        made.setFixedWidth(360)
        words = in_column(None, _label("Unrolled", "title"), muted_label(f"Version {version}"), text, made, spacing=8)
        in_column(self, in_row(None, mark, words, spacing=20), _close_button(self), spacing=16).setContentsMargins(24, 24, 24, 16)


class TracebackDialog(QDialog):
    """Where a person's own function raised, to be read and copied."""

    def __init__(self, sentence: str, text: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Details")
        self.setAccessibleName("Details")
        said = QLabel(sentence, wordWrap=True, textFormat=Qt.TextFormat.PlainText)
        self.text = QPlainTextEdit(text, readOnly=True)
        typeset(self.text, mono_font(12))
        self.text.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.text.setAccessibleName("Traceback")
        self.text.setMinimumSize(620, 240)
        self.text.moveCursor(QTextCursor.MoveOperation.End)
        buttons = _close_button(self)
        copy = buttons.addButton("Copy", QDialogButtonBox.ButtonRole.ActionRole)
        copy.setAccessibleName("Copy")
        copy.clicked.connect(lambda: QGuiApplication.clipboard().setText(text))
        layout = in_column(self, said, (self.text, 1), spacing=12)
        layout.setContentsMargins(20, 16, 20, 16)
        layout.addWidget(buttons)


def _tables(specs: tuple[ActionSpec, ...], places: Sequence[int]) -> QWidget:
    """Every menu's shortcuts and what the mouse does, each in the column of its place."""
    inside = QWidget()
    sides = [QFormLayout(horizontalSpacing=24, verticalSpacing=4) for _ in set(places)]
    in_row(inside, *sides, spacing=32)
    for menu, place in zip(MENUS, places, strict=False):
        rows = [(spec.text.rstrip("…"), _caps(spec.keys[:2])) for spec in specs if spec.menu == menu and spec.keys]
        if rows:
            _add_table(sides[place], menu, rows)
    _add_table(sides[places[-1]], "Mouse", [(what, muted_label(does)) for what, does in WITH_THE_MOUSE])
    return inside


def _add_table(side: QFormLayout, title: str, rows: Sequence[tuple[str, QWidget]]) -> None:
    heading = _label(title, "subtitle")
    heading.setContentsMargins(0, 12 if side.rowCount() else 0, 0, 0)
    side.addRow(heading)
    for text, beside in rows:
        side.addRow(text, beside)


def _caps(keys: Sequence[str]) -> QWidget:
    caps = QWidget()
    in_row(caps, *(_label(key_text(key), "keyCap") for key in keys), spacing=4).addStretch(1)
    return caps


def _label(text: str, look: str) -> QLabel:
    label = QLabel(text)
    label.setObjectName(look)
    return label


def _close_button(dialog: QDialog) -> QDialogButtonBox:
    buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
    buttons.rejected.connect(dialog.reject)
    buttons.button(QDialogButtonBox.StandardButton.Close).setAccessibleName("Close")
    return buttons
