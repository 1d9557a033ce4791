"""Everything that a person can ask for, as values: the one route from views, menus, keys, dialogs and drops to what acts.

A view says ``do(Seek(3))`` and knows nothing of who moves the playhead. It knows no Qt.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Literal

import msgspec

from unrolled.models.inputs.inputs import InputText
from unrolled.models.protocol.decoding import Decoding
from unrolled.models.protocol.questions import Question
from unrolled.models.trace.edits import Edit
from unrolled.viewer.state.branches import PlacedEdit
from unrolled.viewer.state.brush import Mode
from unrolled.viewer.state.open_store import Steps


class Command(msgspec.Struct, frozen=True, tag=True):
    """Something that a person asks for."""


Do = Callable[[Command], object]
"""What takes a command to whoever handles it."""


# ── Moving through the run ────────────────────────────────────────────────────────────────────────────────────────────


class Seek(Command, frozen=True):
    """Go to a recorded step; one outside of the run becomes its nearer end."""

    step: int


class StepForward(Command, frozen=True):
    """Go to the next step; where none is recorded, the model takes it."""


class StepBack(Command, frozen=True):
    """Go to the step before."""


class GoFirst(Command, frozen=True):
    """Go to the first step."""


class GoLast(Command, frozen=True):
    """Go to the last recorded step; when there already, run to the end."""


class RunToEnd(Command, frozen=True):
    """Let the model write until nothing more follows."""


class TogglePlay(Command, frozen=True):
    """Play, or pause."""


class Pause(Command, frozen=True):
    """Play no further."""


class SetSpeed(Command, frozen=True):
    """Play so many steps a second."""

    steps_a_second: float


class ScaleSpeed(Command, frozen=True):
    """Play so many times as fast."""

    factor: float


class SetLoop(Command, frozen=True):
    """Begin again after the last step, or stop there."""

    on: bool


class StopReading(Command, frozen=True):
    """Read no further in the text that was given."""


# ── What is looked at ─────────────────────────────────────────────────────────────────────────────────────────────────


class TogglePin(Command, frozen=True):
    """Pin a unit, or unpin it."""

    unit: int


class Pin(Command, frozen=True):
    """Pin exactly these units, the oldest first."""

    units: tuple[int, ...]


class LookAt(Command, frozen=True):
    """Look at another ``layer`` or ``head``: a number, or of heads their ``mean`` or their ``rollout``."""

    axis: Literal["layer", "head"]
    place: str


class Hover(Command, frozen=True):
    """The pointer is over this unit."""

    unit: int | None


class ShowSteps(Command, frozen=True):
    """Show this part of the run: from `start` to `stop`, in steps."""

    start: float
    stop: float


class ZoomSteps(Command, frozen=True):
    """Make the part that is shown `factor` times as long, the place `around` (in steps; None: the playhead) staying put."""

    factor: float
    around: float | None = None


class PanSteps(Command, frozen=True):
    """Move the part that is shown by so many steps."""

    by: float


class RevealStep(Command, frozen=True):
    """Move the part that is shown as little as possible, so that this step is in it."""

    step: int


class ShowWholeRun(Command, frozen=True):
    """Show the whole run, and go along with it as it grows."""


class ChangeAppearance(Command, frozen=True):
    """Draw things another way: other values of some fields of `AppearanceValues`, by name."""

    changes: Mapping[str, object]


class ShiftOpacity(Command, frozen=True):
    """Make the overlay stronger, or fainter, by a part of 1."""

    by: float


class SwitchTheme(Command, frozen=True):
    """From light to dark, or back."""


class Ask(Command, frozen=True):
    """Have a question about a branch's steps answered; one of the same name is dropped."""

    name: str
    question: Question
    wire_id: int


class DropQuestion(Command, frozen=True):
    """Wait no longer for the answer to the question of this name."""

    name: str


class OpenView(Command, frozen=True):
    """Bring a view of the drawer to light, or close the drawer where the name is empty."""

    name: str


class ToggleView(Command, frozen=True):
    """Bring a view of the drawer to light; close it where it is open."""

    name: str


# ── Changing the computation ──────────────────────────────────────────────────────────────────────────────────────────


class ChooseToken(Command, frozen=True):
    """Write another token at a step, and go on from there as far as the run had gone."""

    step: int
    token: int


class ApplyEdit(Command, frozen=True):
    """Make a branch on which this is changed too."""

    edit: Edit


class ApplyEdits(Command, frozen=True):
    """Give a branch these edits, each on or off, in place of those that it has."""

    identity: int
    edits: tuple[PlacedEdit, ...]


class ReplaceInput(Command, frozen=True):
    """Let the steps from this one on look at another input of the same kind."""

    path: Path
    step: int


class SetBrush(Command, frozen=True):
    """Begin to paint on the input, or leave off."""

    mode: Mode


class SetBrushStrength(Command, frozen=True):
    """What a stroke adds to a place's weight, from 0 to 1."""

    strength: float


class Paint(Command, frozen=True):
    """Paint a place of the input, or erase it."""

    place: int
    erase: bool = False


class WipeBrush(Command, frozen=True):
    """Take away what was painted."""


