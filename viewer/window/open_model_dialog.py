"""Asks for somebody's model: a file, a folder, or a name on the hub."""

from collections.abc import Callable
from pathlib import Path

from PySide6.QtWidgets import QDialog, QDialogButtonBox, QFileDialog, QLabel, QLineEdit, QWidget

from unrolled.models.protocol.loading import Family
from unrolled.viewer.state.files import CHECKPOINT_SUFFIXES
from unrolled.viewer.state.recent_models import ON_HUB
from unrolled.viewer.widgets.building import in_column, in_row, muted_label, push_button

WIDTH = 560  # device-independent pixels
EXPLAINED = ("A checkpoint of this or another program, a folder that holds one, or a name on the hub. What a model needs besides "
             "its weights, such as its vocabulary and settings, is taken from the same folder. Nothing in a file is ever run.")


class OpenModelDialog(QDialog):
    """A line to be typed or pasted into, and two buttons that fill it.

    Parameters
    ----------
    chosen : callable
        Called with the model, as `LoadModel` takes it.
    folder : str
        Where the file dialogs begin.
    """

    def __init__(self, families: tuple[Family, ...], chosen: Callable[[str], None], folder: str = "",
                 parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._chosen, self._folder = chosen, folder
        self.setWindowTitle("Open model")
        self.setAccessibleName("Open model")
        self.line = QLineEdit(placeholderText=f"A path, or {ON_HUB}organisation/name")
        self.line.setAccessibleName("Model: a path, or a name on the hub")
        self.line.setMinimumHeight(32)
        self.file = push_button("File…", "", self._choose_file)
        self.of_folder = push_button("Folder…", "", lambda: self._take(
            QFileDialog.getExistingDirectory(self, "Open a model's folder", self._folder)))
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Open | QDialogButtonBox.StandardButton.Cancel)
        self.open_button = self.buttons.button(QDialogButtonBox.StandardButton.Open)
        self.open_button.setEnabled(False)
        self.line.textChanged.connect(lambda text: self.open_button.setEnabled(bool(text.strip())))
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)
        known = " · ".join(family.name for family in families if not family.error)
        explained = QLabel(EXPLAINED, wordWrap=True)
        parts: list[QWidget] = [explained, *([muted_label(f"Known: {known}", wrapped=True)] if known else [])]
        layout = in_column(self, in_row(None, (self.line, 1), self.file, self.of_folder, spacing=6), *parts, spacing=12)
        layout.setContentsMargins(24, 20, 24, 16)
        layout.addWidget(self.buttons)
        self.setFixedSize(WIDTH, layout.totalHeightForWidth(WIDTH))  # of itself a wrapped text takes room for more lines

    def accept(self) -> None:
        model = self.line.text().strip().strip("\"'")
        if model:
            super().accept()
            self._chosen(model)

    def _choose_file(self) -> None:
        suffixes = " ".join(f"*{suffix}" for suffix in (".safetensors", *CHECKPOINT_SUFFIXES))
        name, _ = QFileDialog.getOpenFileName(self, "Open model", self._folder, f"Checkpoints ({suffixes});;All files (*)")
        self._take(name)

    def _take(self, name: str) -> None:
        """What was chosen in a file dialog needs no second confirmation."""
        if name:
            self.line.setText(str(Path(name)))
            self.accept()
