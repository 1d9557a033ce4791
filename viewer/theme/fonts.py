"""The program's own typefaces, so that it looks the same everywhere. Needs a QGuiApplication."""

from functools import lru_cache

from PySide6.QtGui import QFont, QFontDatabase

from unrolled.assets import path

TEXT_FAMILY = "Inter"
MONO_FAMILY = "JetBrains Mono"
BASE_PIXELS = 13

_FILES = ("Inter-Regular.ttf", "Inter-Medium.ttf", "Inter-SemiBold.ttf", "JetBrainsMono-Regular.ttf")
_loaded = False


def load_fonts() -> None:
    """Make the bundled fonts known to Qt, once. A missing file is no failure: Qt then takes the system's font."""
    global _loaded
    if _loaded:
        return
    for name in _FILES:
        QFontDatabase.addApplicationFont(str(path("fonts", name)))
    _text_font.cache_clear()  # what was looked up before is another typeface
    _mono_font.cache_clear()
    _loaded = True


def text_font(pixels: int = BASE_PIXELS, *, weight: QFont.Weight = QFont.Weight.Normal) -> QFont:
    """The typeface of words, at a size in device-independent pixels."""
    return QFont(_text_font(pixels, weight))


def mono_font(pixels: int = BASE_PIXELS) -> QFont:
    """The typeface of numbers that stand under one another."""
    return QFont(_mono_font(pixels))


# Copies share what Qt has looked up for the first one: to look it up for every text that is drawn took a tenth of a frame.


@lru_cache
def _text_font(pixels: int, weight: QFont.Weight) -> QFont:
    font = QFont(TEXT_FAMILY)
    font.setPixelSize(pixels)
    font.setWeight(weight)
    return font


@lru_cache
def _mono_font(pixels: int) -> QFont:
    font = QFont(MONO_FAMILY)
    font.setStyleHint(QFont.StyleHint.Monospace)
    font.setPixelSize(pixels)
    return font