class SetDecoding(Command, frozen=True):
    """Choose tokens in another way; a run that has begun is written again, on a branch."""

    decoding: Decoding


class ShowBranch(Command, frozen=True):
    """Show a branch."""

    identity: int


class RenameBranch(Command, frozen=True):
    """Give a branch another name."""

    identity: int
    name: str


class RemoveBranch(Command, frozen=True):
    """Remove a branch, with those that leave it."""

    identity: int


class FollowHypothesis(Command, frozen=True):
    """Make a branch of a hypothesis of the beam search."""

    number: int


class Undo(Command, frozen=True):
    """Undo the last change of the branches."""


class Redo(Command, frozen=True):
    """Do again what was undone."""


# ── Opening ───────────────────────────────────────────────────────────────────────────────────────────────────────────


class Open(Command, frozen=True):
    """Open a file or a folder of frames: an input, a trace or a session."""

    path: Path


class OpenAll(Command, frozen=True):
    """Open the first of several files, and let the others wait."""

    paths: tuple[Path, ...]


class OpenNext(Command, frozen=True):
    """Open the first of what waits."""


class StopOpening(Command, frozen=True):
    """Give up a file that is being read."""


class OpenData(Command, frozen=True):
    """Open an input from its file's bytes; the medium is 'picture', 'text' or 'clip'."""

    data: bytes
    name: str
    medium: str = "picture"


class ReadTextAs(Command, frozen=True):
    """Read the text that was opened in another encoding, by its name in Python."""

    encoding: str


class OpenText(Command, frozen=True):
    """Open a text that was typed."""

    text: InputText


class OpenSample(Command, frozen=True):
    """Open the sample for a kind of model; by default for the one that is loaded."""

    input_kind: str = ""


class DrawInput(Command, frozen=True):
    """Have another input of the model's own kind drawn."""


class Rerun(Command, frozen=True):
    """Run the input from the beginning with the model that is loaded."""


class LoadModel(Command, frozen=True):
    """Load a model by its name or its checkpoint's path."""

    name: str
    device: str | None = None


class EndLoading(Command, frozen=True):
    """Wait no more for the model that is loaded; the one before it stays."""


class SetDevice(Command, frozen=True):
    """Compute elsewhere; the run goes on there."""

    name: str


class RestartBackend(Command, frozen=True):
    """Start the model's process again."""


# ── Comparing ─────────────────────────────────────────────────────────────────────────────────────────────────────────


class CompareBranch(Command, frozen=True):
    """Compare a branch with the one that is shown."""

    identity: int


class CompareModel(Command, frozen=True):
    """Run another model over the same input, as far as the run on screen goes."""

    name: str


class CompareInput(Command, frozen=True):
    """Run the same model over another input."""

    path: Path


class CompareTrace(Command, frozen=True):
    """Compare a recorded run with the one on screen."""

    path: Path


class EndComparison(Command, frozen=True):
    """Show the one run alone again."""


# ── The window's own ──────────────────────────────────────────────────────────────────────────────────────────────────


class ChooseFile(Command, frozen=True):
    """Let a person choose a file, and do with it what `purpose` says."""

    purpose: Literal["open", "frames", "model", "compare input", "compare trace", "save session"]


class ChooseReplacement(Command, frozen=True):
    """Let a person choose what the steps from this one on look at; by default from the playhead on."""

    step: int | None = None


class ChooseModelToCompare(Command, frozen=True):
    """Let a person choose a model whose run is compared with this one."""


class Paste(Command, frozen=True):
    """Open what is on the clipboard."""


class ReturnToRun(Command, frozen=True):
    """Show a run again that another one took the place of: its number among those, 0 the newest."""

    number: int


class RestoreLast(Command, frozen=True):
    """Open the session that was kept when the window was closed, or lost, the last time."""


class ShowTraceback(Command, frozen=True):
    """Show where a person's own function raised: the sentence that says so, and its traceback."""

    sentence: str
    traceback: str


class ShowDialog(Command, frozen=True):
    """Show a dialog."""

    name: Literal["decoding", "export", "shortcuts", "about", "log", "trace corpus", "encoding"]


class OpenStore(Command, frozen=True):
    """Open a store of traces: a folder, or an address such as ``s3://bucket/name``."""

    address: str


class OpenDocument(Command, frozen=True):
    """Show a document of the store as a run, at a step; coloured by a unit of a channel, where one was searched."""

    number: int
    step: int = 0
    channel: str = ""
    unit: int = 0


class FrameSteps(Command, frozen=True):
    """Mark the steps whose states lie in a frame of the map, by document."""

    steps: Mapping[int, Steps]


class RunDocument(Command, frozen=True):
    """Have the document on screen read again by the model that traced it, so that it has all that a run has; the step stays."""


class StopReadingAgain(Command, frozen=True):
    """Leave it as it lies in the store, and change nothing."""


class ShowCorpus(Command, frozen=True):
    """Go to the page of the store that is open, or back."""

    on: bool


class ShowTrainingRoom(Command, frozen=True):
    """Go to the training room, or back."""

    on: bool


class ShowFullScreen(Command, frozen=True):
    """Fill the screen, or not."""

    on: bool


class Quit(Command, frozen=True):
    """Close the window."""
