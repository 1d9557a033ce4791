"""A second run beside the one on screen, from another model or of another input: with a backend process of its own.

It goes as far as the run on screen goes, and no farther. It has no widgets.
"""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal

from unrolled.models.inputs.inputs import Input
from unrolled.models.inputs.kinds import taken_by
from unrolled.models.protocol.connection import Failed
from unrolled.models.protocol.loading import Loaded, LoadModel, Ready
from unrolled.models.protocol.stepping import Ended, Idle, Opened, Stepped, SteppedBlock
from unrolled.models.trace import ModelDescription, Provenance, Trace
from unrolled.viewer.client.backend_client import BackendProcess
from unrolled.viewer.control.live_run import LiveRun
from unrolled.viewer.state.branches import GREEDY, Branch, first_branch
from unrolled.viewer.state.comparison import Compared
from unrolled.viewer.state.session import Session


class ComparisonRun(QObject):
    """Runs a model over an input and holds its trace against the session's.

    Parameters
    ----------
    session : Session
        Whose `compared` it fills, and whose run it goes along with.
    command : list of str, optional
        What starts the backend; by default that of this installation.
    parent : QObject, optional
        Owner.

    Attributes
    ----------
    status : Signal(str)
        What it is doing; empty when nothing.
    failed : Signal(str)
        It cannot go on: one sentence. It has ended then.
    """

    status = Signal(str)
    failed = Signal(str)

    def __init__(self, session: Session, command: list[str] | None = None, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._backend = BackendProcess(command, parent=self)
        self._run = LiveRun(self._backend.send)
        self._model, self._device, self._name = "", "auto", ""
        self._input: Input | None = None
        self._of_other_input = False
        self._description: ModelDescription | None = None
        self._branch: Branch | None = None
        self._compared: Compared | None = None
        self._backend.report.connect(self._take)
        self._backend.died.connect(self._fail)
        session.steps_added.connect(lambda _: self._go_along())
        session.ended.connect(self._go_along)
        session.branches_changed.connect(self._go_along)

    def start(self, model: str, device: str, given: Input, *, name: str, of_other_input: bool) -> None:
        """Load a model and run it over an input.

        Parameters
        ----------
        name : str
            What the run is called.
        of_other_input : bool
            The input is another than the one on screen, and is shown beside it.
        """
        self._model, self._device, self._input, self._name = model, device, given, name
        self._of_other_input = of_other_input
        self.status.emit(f"Starting {name}…")
        self._backend.start()

    def close(self) -> None:
        """End it; no process is left."""
        self._input = None
        self._backend.close()

    def _take(self, report: object) -> None:
        if isinstance(report, Ready):
            self.status.emit(f"Loading {self._model}…")
            self._backend.send(LoadModel(self._model, self._device))
        elif isinstance(report, Loaded):
            self._loaded(report)
        elif isinstance(report, Opened):
            self._opened(report)
        elif isinstance(report, Stepped | SteppedBlock):
            self._stepped(report)
        elif isinstance(report, Idle):
            self._run.idle(report)
            self._go_along()
        elif isinstance(report, Ended):
            if self._branch is not None:
                self._branch.trace.ended = True
                self._tell()
        elif isinstance(report, Failed):
            self._fail(report.sentence)

    def _loaded(self, report: Loaded) -> None:
        self._description = report.description
        given = self._input
        if given is None:
            return
        if not taken_by(given, report.description.input_kind):
            self._fail(f"{report.description.title} does not take “{given.name}”.")
            return
        current = self._session.branch
        self._run.open_input(given.data, given.name, current.decoding if current is not None else GREEDY)

    def _opened(self, report: Opened) -> None:
        given, description, current = self._input, self._description, self._session.branch
        if given is None or description is None or not self._run.wants(report.run):
            return
        self._run.opened()
        provenance = Provenance(
            model=description.name, weights_hash=description.weights_hash, input_name=given.name, region=report.region,
            decoding=current.decoding.in_words if current is not None else "greedy", input_kind=description.input_kind,
            detokenization=description.detokenization, source=report.source, prompt_tokens=report.prompt_tokens,
            suppressed_tokens=description.suppressed_tokens)
        trace = Trace(report.channels or description.channels, provenance=provenance, input_bytes=given.data)
        self._branch = first_branch(trace, current.decoding if current is not None else None).all[0]
        self._compared = Compared(self._name, trace, given if self._of_other_input else None)
        self.status.emit("")
        self._tell()
        self._go_along()

    def _stepped(self, report: Stepped | SteppedBlock) -> None:
        branch, description = self._branch, self._description
        if branch is None or description is None or not self._run.accepts(report, branch.trace):
            return
        channels = tuple(branch.trace.channels.values())
        try:
            if isinstance(report, SteppedBlock):
                branch.trace.append_block(report.block(channels, description.words))
            else:
                branch.trace.append(report.result(channels))
        except ValueError as error:
            self._fail(f"The other model reported a step that does not fit: {error}.")
            return
        self._tell()

    def _go_along(self) -> None:
        """Take as many steps as the run on screen has; all, where that has ended."""
        own, other, description = self._branch, self._session.trace, self._description
        if own is None or other is None or description is None or own.trace.ended or self._run.busy:
            return
        most = description.maximum_steps + own.trace.provenance.prompt_tokens + 1
        self._run.want(most if other.ended else len(other), own)

    def _tell(self) -> None:
        if self._compared is not None and self._input is not None:
            self._session.compare(self._compared)

    def _fail(self, sentence: str) -> None:
        if self._input is not None:
            self.close()
            self.status.emit("")
            self.failed.emit(sentence)
