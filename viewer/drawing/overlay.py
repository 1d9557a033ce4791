"""NumPy pictures as Qt's, and where a picture and the region that the model saw come to lie in a box."""

import numpy as np
import numpy.typing as npt
from PIL import Image
from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPainterPath

from unrolled.viewer.drawing.images import image_of, overlay_of
from unrolled.viewer.state.appearance import AppearanceValues
from unrolled.viewer.theme.attention_colours import attention_rgba
from unrolled.viewer.theme.colour_maps import to_colours

Region = tuple[float, float, float, float]
WHOLE: Region = (0.0, 0.0, 1.0, 1.0)
LONGEST_KEPT = 2560  # pixels of the copy that is scaled from when a pane changes its size
SIGNED_MAP, HUES = "crameri:vik", (0.3, 0.6)  # the same in both themes: the ground is the photograph
PIXELS_A_CELL = 8  # a smooth map is coloured so finely; the painter scales it on from there


def photograph(pixels: npt.NDArray[np.uint8], *, longest: int = LONGEST_KEPT) -> QImage:
    """A picture, shape (height, width, 3), as a QImage of its own pixels; smaller when it is very large."""
    if max(pixels.shape[:2]) > longest:
        small = Image.fromarray(pixels)
        small.thumbnail((longest, longest), Image.Resampling.BOX, reducing_gap=2.0)
        pixels = np.asarray(small)
    return image_of(pixels).convertToFormat(QImage.Format.Format_RGB32)


def overlay(weights: npt.NDArray[np.float32], values: AppearanceValues) -> QImage:
    """A step's attention as colours, small: the painter scales it, evenly if smooth, in blocks if not."""
    rows, columns = weights.shape
    fine = PIXELS_A_CELL if values.attention_smooth else 1
    return overlay_of(attention_rgba(
        weights,
        scale=values.attention_scale,
        colour_map=values.attention_colour_map,
        opacity=values.attention_opacity,
        smooth=values.attention_smooth,
        size=(columns * fine, rows * fine),
        style=values.attention_style,
    ))


def signed_overlay(values: npt.NDArray[np.float32], appearance: AppearanceValues, *, largest: float) -> QImage:
    """Values on both sides of 0 as colours, from −largest to largest; the nearer to 0 the clearer."""
    colours = signed_colours(values, largest=largest, opacity=appearance.attention_opacity)
    rows, columns = values.shape
    picture = Image.fromarray(np.ascontiguousarray(colours), "RGBA")
    if appearance.attention_smooth:  # round between the cells' centres, as `attention_rgba` is
        picture = picture.resize((columns * PIXELS_A_CELL, rows * PIXELS_A_CELL), Image.Resampling.HAMMING)
    return overlay_of(np.asarray(picture))


def signed_colours(values: npt.NDArray[np.float32], *, largest: float, opacity: float) -> npt.NDArray[np.uint8]:
    """The colours of values from −largest to largest, shape (*values.shape, 4).

    Alpha grows with the root of their size. The map's middle, which is pale, and its ends, which are dark, are left out:
    what lies over a photograph of any brightness has to have a hue.
    """
    share = np.minimum(np.nan_to_num(np.abs(values) / (largest or 1.0)), 1.0)
    places = np.sign(values) * (HUES[0] + (HUES[1] - HUES[0]) * share)
    colours = to_colours(places.astype(np.float32), low=-1.0, high=1.0, name=SIGNED_MAP)
    colours[..., 3] = np.round(np.sqrt(share) * 255 * min(max(opacity, 0.0), 1.0)).astype(np.uint8)
    return colours


def draw_overlay(painter: QPainter, image: QImage, place: QRectF, *, smooth: bool) -> None:
    """Lay a map's colours over the place of its region."""
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, smooth)
    painter.drawImage(place, image, QRectF(image.rect()))


def veil_of(values: AppearanceValues) -> float:
    """How dark it is beyond what the model saw, from 0 to 1."""
    return values.attention_opacity if values.attention_style == "dimmed" else 0.0


def draw_veil(painter: QPainter, place: QRectF, seen: QRectF, veil: float) -> None:
    """Dim a picture beyond the part that the model saw, as it is dimmed where the model does not look."""
    if veil <= 0 or seen == place:
        return
    path = QPainterPath()
    path.addRect(place)
    path.addRect(seen)
    colour = QColor(0, 0, 0)
    colour.setAlphaF(min(veil, 1.0))
    painter.fillPath(path, colour)  # what lies in both is in neither: the rule of odd and even


def fitted(size: QSize, box: QRectF, ratio: float) -> QRectF:
    """The largest place of a picture of this size in the middle of a box, on whole device pixels."""
    if size.isEmpty() or box.isEmpty():
        return QRectF()
    factor = min(box.width() / size.width(), box.height() / size.height())
    width, height = max(size.width() * factor, 1.0), max(size.height() * factor, 1.0)

    def whole(value: float) -> float:
        return round(value * ratio) / ratio

    return QRectF(
        whole(box.x() + (box.width() - width) / 2),
        whole(box.y() + (box.height() - height) / 2),
        max(whole(width), 1 / ratio),
        max(whole(height), 1 / ratio),
    )


def part(place: QRectF, region: Region) -> QRectF:
    """The place of a region, given as left, top, right and bottom in fractions."""
    left, top, right, bottom = region
    return QRectF(
        place.x() + left * place.width(),
        place.y() + top * place.height(),
        (right - left) * place.width(),
        (bottom - top) * place.height(),
    )


def scaled_to(image: QImage, size: QSize, ratio: float) -> QImage:
    """A picture at exactly so many device pixels, which says its ratio."""
    made = image.scaled(size, Qt.AspectRatioMode.IgnoreAspectRatio, Qt.TransformationMode.SmoothTransformation)
    made.setDevicePixelRatio(ratio)
    return made
