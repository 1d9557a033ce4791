"""Icons in the theme's colours: the drawings say ``currentColor``, and what that is depends on the state."""

from __future__ import annotations

from functools import lru_cache

from PySide6.QtCore import QByteArray, QRectF, Qt
from PySide6.QtGui import QGuiApplication, QIcon, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer

from unrolled.assets import path
from unrolled.viewer.theme.themes import Theme

ICON_PIXELS = 18


@lru_cache(maxsize=128)
def _drawing(name: str) -> str:
    return path("icons", f"{name}.svg").read_text(encoding="utf-8")


def pixmap(name: str, colour: str, *, size: int = ICON_PIXELS, ratio: float = 1.0) -> QPixmap:
    """Draw an icon in one colour, `size` device-independent pixels a side, sharp at the given pixel ratio."""
    picture = QPixmap(round(size * ratio), round(size * ratio))
    picture.fill(Qt.GlobalColor.transparent)
    picture.setDevicePixelRatio(ratio)
    try:
        drawing = _drawing(name)
    except OSError:
        return picture  # an icon that is not there leaves its place empty; the button still has its name
    renderer = QSvgRenderer(QByteArray(drawing.replace("currentColor", colour).encode()))
    painter = QPainter(picture)
    renderer.render(painter, QRectF(0, 0, size, size))
    painter.end()
    return picture


@lru_cache(maxsize=256)
def _icon(name: str, normal: str, disabled: str, checked: str, size: int, ratios: tuple[float, ...]) -> QIcon:
    made = QIcon()
    for ratio in ratios:
        made.addPixmap(pixmap(name, normal, size=size, ratio=ratio), QIcon.Mode.Normal, QIcon.State.Off)
        made.addPixmap(pixmap(name, disabled, size=size, ratio=ratio), QIcon.Mode.Disabled, QIcon.State.Off)
        made.addPixmap(pixmap(name, checked, size=size, ratio=ratio), QIcon.Mode.Normal, QIcon.State.On)
    return made


def icon(name: str, theme: Theme, *, size: int = ICON_PIXELS, colour: str | None = None) -> QIcon:
    """An icon by its file's name without suffix: `colour` or the theme's text, faint if disabled, accent if on."""
    ratios = tuple(sorted({screen.devicePixelRatio() for screen in QGuiApplication.screens()} | {1.0, 2.0}))
    return _icon(name, colour or theme.text, theme.faint, theme.accent, size, ratios)
