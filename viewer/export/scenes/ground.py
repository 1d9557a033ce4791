"""What a scene is painted on: the theme's ground, or none."""

from collections.abc import Callable

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QImage, QPainter

from unrolled.viewer.export.settings import ExportSettings
from unrolled.viewer.theme.themes import DARK, LIGHT, Theme

Told = Callable[[float], None]
"""Told how much of a picture is painted, from 0 to 1. It raises `Cancelled` where nobody waits for the rest."""


def theme_of(settings: ExportSettings) -> Theme:
    return DARK if settings.dark else LIGHT


def blank(size: QSize, settings: ExportSettings) -> QImage:
    """An image with nothing on it. Raises `MemoryError` where it cannot be so large."""
    image = QImage(size, QImage.Format.Format_ARGB32_Premultiplied if settings.clear else QImage.Format.Format_RGB888)
    if image.isNull():
        raise MemoryError
    image.fill(Qt.GlobalColor.transparent if settings.clear else QColor(theme_of(settings).panel))
    return image


def paint_ground(painter: QPainter, size: QSize, settings: ExportSettings) -> None:
    painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.TextAntialiasing)
    if not settings.clear:
        painter.fillRect(QRectF(0, 0, size.width(), size.height()), QColor(theme_of(settings).panel))
