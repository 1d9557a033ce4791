"""The only writer of the session: what a person asks for goes to the backend, and what that reports into the session.

It has no widgets: the window follows its signals, and tests drive it without a screen.
"""

from PySide6.QtCore import QObject, Signal

from unrolled.models.protocol.connection import Failed, Progress, Welcome
from unrolled.models.protocol.decoding import Decoding
from unrolled.models.protocol.dispatch import Dispatch, handles
from unrolled.models.protocol.questions import Drop
from unrolled.models.trace.slices import spoken
from unrolled.viewer.client.backend_client import BackendProcess
from unrolled.viewer.control.branching import Branching
from unrolled.viewer.control.comparing import Comparing
from unrolled.viewer.control.earlier_runs import EarlierRuns
from unrolled.viewer.control.input_worker import InputWorker
from unrolled.viewer.control.loading import Loading
from unrolled.viewer.control.opener import Opener
from unrolled.viewer.control.recording import Recording
from unrolled.viewer.control.runner import Runner
from unrolled.viewer.control.stored_runs import ReadingAgain, StoredRuns
from unrolled.viewer.control.transport import Transport
from unrolled.viewer.control.voice import Voice
from unrolled.viewer.control.waiting import Waiting
from unrolled.viewer.state import commands as c
from unrolled.viewer.state.session import Session


