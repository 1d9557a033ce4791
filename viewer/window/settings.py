"""What is remembered from one start to the next, in one INI file. A damaged or foreign value is as good as none."""

from pathlib import Path
from typing import TypeVar

import msgspec
from PySide6.QtCore import QByteArray, QSettings

MOST_RECENT = 10
LARGEST_NUMBER = 1e6
Kept = TypeVar("Kept")


class WindowSettings:
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

    def put(self, key: str, value: str | float | bool | QByteArray) -> None:
        kept = value if isinstance(value, QByteArray) else str(value).lower() if isinstance(value, bool) else str(value)
        self._settings.setValue(key, kept)

    def shape(self, key: str) -> QByteArray | None:
        """What Qt itself saved: geometry, splitters."""
        value = self._settings.value(key)
        return value if isinstance(value, QByteArray) else None

    def kept(self, key: str, kind: type[Kept]) -> Kept | None:
        """What was kept as JSON."""
        try:
            return msgspec.json.decode(self.text(key), type=kind)
        except (msgspec.DecodeError, ValueError, RecursionError):
            return None

    def keep(self, key: str, value: object) -> None:
        self.put(key, msgspec.json.encode(value).decode())

    def recent(self) -> list[str]:
        """The files that were opened, the newest first."""
        return (self.kept("recent", list[str]) or [])[:MOST_RECENT]

    def put_recent(self, path: str) -> None:
        """A file was opened; one whose name is no text cannot be written down."""
        if path.isprintable():
            self.keep("recent", [path, *(old for old in self.recent() if old != path)][:MOST_RECENT])

    def clear_recent(self) -> None:
        self.keep("recent", ())

    def save(self) -> None:
        self._settings.sync()
