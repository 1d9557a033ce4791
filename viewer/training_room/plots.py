"""The four plots of a training: for the page, and drawn as large and in such colours as an export wants them."""

import math
from collections.abc import Callable, Mapping, Sequence

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QPainter, QPicture

from unrolled.models.protocol.training_room import TrainingRoomChanges
from unrolled.viewer.drawing.resolution import PIXELS_PER_INCH
from unrolled.viewer.export.failure import ExportError
from unrolled.viewer.export.scenes.board import BoardScene
from unrolled.viewer.export.scenes.ground import theme_of
from unrolled.viewer.export.settings import ExportSettings
from unrolled.viewer.plotting.ink import thicker
from unrolled.viewer.plotting.plot import Plot
from unrolled.viewer.plotting.table import Table
from unrolled.viewer.theme.fonts import text_font
from unrolled.viewer.theme.themes import Theme
from unrolled.viewer.training_room.controls import CELLS, TASKS
from unrolled.viewer.training_room.curves import LossCurves, NormCurves, updates_table
from unrolled.viewer.training_room.gradient_plots import DecayPlot, MapPlot
from unrolled.viewer.training_room.history import COLUMNS, History

TITLES = ("Loss", "Gradient norm", "Gradients ‖∂Lₜ/∂hₖ‖", "What is left of them t − k steps back")
COLOUR_MAP = "inferno"
LETTER, HEADING, GAP = 11, 24, 14  # pixels of a plot’s type, of the title above it, between two plots
FITS = 8.5 / 640  # the type’s size for a picture’s width
NARROWEST, TALL = 200, 0.7  # pixels of a plot, and its height for its width


class TrainingPlots:
    """Loss, norms, the map of gradients, and what is left of them by distance."""

    def __init__(self, theme: Theme, colour_map: str = COLOUR_MAP) -> None:
        self.loss, self.norms = LossCurves(theme), NormCurves(theme)
        self.map, self.decay = MapPlot(theme, colour_map), DecayPlot(theme)
        self.all: tuple[Plot, ...] = (self.loss, self.norms, self.map, self.decay)

    def show(self, history: History | None, others: Mapping[str, History], changes: TrainingRoomChanges, *, threshold: float,
             clipping: bool, of_cell: bool) -> None:
        shown = history.latest_map if history is not None else None
        self.loss.show_history(history, others)
        self.norms.show_history(history)
        self.norms.set_threshold(threshold, clipping=clipping)
        self.map.show_map(shown, of_cell=of_cell)
        self.map.set_window(changes.window)
        self.decay.show_history(history, of_cell=of_cell, window=changes.window, others=others)


def draw_board(page: TrainingPlots, show_on: Callable[[TrainingPlots], None], settings: ExportSettings) -> BoardScene:
    """Draw plots for a file, as the page shows them; `show_on` shows the same in others. Raises `ExportError` without room."""
    history = page.loss.history
    assert history is not None, "something was trained"

    def again(theme: Theme) -> tuple[Plot, ...]:
        copy = TrainingPlots(theme, page.map.colour_map)
        copy.map.colours.top = page.map.colours.top
        show_on(copy)
        if settings.clear:  # a veil is a ground
            copy.map.veil.set_visible(False)
            copy.decay.veil.set_visible(False)
        return copy.all

    started = history.started.settings
    return drawn_again(dict(zip(TITLES, page.all, strict=True)), again, settings,
                       updates_table(history, COLUMNS, page.loss.others), f"{CELLS[started.cell]}, {TASKS[started.task].lower()}")


def drawn_again(plots: Mapping[str, Plot], again: Callable[[Theme], Sequence[Plot]], settings: ExportSettings,
                numbers: Table | None, name: str) -> BoardScene:
    """Draw plots of a page, by their titles, for a file. Raises `ExportError` where there is no room for them.

    Parameters
    ----------
    again : callable
        Makes plots of a theme that show what these show.
    numbers, name
        What lies behind them, and what they are of.
    """
    columns = min(settings.columns or 2, len(plots))
    scale = settings.type_pixels(FITS * settings.width) / LETTER
    across = (settings.width / scale - GAP) / columns - GAP
    if across < NARROWEST:
        raise ExportError("There is no room for plots with such type; choose a greater width, smaller type or fewer columns.")
    plot_size = QSize(int(across), round(TALL * across))
    theme, drawn, fineness = theme_of(settings), QPicture(), settings.dpi / PIXELS_PER_INCH
    with thicker(scale * fineness), QPainter(drawn) as painter:
        made = again(theme)
        painter.scale(scale, scale)
        for place, (own, (title, seen)) in enumerate(zip(made, plots.items(), strict=True)):
            if seen.held:
                own.hold_ranges(*seen.ranges)
            row, column = divmod(place, columns)
            painter.save()
            painter.translate(GAP + column * (across + GAP), GAP + row * (HEADING + plot_size.height() + GAP))
            painter.setFont(text_font(13, weight=QFont.Weight.DemiBold))
            painter.setPen(QColor(theme.text))
            painter.drawText(QRectF(0, 0, across, HEADING), Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop, title)
            own.draw(painter, QPointF(0, HEADING), plot_size)
            painter.restore()
            own.deleteLater()  # each preview makes four, and nothing else ends them
    rows = math.ceil(len(plots) / columns)
    size = QSize(settings.width, round(scale * (GAP + rows * (HEADING + plot_size.height() + GAP))))
    return BoardScene(drawn, size, fineness, name, numbers.csv() if numbers is not None else "")