class Control(QObject):
    """Makes the parts that move, change, open and compare runs, and hands commands and reports to them."""

    traceback_wanted = Signal(str, str)  # where a person's own function raised: the sentence, and the traceback

    def __init__(self, session: Session, backend: BackendProcess, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.session, self.backend = session, backend
        self.voice = Voice(self.do, self, elsewhere=backend.is_elsewhere)
        self.run = Runner(backend, self)
        self.recording = Recording(session, self.run, self.voice)
        self._transport = Transport(session, self.run, self.recording, self.voice)
        self._worker = InputWorker(self.voice, self)
        self._branching = Branching(session, self.run, self.recording, self._transport, self._worker, self.voice)
        self.waiting = Waiting(self.voice)
        self._loading = Loading(session, self.run, self.recording, self._transport, self._branching, self.waiting, self.voice)
        self.choice = self._loading.choice
        self.playback, self.history = self._transport.playback, self._branching.history
        self.opener = Opener(session, self.run, self.recording, self._transport, self._branching, self._loading, self._worker,
                             self.voice)
        self._stored = StoredRuns(session, self.opener, self._loading, self._worker, self.voice)
        self._again = ReadingAgain(session, self.run, self.recording, self._branching, self._loading, self._transport,
                                   self.voice)
        self.earlier = EarlierRuns(session, self.opener, self.choice, self.do)
        self.comparing = Comparing(session, self.run, self.choice, self._worker, self.voice)
        self.recording.grew.connect(self._transport.follow)
        self.commands = Dispatch(self._transport, self._branching, self._loading, self.opener, self._stored,
                                 self._again, self.earlier, self.comparing, self.waiting, self)
        self.commands.on(c.Pause, lambda _: self.playback.stop())  # a step that was asked for is still gone to
        self.commands.on(c.SetSpeed, lambda command: self.playback.set_speed(command.steps_a_second))
        self.commands.on(c.ScaleSpeed, lambda command: self.playback.set_speed(self.playback.speed * command.factor))
        self.commands.on(c.SetLoop, lambda command: self.playback.set_loop(command.on))
        self.commands.on(c.Undo, lambda _: self.history.undo())
        self.commands.on(c.Redo, lambda _: self.history.redo())
        self.commands.on(c.StopOpening, lambda _: self._worker.forget())
        self.commands.on(c.ShowTraceback, lambda command: self.traceback_wanted.emit(command.sentence, command.traceback))
        self._reports = Dispatch(self.recording, self._loading, self.opener, self)
        self._failing = 0  # the number of the branch of which it was last said that a step failed
        session.branches_changed.connect(self._leave_failing)
        session.steps_added.connect(lambda _: self.voice.unsaid.emit("step"))  # it was taken after all
        session.questions.asked.connect(self.recording.ask)
        session.questions.dropped.connect(lambda number: backend.send(Drop(number)))
        self.run.reported.connect(lambda report: self._reports.offer(report))  # the training room's are its own
        self.run.died.connect(self._died)
        backend.silent.connect(self._silent)

    @property
    def decoding(self) -> Decoding:
        return self._branching.decoding

    @property
    def chosen_decoding(self) -> Decoding:
        """What a person has chosen for any model."""
        return self._branching.chosen

    def do(self, command: c.Command) -> None:
        """Do what a person asks for. Raises `LookupError` for what does not concern runs."""
        self.commands(command)

    def begin_with(self, *, decoding: Decoding | None = None, model: str = "", device: str = "", preferred: str = "",
                   preferred_kind: str = "", preferred_device: str = "") -> None:
        """What the first run is made with; what is left out stays as it is.

        Parameters
        ----------
        preferred, preferred_kind, preferred_device : str
            The model, what it took and the device that were used last time: taken if no other is asked for and they are still
            there.
        """
        self._branching.decoding = decoding or self._branching.decoding
        self.choice.model = model or self.choice.model
        self.choice.device = device or self.choice.device
        self.choice.preferred = preferred or self.choice.preferred
        self.choice.preferred_kind = preferred_kind or self.choice.preferred_kind
        self.choice.preferred_device = preferred_device or self.choice.preferred_device
        self.session.expect(self.choice.input_kind)

    def start(self) -> None:
        """Start the backend; returns at once."""
        self.voice.busy("Starting the model’s process…")
        self.run.start()

    @handles(c.RestartBackend)
    def restart(self, _: c.RestartBackend) -> None:
        """Start the backend again; the model is loaded as before, and the run goes on from where it was."""
        self.voice.unsaid.emit("model")
        self.start()

    def close(self) -> None:
        self.playback.stop()
        self.history.blockSignals(True)  # whoever listens may be gone when it is
        self._worker.close()
        self.comparing.end_run()
        self.run.close()

    @handles(Welcome)
    def welcome(self, _: Welcome) -> None:
        self.voice.busy("Loading PyTorch…")

    @handles(Progress)
    def progress(self, report: Progress) -> None:
        self.voice.busy(report.text, report.fraction)

    @handles(Failed)
    def failed(self, report: Failed) -> None:
        if report.number >= 0 and report.subject != "model":
            self.session.questions.fail(report.number, report.sentence)
            return
        if report.run >= 0 and report.branch and self.recording.branch_of(report.branch) is None:
            return  # of a branch that could not be made, which was said
        self.voice.idle()
        self._transport.pause()
        self._again.forget()
        if report.subject == "model":
            self._loading.load_failed(report.sentence)
        elif report.subject == "input":
            if self.session.trace is not None and not len(self.session.trace):
                self.session.set_trace(None)  # what another model had not begun
            if self.session.trace is None:
                self.session.refuse_input()
            self.voice.say("input", report.sentence)
        elif report.subject == "edit":
            self._branching.take_back(report.branch, report.sentence)
        elif report.subject == "step":
            self._step_failed(report)
        else:
            self._say_backend(report.sentence)
        self.voice.state_changed.emit()

    def _leave_failing(self) -> None:
        """Another branch is shown, or the change is undone: what was said of its step is no news of this one."""
        shown = self.session.branch
        if shown is None or shown.wire_id != self._failing:
            self.voice.unsaid.emit("step")

    def _step_failed(self, report: Failed) -> None:
        self._failing = report.branch
        if report.step < 0:
            shown = c.ShowTraceback(report.sentence, report.traceback) if report.traceback else None
            self.voice.say("step", report.sentence, action="Details" if shown else "", command=shown)
            return
        trace, description, selection = self.session.trace, self.session.description, self.session.selection
        known = trace.channels.values() if trace is not None else description.channels if description is not None else ()
        channel = next((own for own in known if own.name == report.channel), None)
        at = {} if channel is None else channel.at(report.unit)
        if "layer" in at:  # where the numbers stopped being numbers
            selection.look_at("layer", str(at["layer"]))
        if "unit" in at and at["unit"] not in selection.units:
            selection.toggle(at["unit"])
        where = "the probabilities" if channel is None else f"{spoken(channel.name)}, {channel.place(report.unit)}"
        self.voice.say("step", f"Step {report.step + 1} gave numbers that are not finite, first in {where}. The run was stopped; "
                               "undo the change, or switch it off.")

    def _died(self, sentence: str) -> None:
        self._transport.pause()
        self.session.questions.possible = False
        self.voice.unsaid.emit("run")
        self.voice.idle()
        self._say_backend(sentence)
        self.voice.state_changed.emit()

    def _silent(self, silent: bool) -> None:
        if silent:
            self._say_backend("The model’s process has stopped answering.")
        else:
            self.voice.unsaid.emit("model")

    def _say_backend(self, sentence: str) -> None:
        kept = " What was recorded is kept." if self.session.trace is not None and len(self.session.trace) else ""
        self.voice.say_backend(sentence + kept)
