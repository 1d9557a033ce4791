"""What the window shows: input, model, trace, playhead, selection, time axis and appearance.

Views read it and follow its signals; the controller alone writes to it. It knows neither Qt nor torch.
"""

from __future__ import annotations

from psygnal import Signal

from unrolled.models.trace import ModelDescription, Trace
from unrolled.viewer.state.appearance import Appearance
from unrolled.viewer.state.inputs import Input, InputClip, InputPicture, InputText
from unrolled.viewer.state.playhead import Playhead
from unrolled.viewer.state.selection import Selection
from unrolled.viewer.state.time_axis import TimeAxis


class Session:
    """The state of one window.

    Attributes
    ----------
    input_changed, model_changed, trace_changed : Signal()
        Another input, another model, another trace object.
    steps_added : Signal(int)
        Steps were added to the trace; how many there are now.
    ended : Signal()
        The run is over.
    candidate_chosen : Signal(int, int)
        A person chose another word: the step and the token. The controller takes the run that way.
    text_entered : Signal(str)
        A person typed a text to be run. The controller opens it.
    """

    input_changed = Signal()
    model_changed = Signal()
    trace_changed = Signal()
    steps_added = Signal(int)
    ended = Signal()
    candidate_chosen = Signal(int, int)
    text_entered = Signal(str)

    def __init__(self, appearance: Appearance | None = None) -> None:
        self.playhead = Playhead()
        self.selection = Selection()
        self.time_axis = TimeAxis()
        self.appearance = appearance or Appearance()
        self.input: Input | None = None
        self.description: ModelDescription | None = None
        self.device = ""
        self.trace: Trace | None = None

    @property
    def picture(self) -> InputPicture | None:
        """The input, where it is a photograph."""
        return self.input if isinstance(self.input, InputPicture) else None

    @property
    def text(self) -> InputText | None:
        """The input, where it is a text."""
        return self.input if isinstance(self.input, InputText) else None

    @property
    def clip(self) -> InputClip | None:
        """The input, where it is a clip."""
        return self.input if isinstance(self.input, InputClip) else None

    def set_input(self, given: Input | None) -> None:
        """Show another input; the trace of the old one goes with it."""
        self.input = given
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
