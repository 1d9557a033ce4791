"""Asks where a file is to be saved."""

from collections.abc import Mapping
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog, QMessageBox, QWidget

from unrolled.models.trace.names import file_name


def ask_where(parent: QWidget, title: str, proposed: Path, kinds: Mapping[str, str]) -> Path | None:
    """The file that a person chose, or None; `kinds` are what it may be, by suffix: ``{".png": "PNG picture"}``. One that has
    none of these suffixes gets that of the kind that was chosen beside it; where there is such a file, replacing it is asked for.
    """
    filters = {f"{kind} (*{suffix})": suffix for suffix, kind in kinds.items()}
    name, chosen = QFileDialog.getSaveFileName(parent, title, str(proposed), ";;".join(filters))
    if not name:
        return None
    path = Path(name)
    if path.suffix.lower() in kinds:
        return path
    path = path.with_name(path.name + filters.get(chosen, next(iter(kinds))))
    return path if not path.exists() or _may_replace(parent, title, path) else None


def _may_replace(parent: QWidget, title: str, path: Path) -> bool:
    """The file dialog asked about the name that was typed, and not about this one."""
    answers = QMessageBox.StandardButton
    box = QMessageBox(QMessageBox.Icon.Warning, title, f"“{file_name(path)}” already exists. Replace it?",
                      answers.Yes | answers.No, parent)
    box.setTextFormat(Qt.TextFormat.PlainText)
    box.setDefaultButton(answers.No)
    return bool(box.exec() == answers.Yes)
