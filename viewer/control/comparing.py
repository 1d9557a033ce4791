"""Holding another run against the one on screen: a branch, another model, another input, a recorded trace.

It has no widgets: the controller is built on this.
"""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject

from unrolled.models.inputs.inputs import Input
from unrolled.models.inputs.kinds import decode_input, kind_named, read_bytes
from unrolled.viewer.client.backend_client import BackendProcess
from unrolled.viewer.control.companion import ComparisonRun
from unrolled.viewer.control.opener import Opening
from unrolled.viewer.state.comparison import Compared
from unrolled.viewer.state.files import input_of_trace
from unrolled.viewer.state.notice import Notice
from unrolled.viewer.state.session import Session


class Comparing(Opening):
    """What compares runs."""

    def __init__(self, session: Session, backend: BackendProcess, parent: QObject | None = None) -> None:
        super().__init__(session, backend, parent)
        self._companion: ComparisonRun | None = None
        session.run_changed.connect(self._end_companion)
        session.compared_changed.connect(self._compared_changed)

    def compare_branch(self, identity: int) -> None:
        """Hold a branch against the one on screen."""
        branch = self.session.branches.all.get(identity)
        if branch is None or identity == self.session.branches.current:
            return
        self._end_companion()
        self.session.compare(Compared(branch.name, branch.trace, identity=identity))

    def compare_model(self, name: str) -> None:
        """Run another model over the same input, as far as the run on screen goes."""
        given = self.session.input
        if given is not None:
            title = next((listing.title for listing in self.models if listing.name == name), Path(name).stem)
            self._start(name, given, title, of_other_input=False)

    def compare_input(self, path: Path) -> None:
        """Run the same model over another input."""
        description = self.session.description
        if description is None:
            return
        medium = kind_named(description.input_kind).medium
        try:
            given, _ = decode_input(read_bytes(path, medium), path.name, medium)
        except (ValueError, OSError) as error:
            self._say_input(str(error))
            return
        self._start(self.wanted_model or description.name, given, path.name, of_other_input=True)

    def compare_trace(self, path: Path) -> None:
        """Hold a recorded run against the one on screen."""
        from unrolled.models.trace.files import TraceError, load_trace  # most starts need none

        try:
            trace = load_trace(path)
        except TraceError as error:
            self._say_input(str(error))
            return
        self._end_companion()
        own = self.session.input
        same = own is not None and own.data == trace.input_bytes
        self.session.compare(Compared(path.name, trace, None if same else input_of_trace(trace, path.name)))

    def end_comparison(self) -> None:
        """Show the one run alone again."""
        self._end_companion()
        self.session.compare(None)

    def _start(self, model: str, given: Input, name: str, *, of_other_input: bool) -> None:
        self.end_comparison()
        companion = ComparisonRun(self.session, self.backend.command, self)
        companion.status.connect(lambda text: self.status_changed.emit(text, -1.0))
        companion.failed.connect(self._companion_failed)
        self._companion = companion
        companion.start(model, self.wanted_device, given, name=name, of_other_input=of_other_input)

    def _companion_failed(self, sentence: str) -> None:
        self.end_comparison()
        self.said.emit(Notice(place="model", kind="warning", text=sentence))

    def _compared_changed(self) -> None:
        if self.session.compared is None:
            self._end_companion()
        self.state_changed.emit()

    def _end_companion(self) -> None:
        if self._companion is not None:
            self._companion.close()
            self._companion.deleteLater()
            self._companion = None
