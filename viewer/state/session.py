"""What the window shows: input, model, branches, playhead, selection, time axis, questions and appearance.

Views read it and follow its signals; the controller alone writes to it. It knows neither Qt nor torch.
"""

from psygnal import Signal

from unrolled.models.inputs.inputs import Input, InputClip, InputPicture, InputText
from unrolled.models.trace import Channel, ModelDescription, Trace
from unrolled.models.trace.edits import SwapInput
from unrolled.models.trace.slices import channels_at
from unrolled.viewer.state.appearance import Appearance
from unrolled.viewer.state.branches import Branch, Branches, first_branch
from unrolled.viewer.state.brush import Brush
from unrolled.viewer.state.comparison import Compared
from unrolled.viewer.state.files import plain_ground
from unrolled.viewer.state.open_store import OpenStore, Steps
from unrolled.viewer.state.playhead import Playhead
from unrolled.viewer.state.questions import Questions
from unrolled.viewer.state.search_tree import SearchTree
from unrolled.viewer.state.selection import Selection
from unrolled.viewer.state.time_axis import TimeAxis


class Session:
    """The state of one window."""

    input_changed = Signal()
    model_changed = Signal()
    trace_changed = Signal()  # it is another object
    steps_added = Signal(int)  # how many there are now
    ended = Signal()  # the run is over
    run_left = Signal()  # another run is about to take the place of the one that is there still
    run_changed = Signal()  # another run altogether is shown, or none: nothing of the old one's branches is left
    # There are others, or another one is shown; where its trace is another one, `trace_changed` is sent too.
    branches_changed = Signal()
    search_changed = Signal()  # a beam search began, went on or ended
    compared_changed = Signal()  # another run, or none, is beside the one shown, or the one that is there has grown

    def __init__(self, appearance: Appearance | None = None) -> None:
        self.playhead = Playhead()
        self.selection = Selection()
        self.time_axis = TimeAxis()
        self.appearance = appearance or Appearance()
        self.input: Input | None = None
        self.input_refused = False  # the model could not read the input, so that there is nothing to run
        self.description: ModelDescription | None = None
        self.expected_kind = "picture"  # what the first model takes, while it is not there; empty where that is not known
        self.device = ""
        self._pinned: dict[str, tuple[int, ...]] = {}  # of other models, by their names
        self._pinned_of = ""  # whose units are pinned now
        self.questions = Questions()
        self.brush = Brush()
        self.branches = Branches({})
        self.search: SearchTree | None = None
        self.compared: Compared | None = None
        self.open_store = OpenStore()
        self.other_inputs: dict[str, Input] = {}  # that edits swap to, by the hash of their bytes

    @property
    def can_change(self) -> bool:
        """Whether the branch that is shown can be changed: its model is there, and runs it or will when it is changed."""
        return self.questions.possible or self.open_store.can_be_read_by(self.description)

    @property
    def framed_steps(self) -> Steps:
        """Of the run on screen, where it is a document whose states were framed in the map."""
        return self.open_store.framed_steps

    @property
    def searched_channel(self) -> str:
        """Whose unit colours the run on screen, where it is a document that was found by one; else empty."""
        return self.open_store.channel

    def input_at(self, step: int) -> Input | None:
        """What a step of the branch that is shown looks at: the input, or what an edit swapped it for."""
        shown = self.branches.shown
        edits = shown.edits_on if shown is not None else ()
        swaps = [edit for edit in edits if isinstance(edit, SwapInput) and edit.covers(step)]
        return self.other_inputs.get(swaps[-1].input_hash, self.input) if swaps else self.input

    @property
    def branch(self) -> Branch | None:
        return self.branches.shown

    @property
    def trace(self) -> Trace | None:
        """The trace of the branch that is shown."""
        shown = self.branches.shown
        return shown.trace if shown is not None else None

    @property
    def channels(self) -> tuple[Channel, ...]:
        """The trace's, or the model's while there is none, as they are looked at: of layers and heads the one selected."""
        trace, description = self.trace, self.description
        known = trace.channels.values() if trace is not None else description.channels if description is not None else ()
        return channels_at(known, self.selection.at)

    @property
    def picture(self) -> InputPicture | None:
        """The input, where it is a photograph; a plain ground for the attention of a trace that holds none."""
        if self.input is None and self.trace is not None:
            return plain_ground(self.trace)
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
        self.run_left.emit()
        self.branches = Branches({})  # it was left with its own input
        self.input, self.input_refused = given, False
        self.other_inputs = {}
        self.set_trace(None)
        self.input_changed.emit()

    def set_model(self, description: ModelDescription | None, device: str = "") -> None:
        """Say which model is loaded, and where; units that are pinned are a model's, and come back with it or a run of it."""
        if description is not None:
            self._pins_of(description.name)
        self.description = description
        self.device = device
        self.input_refused = False
        self.model_changed.emit()

    def expect(self, input_kind: str) -> None:
        """Say what the model will take that is loaded first."""
        if input_kind != self.expected_kind:
            self.expected_kind = input_kind
            self.model_changed.emit()

    def refuse_input(self) -> None:
        """Say that the model could not read the input."""
        self.input_refused = True
        self.input_changed.emit()

    def set_trace(self, trace: Trace | None) -> None:
        """Show another trace, from its beginning; all branches of the old one go with it."""
        self.run_left.emit()
        if trace is not None:
            self._pins_of(trace.provenance.model)
        self.branches = Branches({}) if trace is None else first_branch(trace)
        self.run_changed.emit()
        self.questions.forget_all()
        self.set_search(None)
        self.compare(None)
        self.time_axis.reset()
        length = self._fit_axis()
        self.trace_changed.emit()
        self.branches_changed.emit()
        self.playhead.set_length(length)
        self.playhead.seek(0)

    def _pins_of(self, model: str) -> None:
        before, self._pinned_of = self._pinned_of, model or self._pinned_of
        if before and self._pinned_of != before:
            self._pinned[before] = self.selection.units
            self.selection.set(self._pinned.pop(model, ()))

    def set_branches(self, branches: Branches) -> None:
        """Have other branches, or show another one: the playhead and the part of the run in sight stay where they are."""
        before = self.trace
        self.branches = branches
        trace = self.trace
        if trace is not before:
            length = self._fit_axis()
            self.trace_changed.emit()
            self.playhead.set_length(length)
        self.branches_changed.emit()

    def set_search(self, search: SearchTree | None) -> None:
        """Show another beam search, or none; also to say that it went on."""
        if search is not None or self.search is not None:
            self.search = search
            self.search_changed.emit()

    def compare(self, other: Compared | None) -> None:
        """Hold another run against the one that is shown, or none; also to say that it has grown."""
        if other is not None or self.compared is not None:
            self.compared = other
            self._fit_axis()
            self.compared_changed.emit()

    def grew(self) -> None:
        """Say that steps were added to the trace."""
        length = self._fit_axis()
        self.steps_added.emit(length)
        self.playhead.set_length(length)

    def _fit_axis(self) -> int:
        """Make the time axis as long as the longer of two compared runs; the length of the one that is shown."""
        length = 0 if self.trace is None else len(self.trace)
        self.time_axis.set_length(length if self.compared is None else max(length, len(self.compared.trace)))
        return length

    def end(self) -> None:
        if self.trace is not None:
            self.trace.ended = True
        self.ended.emit()
