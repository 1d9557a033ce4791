"""The only writer of the session: takes what a person asks for to the backend, and what it reports into the session.

It has no widgets: the window follows its signals, and tests drive it without a screen.
"""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject

from unrolled.models.inputs.kinds import kind_named, may_be_read_as, taken_by
from unrolled.models.protocol.asking import Answer, Drop
from unrolled.models.protocol.connection import Failed, Progress
from unrolled.models.protocol.loading import Loaded, Ready
from unrolled.models.protocol.searching import BeamStepped, Searched
from unrolled.models.protocol.stepping import Ended, Idle, InputAdded, InputDrawn, Opened, Stepped, SteppedBlock
from unrolled.models.trace import Trace
from unrolled.viewer.client.backend_client import BackendProcess
from unrolled.viewer.control.comparing import Comparing
from unrolled.viewer.state.branches import FIRST
from unrolled.viewer.state.notice import Notice
from unrolled.viewer.state.questions import Asked
from unrolled.viewer.state.session import Session

DEFAULT_MODEL = "caption-attend-lstm"
LONG_READING = 3000     # steps; a longer text is read with a word on how to stop
PROMPT_AT_MOST = 400    # characters; after a short text the playhead stands at its end, where writing goes on


class Controller(Comparing):
    """What the window does.

    Parameters
    ----------
    session : Session
        What is shown.
    backend : BackendProcess
        Where the model is; not started yet.
    parent : QObject, optional
        Owner.
    """

    def __init__(self, session: Session, backend: BackendProcess, parent: QObject | None = None) -> None:
        super().__init__(session, backend, parent)
        self.preferred_model = ""  # what was used last time; taken if nothing is asked for and it is still there
        self.last_milliseconds = 0.0
        self._reading = 0               # so many steps are being read from the text that was given
        session.questions.asked.connect(self._ask)
        session.questions.dropped.connect(lambda number: backend.send(Drop(number)))
        backend.report.connect(self._take)
        backend.started.connect(lambda: self.status_changed.emit("Loading PyTorch…", -1.0))
        backend.died.connect(self._backend_died)

    # ── The backend ───────────────────────────────────────────────────────────────────────────────────────────

    def start(self) -> None:
        """Start the backend; returns at once."""
        self.status_changed.emit("Starting the model’s process…", -1.0)
        self.backend.start()

    def restart_backend(self) -> None:
        """Start the backend again; the model is loaded as before, and the run goes on from where it was."""
        self.unsaid.emit("model")
        self.run.lose()
        self.loading = False
        self.start()

    def close(self) -> None:
        """Stop everything; no process and no thread is left."""
        self.playback.stop()
        self.history.blockSignals(True)  # whoever listens may be gone when it is
        self._inputs.close()
        self._end_companion()
        self.backend.close()

    # ── Reports ───────────────────────────────────────────────────────────────────────────────────────────────

    def _take(self, report: object) -> None:
        if isinstance(report, Stepped | SteppedBlock):
            self._stepped(report)
        elif isinstance(report, Answer):
            if self.run.wants(report.run):
                self.session.questions.take_part(report.number, report.part, done=report.done)
        elif isinstance(report, BeamStepped | Searched):
            if self.run.wants(report.run):
                self._grow_search(report)
        elif isinstance(report, Idle):
            self.run.idle(report)
            self.state_changed.emit()
        elif isinstance(report, Ended):
            self._ended(report)
        elif isinstance(report, InputAdded):
            self.status_changed.emit("", -1.0)
            for note in report.notes:
                self.said.emit(Notice(place="input", text=note, kind="info"))
        elif isinstance(report, Progress):
            self.status_changed.emit(report.text, report.fraction)
        elif isinstance(report, InputDrawn):
            self._show_drawing(report)
        elif isinstance(report, Opened):
            self._input_opened(report)
        elif isinstance(report, Ready):
            self._ready(report)
        elif isinstance(report, Loaded):
            self._loaded(report)
        elif isinstance(report, Failed):
            self._failed(report)

    def _ready(self, report: Ready) -> None:
        self.models, self.devices = report.models, report.devices
        self.status_changed.emit("", -1.0)
        names = [listing.name for listing in report.models]
        if not self.wanted_model:
            choices = [name for name in (self.preferred_model, DEFAULT_MODEL) if name in names or Path(name).is_file()]
            self.wanted_model = (choices or names or [""])[0]
            given = self.session.input
            if given is not None and not self._of_sample and not taken_by(given, self.input_kind):
                self.wanted_model = self._model_for(given) or self.wanted_model
        if not self.wanted_model:
            self.said.emit(Notice(place="model", kind="warning", text="No model is installed. Open a checkpoint, "
                                                                       "or train one with “unrolled train”."))
        self.state_changed.emit()
        self._request_model()

    def _loaded(self, report: Loaded) -> None:
        self.loading = False
        self.status_changed.emit("", -1.0)
        self.session.set_model(report.description, report.device)
        given, kind = self.session.input, report.description.input_kind
        drawn = report.description.draws if kind == "picture" else ""  # any photograph would do, but says nothing to it
        if self._of_sample and drawn != self._of_drawing:
            self._again_with_model = True
            if drawn:
                self.draw_input()
            else:
                self.open_sample(kind)
        elif given is None or taken_by(given, kind):
            self._open_input()
        elif may_be_read_as(given, kind):
            self.open_bytes(given.data, given.name, kind_named(kind).medium)  # a GIF is a picture or a clip
        elif self._again_with_model or self._of_sample:
            self._show_what_it_takes(kind)
        else:
            self._bring_model_for(given)
        self.state_changed.emit()

    def _show_what_it_takes(self, kind: str) -> None:
        """Another kind of model was picked: its last input, or its sample, takes the place of what is shown."""
        last = self._last_inputs.get(kind)
        self._again_with_model = True
        if last is not None:
            self._show_input(last, ())
            return
        self._interrupt()
        self.session.set_input(None)
        self.open_sample(kind)

    def _input_opened(self, report: Opened) -> None:
        given, description = self.session.input, self.session.description
        if not self.run.wants(report.run) or given is None or description is None:
            return
        self.run.opened()
        self._opened = report
        self.status_changed.emit("", -1.0)
        for note in report.notes:
            self.said.emit(Notice(place="input", text=note, kind="info"))
        trace = self.session.trace if self._keep_trace else None
        if trace is None:
            trace = Trace(report.channels or description.channels, provenance=self._provenance(report.region, self.decoding),
                          input_bytes=given.data)
            trace.reserve(report.prompt_tokens)
            self.session.set_trace(trace)
            self._replace_unseen(self.session.branches.all[FIRST].changed(decoding=self.decoding))
        self.session.questions.possible = True
        for asked in self.session.questions.waiting:
            self._ask(asked)
        if len(trace) < report.prompt_tokens:
            self._reading = report.prompt_tokens
            self._want(report.prompt_tokens)
            if report.prompt_tokens > LONG_READING:
                self.said.emit(Notice(place="run", kind="info", text=f"Reading {report.prompt_tokens:,} characters…",
                                      action="Stop", act=self.stop_reading))
        if self._target is not None:
            self._reach(self._target)
        self.state_changed.emit()

    def stop_reading(self) -> None:
        """Read no further in the text that was given; what was read is kept."""
        self.run.cancel()
        self._end_reading()

    def _end_reading(self) -> None:
        if self._reading:
            self._reading = 0
            self.status_changed.emit("", -1.0)
            self.unsaid.emit("run")

    def _read_on(self, trace: Trace) -> None:
        """Say how far reading is; where all is read, the playhead of a short text goes to its end."""
        read, prompt_tokens = len(trace), self._reading
        if read < prompt_tokens:
            if prompt_tokens > LONG_READING:
                self.status_changed.emit(f"Reading: {read:,} of {prompt_tokens:,} characters", read / prompt_tokens)
            return
        self._end_reading()
        if prompt_tokens <= PROMPT_AT_MOST and self._target is None and self.session.playhead.step <= 0:
            self._go(prompt_tokens - 1)

    def _stepped(self, report: Stepped | SteppedBlock) -> None:
        branch, description = self._branch_of(report.branch), self.session.description
        if branch is None or description is None or not self.run.accepts(report, branch.trace):
            return
        trace = branch.trace
        channels = tuple(trace.channels.values())
        try:
            if isinstance(report, SteppedBlock):
                trace.append_block(report.block(channels, description.words))
            else:
                trace.append(report.result(channels))
        except ValueError as error:
            self.said.emit(Notice(place="run", text=f"The model reported a step that does not fit: {error}."))
            return
        self.last_milliseconds = report.milliseconds / (report.count if isinstance(report, SteppedBlock) else 1)
        compared = self.session.compared
        if compared is not None and compared.trace is trace:
            self.session.compare(compared)
        if trace is not self.session.trace:
            return
        self.session.grew()
        if self._reading:
            self._read_on(trace)
        if self._target is not None:
            self._go(min(self._target, len(trace) - 1))
            if len(trace) > self._target:
                self._target = None
        elif self.session.playhead.step < 0:
            self._go(0)

    def _ended(self, report: Ended) -> None:
        branch = self._branch_of(report.branch)
        if not self.run.wants(report.run) or branch is None:
            return
        branch.trace.ended = True
        if branch.trace is self.session.trace:
            self._target = None
            self.session.end()
        elif self.session.compared is not None and self.session.compared.trace is branch.trace:
            self.session.compare(self.session.compared)
        self.state_changed.emit()

    # ── Questions ─────────────────────────────────────────────────────────────────────────────────────────────

    def _ask(self, asked: Asked) -> None:
        branch = self.session.branches.of_wire_id(asked.wire_id)
        if branch is not None and self.run.is_open:
            self.run.ask(asked, branch)

    def _failed(self, report: Failed) -> None:
        if report.run >= 0 and not self.run.wants(report.run):
            return
        if report.number >= 0:
            self.session.questions.fail(report.number, report.sentence)
            return
        if report.run >= 0 and report.branch and self._branch_of(report.branch) is None:
            return  # of a branch that could not be made, which was said
        self.status_changed.emit("", -1.0)
        self._pause()
        if report.subject == "model":
            self.loading = False
            self.said.emit(Notice(place="model", text=report.sentence))
            if self.session.description is not None:
                self.wanted_model = self.session.description.name
                self.wanted_device = self.session.device or self.wanted_device
                self._again_with_model = False
                self._open_input()
        elif report.subject == "input":
            self.run.lose()
            self._say_input(report.sentence)
        elif report.subject == "edit":
            self._edit_refused(report.branch, report.sentence)
        elif report.subject == "step":
            if report.unit >= 0 and report.unit not in self.session.selection.units and report.channel != "attention":
                self.session.selection.toggle(report.unit)  # where the numbers stopped being numbers
            where = f"{report.channel.replace('_', ' ')}, unit {report.unit}" if report.channel else "the probabilities"
            stopped = (f"Step {report.step + 1} gave numbers that are not finite, first in {where}. The run was stopped; "
                       "undo the change, or switch it off.")
            self.said.emit(Notice(place="run", text=stopped if report.step >= 0 else report.sentence))
        else:
            self.loading = False
            self._say_backend(report.sentence)
        self.state_changed.emit()

    def _backend_died(self, sentence: str) -> None:
        self._pause()
        self.loading = False
        self.run.lose()
        self.session.questions.possible = False
        self.status_changed.emit("", -1.0)
        self._say_backend(sentence)
        self.state_changed.emit()
