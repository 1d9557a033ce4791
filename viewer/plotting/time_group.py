"""Plots on one time axis: they show the part of the run that the session shows, and tell it what a person wants to see."""

from __future__ import annotations

from collections.abc import Iterable

from unrolled.viewer.plotting.time_plot import TimePlot
from unrolled.viewer.state.commands import Do, PanSteps, Seek, ShowSteps, ShowWholeRun, ZoomSteps
from unrolled.viewer.state.shown import ShownSession


class TimeGroup:
    """The plots."""

    def __init__(self, session: ShownSession, do: Do) -> None:
        self._session, self._do = session, do

    def add(self, plot: TimePlot) -> None:
        """Let a plot's pointer move the playhead and the time axis of all."""
        do, playhead = self._do, self._session.playhead
        plot.pressed.connect(lambda time: do(Seek(int(time))))
        plot.stepped.connect(lambda steps: do(Seek(playhead.step + steps)))
        plot.zoomed.connect(lambda factor, around: do(ZoomSteps(factor, around)))
        plot.panned.connect(lambda steps: do(PanSteps(steps)))
        plot.double_clicked.connect(lambda: do(ShowWholeRun()))
        plot.framed.connect(lambda frame: do(ShowSteps(plot.time_at(frame.left()), plot.time_at(frame.right()))))

    def seek(self, step: int, plots: Iterable[TimePlot]) -> None:
        """Move the playhead in some of the plots; below 0 there is none."""
        for plot in plots:
            plot.set_playhead(step + 0.5 if step >= 0 else None)
