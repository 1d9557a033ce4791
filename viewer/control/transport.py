"""Moving through a run: stepping, playing, running to the end.

Where a step is recorded the playhead goes there; where none is, the model is asked for it, and the playhead follows
when it arrives. It has no widgets and opens nothing: that is the controller's, which is built on this.
"""

from __future__ import annotations

import hashlib
from datetime import datetime, timezone

from PySide6.QtCore import QObject, Signal

from unrolled.models.protocol.decoding import Decoding
from unrolled.models.protocol.stepping import Opened
from unrolled.models.trace import Provenance, Trace
from unrolled.models.trace.edits import Edit
from unrolled.viewer.client.backend_client import BackendProcess
from unrolled.viewer.control.live_run import LiveRun
from unrolled.viewer.control.playback import Playback
from unrolled.viewer.state.notice import Notice
from unrolled.viewer.state.search_tree import SearchTree
from unrolled.viewer.state.session import Session

USUAL_MOST_STEPS = 20


class Transport(QObject):
    """What moves the playhead and grows the trace.

    Parameters
    ----------
    session : Session
        What is shown.
    backend : BackendProcess
        Where the model is.
    parent : QObject, optional
        Owner.

    Attributes
    ----------
    said : Signal(object)
        A `Notice` to show.
    unsaid : Signal(str)
        What was said at this place no longer holds.
    status_changed : Signal(str, float)
        What is going on, and how far it is (-1: not known); empty when nothing is.
    state_changed : Signal()
        What can be done now is different: models, devices, playing, decoding, whether a run is live.
    """

    said = Signal(object)
    unsaid = Signal(str)
    status_changed = Signal(str, float)
    state_changed = Signal()

    def __init__(self, session: Session, backend: BackendProcess, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.session = session
        self.backend = backend
        self.playback = Playback(self)
        self.run = LiveRun(backend.send)
        self.decoding = Decoding()
        self.loading = False
        self._opened: Opened | None = None  # what the backend said of the input
        self._target: int | None = None   # the step that the playhead goes to as steps arrive
        self._moving = False
        self._searches: dict[int, SearchTree] = {}  # by the branch that each searched
        self.playback.tick.connect(self._tick)
        self.playback.changed.connect(self.state_changed)
        session.playhead.moved.connect(self._playhead_moved)

    def run_again(self) -> None:
        """Run the input from the beginning with the model that is loaded."""
        raise NotImplementedError

    def restart_backend(self) -> None:
        """Start the backend again."""
        raise NotImplementedError

    # ── Moving ────────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def live(self) -> bool:
        """Whether steps can be added: there is a model, and the trace is its own."""
        trace = self.session.trace
        return self.run.is_open and trace is not None and not trace.ended

    @property
    def waiting(self) -> bool:
        """Whether an input waits for its model or to be encoded, so that steps will be possible."""
        return self.session.input is not None and (self.session.trace is None or not self.session.trace.ended) and (
            self.run.opening or self.loading or (self.backend.alive and self.session.description is None))

    def step_forward(self) -> None:
        """Go to the next step; where none is recorded, the model takes it."""
        playhead = self.session.playhead
        if not playhead.at_end and self._target is None:
            self._go(playhead.step + 1)
            return
        self._reach((playhead.step if self._target is None else self._target) + 1)

    def step_back(self) -> None:
        """Go to the step before."""
        self._target = None
        self.session.playhead.seek(self.session.playhead.step - 1)

    def go_first(self) -> None:
        """Go to the first step."""
        self._target = None
        self.session.playhead.seek(0)

    def go_last(self) -> None:
        """Go to the last recorded step; when there already, run to the end."""
        if self.session.playhead.at_end:
            self.run_to_end()
        else:
            self._target = None
            self._go(self.session.playhead.length - 1)

    def run_to_end(self) -> None:
        """Let the model write until nothing more follows."""
        self.playback.stop()
        trace = self.session.trace
        if trace is not None and trace.ended:
            self._go(len(trace) - 1)
        elif trace is not None and len(trace) < trace.provenance.prompt_tokens:
            self._reach(trace.provenance.prompt_tokens - 1)
        else:
            self._reach(self._most_steps())  # one more than there can be: so the model says that it is over

    def toggle_play(self) -> None:
        """Play, or pause."""
        if self.playback.playing:
            self._pause()
            return
        trace = self.session.trace
        if trace is not None and trace.ended and self.session.playhead.at_end:
            self._go(0)
            self.playback.start_later()
        elif trace is not None or self.session.input is not None:
            self.playback.start()

    def _tick(self) -> None:
        playhead, trace = self.session.playhead, self.session.trace
        if not playhead.at_end:
            self._go(playhead.step + 1)
        elif trace is not None and trace.ended:
            if self.playback.loop and len(trace) > 1:
                self._go(0)
            else:
                self.playback.stop()
        elif self.run.is_open or self.waiting:
            self._reach(playhead.step + 1)
        else:
            self.playback.stop()
            self._reach(playhead.step + 1)

    def _go(self, step: int) -> None:
        self._moving = True
        self.session.playhead.seek(step)
        self._moving = False

    def _playhead_moved(self, _: int) -> None:
        if not self._moving:
            self._target = None  # a person moved it: it does not run away from where they put it

    def _reach(self, step: int) -> None:
        """Go to a step that is not recorded yet, as soon as it is."""
        trace = self.session.trace
        if trace is not None and trace.ended:
            self._go(len(trace) - 1)
            return
        if self.run.is_open and trace is not None:
            self._target = step
            self._want(step + 1)
        elif self.waiting:
            self._target = step
        elif trace is not None and self.session.description is not None and not self._fits(trace):
            self.said.emit(Notice(
                place="run", kind="info", text="This run was recorded by another model and ends here.",
                action="Run it with this model", act=self.run_again))
        elif not self.backend.alive:
            self._say_backend("The model’s process is not running.")

    def _want(self, length: int) -> None:
        """Have the branch that is shown grow; a beam search is told as it runs, before the steps that follow it."""
        branch = self.session.branch
        if branch is None or not self.run.is_open:
            return
        written, search = len(branch.trace), self._searches.get(branch.identity)
        searched = search is not None and search.wire_id == branch.wire_id and search.decoding == branch.decoding
        if branch.decoding.method == "beam" and length > written >= branch.trace.provenance.prompt_tokens and not searched:
            self._searches[branch.identity] = SearchTree(branch.wire_id, written, branch.decoding)
            self.session.set_search(self._searches[branch.identity])
            self.run.search(branch)
        self.run.want(length, branch)

    def _pause(self) -> None:
        self.playback.stop()
        self._target = None

    def _fits(self, trace: Trace) -> bool:
        description = self.session.description
        return (description is not None and trace.provenance.model == description.name
                and trace.provenance.weights_hash in ("", description.weights_hash)
                and tuple(trace.channels) == tuple(channel.name for channel in description.channels))

    def _most_steps(self) -> int:
        """Where the run is stopped that has not ended by itself."""
        if self._opened is not None and self._opened.maximum_steps:
            return self._opened.maximum_steps
        return self.session.description.maximum_steps if self.session.description is not None else USUAL_MOST_STEPS

    # ── Saying ────────────────────────────────────────────────────────────────────────────────────────────────

    def _say_input(self, sentence: str) -> None:
        self.said.emit(Notice(place="input", text=sentence))

    def _say_backend(self, sentence: str) -> None:
        kept = " What was recorded is kept." if self.session.trace is not None and len(self.session.trace) else ""
        self.said.emit(Notice(place="model", text=sentence + kept, action="Start it again", act=self.restart_backend))

    def _provenance(self, region: tuple[float, float, float, float], decoding: Decoding,
                    edits: tuple[Edit, ...] = ()) -> Provenance:
        given, description, opened = self.session.input, self.session.description, self._opened
        return Provenance(
            model=description.name if description is not None else "",
            weights_hash=description.weights_hash if description is not None else "",
            input_name=given.name if given is not None else "",
            input_hash=hashlib.sha256(given.data).hexdigest() if given is not None else "",
            region=region, decoding=decoding.in_words, seed=decoding.seed if decoding.method == "sampling" else 0,
            device=self.session.device, edits=edits, created=datetime.now(timezone.utc).isoformat(timespec="seconds"),
            input_kind=description.input_kind if description is not None else "picture",
            detokenization=description.detokenization if description is not None else "words",
            source=opened.source if opened is not None else (), prompt_tokens=opened.prompt_tokens if opened is not None else 0,
            suppressed_tokens=description.suppressed_tokens if description is not None else (),
        )
