"""Icons in the theme's colours: the drawings say ``currentColor``, and what that is depends on the state."""

from functools import lru_cache
from itertools import product

from PySide6.QtCore import QByteArray, QRectF, QSize, Qt
from PySide6.QtGui import QGuiApplication, QIcon, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer

from unrolled.assets import path
from unrolled.viewer.theme.themes import Theme

ICON_PIXELS = 18
BESIDE_TEXT = QSize(24, ICON_PIXELS)  # the size to ask for beside a text, which the drawing would touch else


@lru_cache(maxsize=128)
def _drawing(name: str) -> str:
    return path("icons", f"{name}.svg").read_text(encoding="utf-8")


def pixmap(name: str, colour: str, *, size: int = ICON_PIXELS, ratio: float = 1.0, beside: int = 0) -> QPixmap:
    """Draw an icon in one colour, `size` device-independent pixels a side, sharp at the given pixel ratio.

    Parameters
    ----------
    beside : int
        Pixels that stay clear at its right.
    """
    picture = QPixmap(round((size + beside) * ratio), round(size * ratio))
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
    for ratio, beside in product(ratios, (0, BESIDE_TEXT.width() - size) if size == ICON_PIXELS else (0,)):
        for colour, mode, state in ((normal, QIcon.Mode.Normal, QIcon.State.Off),
                                    (disabled, QIcon.Mode.Disabled, QIcon.State.Off),
                                    (checked, QIcon.Mode.Normal, QIcon.State.On)):
            made.addPixmap(pixmap(name, colour, size=size, ratio=ratio, beside=beside), mode, state)
    return made


def icon(name: str, theme: Theme, *, size: int = ICON_PIXELS, colour: str | None = None) -> QIcon:
    """An icon by its file's name without suffix: `colour` or the theme's text, faint if disabled, accent if on."""
    ratios = tuple(sorted({screen.devicePixelRatio() for screen in QGuiApplication.screens()} | {1.0, 2.0}))
    return _icon(name, colour or theme.text, theme.faint, theme.accent, size, ratios)
