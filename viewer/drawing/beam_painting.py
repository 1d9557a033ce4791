"""How the hypotheses of a beam search are painted, the same in the window and in what is exported."""

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QPainter, QPainterPath, QPen

from unrolled.models.trace.numbers import brief, signed
from unrolled.viewer.drawing.painting import elided, mix
from unrolled.viewer.state.search_tree import Fate, Hypothesis, SearchTree
from unrolled.viewer.state.wording import counted, is_end, shown
from unrolled.viewer.theme.fonts import mono_font, text_font
from unrolled.viewer.theme.themes import Theme

NODE_WIDTH, NODE_HEIGHT, COLUMN, ROW, EDGE = 84.0, 32.0, 108.0, 38.0, 8.0
KEY = "Dashed: pruned. Thick frame: finished."


def search_in_words(search: SearchTree) -> str:
    """How wide it is, how long hypotheses are weighed, and what it has found."""
    best, penalty = search.best, brief(search.decoding.length_penalty)
    found = f", best {signed(best.score, 2)}" if best is not None else ""
    ended = "" if search.over else ", searching…"
    hypotheses = counted(len(search), "hypothesis", "hypotheses")
    return f"Width {search.decoding.beam_width}, length penalty {penalty}, {hypotheses}{found}{ended}. {KEY}"


def paint_edge(painter: QPainter, first: QPointF, last: QPointF, fate: Fate, theme: Theme) -> None:
    """From a hypothesis to one that goes on from it."""
    path = QPainterPath(first)
    middle = (first.x() + last.x()) / 2
    path.cubicTo(QPointF(middle, first.y()), QPointF(middle, last.y()), last)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(QColor(theme.accent if fate == "best" else theme.faint), 2.5 if fate == "best" else 1.0,
                        Qt.PenStyle.DashLine if fate == "died" else Qt.PenStyle.SolidLine))
    painter.drawPath(path)


def paint_node(painter: QPainter, box: QRectF, own: Hypothesis, fate: Fate, theme: Theme, detokenization: str) -> None:
    ground = {"best": mix(theme.panel, theme.accent, 0.30), "finished": mix(theme.panel, theme.good, 0.22),
              "lives": QColor(theme.raised), "died": QColor(theme.panel)}[fate]
    painter.setBrush(ground)
    style = Qt.PenStyle.DashLine if fate == "died" else Qt.PenStyle.SolidLine
    painter.setPen(QPen(QColor(theme.accent if fate == "best" else theme.border), 2 if own.finished else 1, style))
    painter.drawRoundedRect(box.adjusted(0.5, 0.5, -0.5, -0.5), 6, 6)
    font = text_font(12, weight=QFont.Weight.DemiBold if fate == "best" else QFont.Weight.Normal)
    painter.setFont(font)
    painter.setPen(QColor(theme.muted if fate == "died" else theme.text))
    word = shown(own.result.word, detokenization)
    mark = {"finished": " ■", "best": ""}.get(fate, "") if not is_end(own.result.word) else ""
    painter.drawText(box.adjusted(6, 2, -6, -14), Qt.AlignmentFlag.AlignVCenter, elided(word + mark, font, int(box.width()) - 12))
    painter.setFont(mono_font(10))
    painter.setPen(QColor(theme.muted))
    painter.drawText(box.adjusted(6, 15, -6, -2), Qt.AlignmentFlag.AlignVCenter, signed(own.score, 2))
