"""The plots of a page as one picture, as the page drew them: plots are widgets, which no thread but the window's can paint."""

from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QImage, QPainter, QPicture

from unrolled.viewer.export.scenes.ground import Told
from unrolled.viewer.export.settings import ExportSettings

FINEST = 4.0  # of what a preview is made of


@dataclass(frozen=True, slots=True, eq=False)
class BoardScene:
    """Plots, drawn for the settings that they are exported with."""

    drawn: QPicture  # without a ground
    size: QSize
    fineness: float  # the pixels, for one of the layout, that its lines are as thick as they should be for
    title: str
    numbers: str  # what is behind them, as CSV


class BoardStill:
    """All plots on the ground that was chosen."""

    def __init__(self, scene: BoardScene, settings: ExportSettings) -> None:
        self.size, self._scene = scene.size, scene

    def paint(self, painter: QPainter, *, fineness: float, told: Told) -> None:
        painter.setRenderHint(QPainter.RenderHint.LosslessImageRendering)
        if fineness >= self._scene.fineness:
            painter.drawPicture(0, 0, self._scene.drawn)
            return
        fine = min(self._scene.fineness, FINEST)  # a preview, whose lines would be too thick
        image = QImage((self.size.toSizeF() * fine).toSize(), QImage.Format.Format_ARGB32_Premultiplied)
        image.fill(Qt.GlobalColor.transparent)
        with QPainter(image) as large:
            large.scale(fine, fine)
            large.drawPicture(0, 0, self._scene.drawn)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        small = image.scaled((self.size.toSizeF() * fineness).toSize(), Qt.AspectRatioMode.IgnoreAspectRatio,
                             Qt.TransformationMode.SmoothTransformation)
        painter.drawImage(QRectF(QPointF(), self.size.toSizeF()), small)
