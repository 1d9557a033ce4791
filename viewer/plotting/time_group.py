"""Plots on one time axis: they show the part of the run that the session shows, and tell it what a person wants to see."""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtCore import QRectF

from unrolled.viewer.plotting.time_plot import TimePlot
from unrolled.viewer.state.session import Session


class TimeGroup:
    """The plots.

    Parameters
    ----------
    session : Session
        Whose time axis and playhead they share.
    """

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, plot: TimePlot) -> None:
        """Let a plot's pointer move the playhead and the time axis of all."""
        axis, playhead = self._session.time_axis, self._session.playhead
        plot.pressed.connect(lambda time: playhead.seek(int(time)))
        plot.stepped.connect(lambda steps: playhead.seek(playhead.step + steps))
        plot.zoomed.connect(axis.zoom)
        plot.panned.connect(axis.pan)
        plot.double_clicked.connect(axis.reset)
        plot.framed.connect(lambda frame: self._show(plot, frame))

    def seek(self, step: int, plots: Iterable[TimePlot]) -> None:
        """Move the playhead in some of the plots; below 0 there is none."""
        for plot in plots:
            plot.set_playhead(step + 0.5 if step >= 0 else None)

    def _show(self, plot: TimePlot, frame: QRectF) -> None:
        self._session.time_axis.show(plot.time_at(frame.left()), plot.time_at(frame.right()))
