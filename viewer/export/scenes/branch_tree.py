"""A run and its branches as rows of words on one axis of steps, in bands of as many steps as the picture is wide."""

from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPainterPath, QPen

from unrolled.viewer.drawing.painting import BRANCH_TINTS, mix
from unrolled.viewer.export.failure import ExportError
from unrolled.viewer.export.scenes.ground import Told, theme_of
from unrolled.viewer.export.settings import ExportSettings
from unrolled.viewer.export.steps import chosen_steps
from unrolled.viewer.export.subject import Subject
from unrolled.viewer.export.type_setting import CENTRE, MIDDLE, font, write
from unrolled.viewer.state.branches import Branch, Branches
from unrolled.viewer.state.wording import is_end, shown

NAMES, ROW, HEAD, BETWEEN = (4.0, 16.0), 2.1, 1.5, 0.9  # in sizes of the type; of the names the least and the most


@dataclass(frozen=True, slots=True)
class BranchScene:
    branches: Branches
    title: str

    @property
    def rows(self) -> list[Branch]:
        return self.branches.in_tree_order()


def branch_scene(subject: Subject) -> BranchScene:
    """Take from a run its branches. Raises `ExportError` where there are none."""
    if subject.branches is None or not subject.branches.all:
        raise ExportError("This run has no branches.")
    return BranchScene(subject.branches, "Branches")


class BranchStill:
    """All rows; a row begins where its branch leaves its parent, and what they share is written in the parent's alone."""

    def __init__(self, scene: BranchScene, settings: ExportSettings) -> None:
        self.scene, self.settings, self.theme = scene, settings, theme_of(settings)
        longest = max(len(own.trace) for own in scene.rows)
        steps = chosen_steps(longest, -1, settings)  # branches end at steps of their own: END is left out word by word
        self.margin = 0.025 * settings.width
        self.letter = letter = settings.type_pixels(12 * settings.width / 640)
        self._font, self._bold = font(letter), font(letter, bold=True)
        metrics = QFontMetricsF(self._font)
        names = max(QFontMetricsF(self._bold).horizontalAdvance(own.name) for own in scene.rows) / letter
        self.left = self.margin + (min(max(names + 0.2, NAMES[0]), NAMES[1]) + 1) * letter
        room = settings.width - self.margin - self.left
        widest = max((metrics.horizontalAdvance(shown(word, own.trace.provenance.detokenization))
                      for own in scene.rows for word in own.trace.words), default=letter)
        fit = max(int(room / min(widest + 1.2 * letter, 8 * letter)), 1)
        self.columns = min(settings.columns or fit, len(steps))
        self.across = room / max(self.columns, fit if settings.columns else self.columns)
        self.bands: list[tuple[tuple[int, ...], list[Branch], float]] = []  # steps, the rows that have any of them, and the top
        top = self.margin
        for begin in range(0, len(steps), self.columns):
            part = steps[begin : begin + self.columns]
            rows = [own for own in scene.rows if any(self._has(own, step) for step in part)]
            if rows:
                self.bands.append((part, rows, top))
                top += (HEAD + len(rows) * ROW + BETWEEN) * letter
        if not self.bands:
            raise ExportError("Without END no step is left to draw.")
        self.size = QSize(settings.width, round(top + self.margin - BETWEEN * letter))

    def _has(self, own: Branch, step: int) -> bool:
        first = own.step if own.parent in self.scene.branches.all else 0
        return first <= step < len(own.trace) and (self.settings.end or not is_end(own.trace.words[step]))

    def paint(self, painter: QPainter, *, fineness: float, told: Told) -> None:
        for number, (steps, rows, top) in enumerate(self.bands):
            told(0.95 * number / len(self.bands))
            for column, step in enumerate(steps):
                place = QRectF(self.left + column * self.across, top, self.across, HEAD * self.letter)
                write(painter, place, str(step + 1), CENTRE | MIDDLE, used=font(0.8 * self.letter), colour=self.theme.muted)
            places = {own.identity: QRectF(self.left, top + (HEAD + row * ROW) * self.letter, 0, ROW * self.letter)
                      for row, own in enumerate(rows)}
            for own in rows:
                if own.parent in places and own.step in steps:
                    self._paint_elbow(painter, self.left + steps.index(own.step) * self.across, places[own.parent],
                                      places[own.identity], own)
            for own in rows:
                self._paint_row(painter, own, steps, places[own.identity])

    def _paint_row(self, painter: QPainter, own: Branch, steps: tuple[int, ...], place: QRectF) -> None:
        theme, letter = self.theme, self.letter
        current = own.identity == self.scene.branches.current
        name = QRectF(self.margin, place.top(), self.left - self.margin - letter, place.height())
        write(painter, name, own.name, MIDDLE, used=self._bold if current else self._font,
              colour=theme.text if current else theme.muted, elided=True)
        painter.setFont(self._font)
        changed = {placed.edit.first for placed in own.edits if placed.on}
        for column, step in enumerate(steps):
            if not self._has(own, step):
                continue
            box = QRectF(self.left + column * self.across, place.top(), self.across, place.height()).adjusted(
                0.1 * letter, 0.2 * letter, -0.1 * letter, -0.2 * letter)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(mix(theme.panel, theme.accent, BRANCH_TINTS[current]))
            painter.drawRoundedRect(box, 0.33 * letter, 0.33 * letter)
            written = own.trace.words[step]
            painter.setPen(QColor(theme.muted if is_end(written) or not current else theme.text))
            word = shown(written, own.trace.provenance.detokenization)
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter, painter.fontMetrics().elidedText(
                word, Qt.TextElideMode.ElideRight, int(box.width() - 0.3 * letter)))
            if step in changed:
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(QColor(theme.playhead))
                painter.drawEllipse(box.topLeft() + QPointF(0.33, 0.33) * letter, 0.2 * letter, 0.2 * letter)

    def _paint_elbow(self, painter: QPainter, x: float, parent: QRectF, own_place: QRectF, own: Branch) -> None:
        """From the row that a branch leaves down to its own."""
        letter, middle = self.letter, own_place.center().y()
        path = QPainterPath(QPointF(x, parent.bottom() - 0.2 * letter))
        path.lineTo(x, middle - 0.33 * letter)
        path.quadTo(x, middle, x + 0.33 * letter, middle)
        current = own.identity == self.scene.branches.current
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(QColor(self.theme.accent if current else self.theme.faint), 0.12 * letter))
        painter.drawPath(path)
