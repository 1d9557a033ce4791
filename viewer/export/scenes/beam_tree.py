"""A beam search as a tree, in bands of as many steps as the picture is wide."""

from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, QSize, QSizeF
from PySide6.QtGui import QPainter

from unrolled.viewer.drawing.beam_painting import COLUMN, NODE_HEIGHT, NODE_WIDTH, ROW, paint_edge, paint_node, search_in_words
from unrolled.viewer.export.failure import ExportError
from unrolled.viewer.export.scenes.ground import Told, theme_of
from unrolled.viewer.export.settings import ExportSettings
from unrolled.viewer.export.steps import chosen_steps
from unrolled.viewer.export.subject import Subject
from unrolled.viewer.export.type_setting import CENTRE, LEFT, MIDDLE, TOP, write
from unrolled.viewer.state.search_tree import ROOT, Hypothesis, SearchTree
from unrolled.viewer.state.wording import is_end
from unrolled.viewer.theme.fonts import load_fonts, text_font

TYPE = 12.0  # pixels of a hypothesis' word, where nothing is scaled
HEAD, BETWEEN, MARGIN = 18.0, 10.0, 16.0
STUB = (COLUMN - NODE_WIDTH) / 2  # of an edge that goes on in the next band


@dataclass(frozen=True, slots=True)
class BeamScene:
    search: SearchTree
    detokenization: str
    title: str

    @property
    def steps(self) -> int:
        return self.search.begin + len(self.search.steps)

    @property
    def end_step(self) -> int:
        """The last step, where nothing is written in it but END."""
        last = self.search.steps[-1] if self.search.steps else []
        return self.steps - 1 if last and all(is_end(own.result.word) for own in last) else -1


def beam_scene(subject: Subject) -> BeamScene:
    """Take from a run its search. Raises `ExportError` where there is none."""
    if subject.search is None or not len(subject.search):
        raise ExportError("This run was not searched for.")
    return BeamScene(subject.search, subject.trace.provenance.detokenization, "Beam search")


class BeamStill:
    def __init__(self, scene: BeamScene, settings: ExportSettings) -> None:
        load_fonts()
        self.scene, self.settings, self.theme = scene, settings, theme_of(settings)
        search = scene.search
        self.steps = [step for step in chosen_steps(scene.steps, scene.end_step, settings) if step >= search.begin]
        if not self.steps:
            raise ExportError(f"The search begins with step {search.begin + 1}, counted from 1.")
        self.scale = settings.type_pixels(TYPE * settings.width / 640) / TYPE
        room = settings.width / self.scale - 2 * MARGIN
        self.columns = min(settings.columns or max(int((room + COLUMN - NODE_WIDTH) / COLUMN), 1), len(self.steps))
        if (natural := self.columns * COLUMN - (COLUMN - NODE_WIDTH)) > room:  # more were asked for than fit
            self.scale *= room / natural
            room = natural
        self.pitch = min((room - NODE_WIDTH) / max(self.columns - 1, 1), 1.3 * COLUMN)  # from one step to the next
        self.places: dict[int, QRectF] = {}
        self.bands: list[float] = []  # their tops
        top = MARGIN
        for begin in range(0, len(self.steps), self.columns):
            self.bands.append(top)
            kept = [search.steps[step - search.begin] for step in self.steps[begin : begin + self.columns]]
            for column, made in enumerate(kept):
                for row, own in enumerate(made):
                    corner = QPointF(MARGIN + column * self.pitch, top + HEAD + row * ROW)
                    self.places[own.number] = QRectF(corner, QSizeF(NODE_WIDTH, NODE_HEIGHT))
            top += HEAD + max(len(made) for made in kept) * ROW + BETWEEN
        self.bottom = top
        self.size = QSize(settings.width, round((top + 18 + MARGIN) * self.scale))

    def paint(self, painter: QPainter, *, fineness: float, told: Told) -> None:
        search, theme = self.scene.search, self.theme
        painter.save()
        painter.scale(self.scale, self.scale)
        for number, step in enumerate(self.steps):
            band, column = divmod(number, self.columns)
            place = QRectF(MARGIN + column * self.pitch, self.bands[band], NODE_WIDTH, HEAD - 4)
            write(painter, place, str(step + 1), CENTRE | TOP, used=text_font(11), colour=theme.muted)
        drawn = [own for step in self.steps for own in search.steps[step - search.begin]]
        for own in drawn:
            if own.parent != ROOT and own.parent in self.places:
                self._paint_edge(painter, own)
        for own in drawn:
            paint_node(painter, self.places[own.number], own, search.fate(own), theme, self.scene.detokenization)
        line = QRectF(MARGIN, self.bottom, self.settings.width / self.scale - 2 * MARGIN, 18)
        write(painter, line, search_in_words(search), LEFT | MIDDLE, used=text_font(11), colour=theme.muted, elided=True)
        painter.restore()

    def _paint_edge(self, painter: QPainter, own: Hypothesis) -> None:
        """From its parent; where that is in the band before, out of the one and into the other."""
        begin, end, fate = self.places[own.parent], self.places[own.number], self.scene.search.fate(own)
        out, into = QPointF(begin.right(), begin.center().y()), QPointF(end.left(), end.center().y())
        if begin.left() < end.left():
            paint_edge(painter, out, into, fate, self.theme)
            return
        paint_edge(painter, out, out + QPointF(STUB, 0), fate, self.theme)
        paint_edge(painter, into - QPointF(STUB, 0), into, fate, self.theme)
