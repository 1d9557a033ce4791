"""What is remembered from one start to the next, in one INI file. A damaged or foreign value is as good as none."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TypeVar

import msgspec
from PySide6.QtCore import QByteArray, QSettings

from unrolled.models.protocol.decoding import Decoding
from unrolled.viewer.state.appearance import AppearanceValues

MOST_RECENT = 10
LARGEST_NUMBER = 1e6
Kept = TypeVar("Kept")


class WindowSettings:
    """The file of settings."""

    def __init__(self, path: Path) -> None:
        self._settings = QSettings(str(path), QSettings.Format.IniFormat)

    def text(self, key: str, otherwise: str = "") -> str:
        value = self._settings.value(key, otherwise)
        return value if isinstance(value, str) else otherwise

    def number(self, key: str, otherwise: float) -> float:
        """A number, which is finite and no larger than a million."""
        try:
            value = float(self.text(key, str(otherwise)))
        except ValueError:
            return otherwise
        return value if abs(value) <= LARGEST_NUMBER else otherwise  # so written that NaN is refused too

    def switch(self, key: str, otherwise: bool = False) -> bool:
        return self.text(key, "true" if otherwise else "false") == "true"

    def put(self, key: str, value: str | float | bool) -> None:
        self._settings.setValue(key, str(value).lower() if isinstance(value, bool) else str(value))

    def shape(self, key: str) -> QByteArray | None:
        """What Qt itself saved: geometry, splitters."""
        value = self._settings.value(key)
        return value if isinstance(value, QByteArray) else None

    def put_shape(self, key: str, value: QByteArray) -> None:
        self._settings.setValue(key, value)

    def appearance(self) -> AppearanceValues:
        return self._decoded("appearance", AppearanceValues())

    def put_appearance(self, values: AppearanceValues) -> None:
        self.put("appearance", msgspec.json.encode(values).decode())

    def decoding(self) -> Decoding:
        return self._decoded("decoding", Decoding())

    def put_decoding(self, decoding: Decoding) -> None:
        self.put("decoding", msgspec.json.encode(decoding).decode())

    def names(self, key: str) -> list[str]:
        try:
            return msgspec.json.decode(self.text(key, "[]"), type=list[str])
        except (msgspec.DecodeError, ValueError):
            return []

    def put_names(self, key: str, names: Iterable[str]) -> None:
        self.put(key, msgspec.json.encode(list(names)).decode())

    def recent(self) -> list[str]:
        """The files that were opened, the newest first."""
        return self.names("recent")[:MOST_RECENT]

    def put_recent(self, path: str) -> None:
        """A file was opened; one whose name is no text cannot be written down."""
        if not path.isprintable():
            return
        self.put_names("recent", [path, *(old for old in self.recent() if old != path)][:MOST_RECENT])

    def clear_recent(self) -> None:
        self.put("recent", "[]")

    def _decoded(self, key: str, otherwise: Kept) -> Kept:
        try:
            return msgspec.json.decode(self.text(key), type=type(otherwise))
        except (msgspec.DecodeError, ValueError, RecursionError):
            return otherwise

    def save(self) -> None:
        self._settings.sync()
