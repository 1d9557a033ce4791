"""Asks where a file is to be saved."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from PySide6.QtWidgets import QFileDialog, QWidget


def ask_where(parent: QWidget, title: str, proposed: Path, kinds: Mapping[str, str]) -> Path | None:
    """The file that a person chose, or None; `kinds` are what it may be, by suffix: ``{".png": "PNG picture"}``. One that has
    none of these suffixes gets that of the kind that was chosen beside it.
    """
    filters = {f"{kind} (*{suffix})": suffix for suffix, kind in kinds.items()}
    name, chosen = QFileDialog.getSaveFileName(parent, title, str(proposed), ";;".join(filters))
    if not name:
        return None
    path = Path(name)
    return path if path.suffix.lower() in kinds else path.with_name(path.name + filters.get(chosen, next(iter(kinds))))
