"""What the window shows: input, model, trace, playhead, selection, time axis and appearance.

Views read it and follow its signals; the controller alone writes to it. It knows neither Qt nor torch.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from psygnal import Signal

from unrolled.models.trace import ModelDescription, Trace
from unrolled.viewer.state.appearance import Appearance
from unrolled.viewer.state.playhead import Playhead
from unrolled.viewer.state.selection import Selection
from unrolled.viewer.state.time_axis import TimeAxis


@dataclass(frozen=True, slots=True)
class InputPicture:
    """A photograph that was opened.

    Attributes
    ----------
    name : str
        Its file name.
    data : bytes
        The file as it was given.
    pixels : array of uint8, shape (height, width, 3)
        Upright, RGB.
    """

    name: str
    data: bytes
    pixels: npt.NDArray[np.uint8]


class Session:
    """The state of one window.

    Attributes
    ----------
    input_changed, model_changed, trace_changed : Signal()
        Another picture, another model, another trace object.
    steps_added : Signal(int)
        Steps were added to the trace; how many there are now.
    ended : Signal()
        The run is over.
    candidate_chosen : Signal(int, int)
        A person chose another word: the step and the token. The controller takes the run that way.
    """

    input_changed = Signal()
    model_changed = Signal()
    trace_changed = Signal()
    steps_added = Signal(int)
    ended = Signal()
    candidate_chosen = Signal(int, int)

    def __init__(self, appearance: Appearance | None = None) -> None:
        self.playhead = Playhead()
        self.selection = Selection()
        self.time_axis = TimeAxis()
        self.appearance = appearance or Appearance()
        self.picture: InputPicture | None = None
        self.description: ModelDescription | None = None
        self.device = ""
        self.trace: Trace | None = None

    def set_picture(self, picture: InputPicture | None) -> None:
        """Show another input; the trace of the old one goes with it."""
        self.picture = picture
        self.set_trace(None)
        self.input_changed.emit()

    def set_model(self, description: ModelDescription | None, device: str = "") -> None:
        """Say which model is loaded, and where."""
        self.description = description
        self.device = device
        self.model_changed.emit()

    def set_trace(self, trace: Trace | None) -> None:
        """Show another trace, from its beginning."""
        self.trace = trace
        length = 0 if trace is None else len(trace)
        self.time_axis.reset()
        self.time_axis.set_length(length)
        self.trace_changed.emit()
        self.playhead.set_length(length)
        self.playhead.seek(0)

    def grew(self) -> None:
        """Say that steps were added to the trace."""
        length = 0 if self.trace is None else len(self.trace)
        self.time_axis.set_length(length)
        self.steps_added.emit(length)
        self.playhead.set_length(length)

    def end(self) -> None:
        """Say that the run is over."""
        if self.trace is not None:
            self.trace.ended = True
        self.ended.emit()
