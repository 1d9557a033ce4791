"""A model of the registry, in this process: what the backend does with messages, as calls."""

import sys
from pathlib import Path
from typing import TypeVar

from unrolled.models.backend.run_service import RunService
from unrolled.models.inputs.kinds import kind_named
from unrolled.models.protocol.connection import Progress
from unrolled.models.protocol.decoding import Decoding
from unrolled.models.protocol.loading import Loaded, LoadModel
from unrolled.models.protocol.message import Reply, Report, always
from unrolled.models.protocol.recorder import Recorder
from unrolled.models.protocol.stepping import Advance, Ended, Fork, Opened, OpenInput, Stepped, SteppedBlock
from unrolled.models.trace import ModelDescription, Trace
from unrolled.models.trace.detokenization import text_of
from unrolled.models.trace.edits import Edit

WRITTEN_USUALLY = 200  # characters behind a prompt

SomeReport = TypeVar("SomeReport", bound=Report)


class Model:
    """A model that is ready; made by `open`.

    Attributes
    ----------
    description : ModelDescription
        What it records, its words, what it takes.
    """

    def __init__(self, service: RunService, loaded: Loaded) -> None:
        self._service, self._loaded = service, loaded

    @property
    def description(self) -> ModelDescription:
        return self._loaded.description

    def __repr__(self) -> str:
        return f"<unrolled.Model {self.description.name} on {self._loaded.device}>"

    def trace(self, given: str | Path | bytes, *, decoding: Decoding | None = None, write: int = WRITTEN_USUALLY) -> Trace:
        """Run an input to its end, with everything recorded.

        Parameters
        ----------
        given : str, Path or bytes
            A photograph's or a clip's path; for a model that reads texts a str is the text itself. Or a file's bytes.
        decoding : Decoding, optional
            How words are chosen; as the model's own code, or its settings, have it if not given, which is greedily for the
            shipped ones.
        write : int
            Of a text that is read first: how many characters are written behind it.

        Raises
        ------
        ValueError
            When the input cannot be read: the photograph, the text or the clip.
        EngineError
            When the model cannot take it, or a step is not finite.

        Examples
        --------
        >>> import unrolled
        >>> trace = unrolled.open("caption-attend-lstm").trace(photo)
        >>> trace.column("attention").shape[1:]
        (10, 10)
        """
        kind = kind_named(self.description.input_kind)
        if isinstance(given, bytes):
            name, data = kind.medium, given
        elif isinstance(given, str) and kind.medium == "text":
            name, data = "text", given.encode()
        else:
            name, data = Path(given).name, kind.read(Path(given))
        return written(self._service, self._loaded, name, data, decoding=decoding or self._loaded.decoding, write=write)

    def caption(self, given: str | Path | bytes, *, decoding: Decoding | None = None, write: int = WRITTEN_USUALLY) -> str:
        """What it writes of an input, without END: a caption, a translation, a continuation, labels. See `trace`.

        Examples
        --------
        >>> import unrolled
        >>> unrolled.open("translate-en-fr").caption("A dog is sleeping.")
        'un chien dort.'
        """
        return text_in(self.trace(given, decoding=decoding, write=write), self.description)


def open(name: str | Path, *, device: str = "auto") -> Model:
    """Open a model that the registry knows, in this process.

    Parameters
    ----------
    name : str or Path
        A shipped model's name, as `unrolled models` lists them, a checkpoint's path, or a name on the hub, whose files are
        fetched.
    device : str
        ``auto`` is the fastest there is; ``cpu``, ``cuda``, ``cuda:1``, ``mps``. On CUDA this process's cuDNN multiplies whole
        single-precision numbers from then on, since TF32 keeps ten bits of them.

    Raises
    ------
    EngineError
        When there is no such model or device, or its file is damaged: one sentence for people.

    Examples
    --------
    >>> import unrolled
    >>> unrolled.open("caption-attend-lstm", device="cpu")
    <unrolled.Model caption-attend-lstm on cpu>
    """
    service, shown = RunService(), False

    def say(report: Report) -> None:
        nonlocal shown
        if isinstance(report, Progress) and report.fraction >= 0:  # of a download
            shown = True
            print(f"\r\x1b[K{report.text}", end="", file=sys.stderr, flush=True)

    try:
        return Model(service, loaded_by(service, str(name), device, say))
    finally:
        if shown:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)


def loaded_by(service: RunService, name: str, device: str = "auto", say: Reply = lambda report: None) -> Loaded:
    """The model of this name, loaded by a service that tells meanwhile how far it is."""
    reports: list[Report] = []

    def hear(report: Report) -> None:
        reports.append(report)
        say(report)

    service.load(LoadModel(name, device), hear, always)
    return _only(Loaded, reports)


def written(service: RunService, loaded: Loaded, name: str, data: bytes, *, decoding: Decoding, edits: tuple[Edit, ...] = (),
            write: int = WRITTEN_USUALLY, steps: int | None = None) -> Trace:
    """What a service's model does with an input: so many steps, else as many as there are; see `Model.trace`."""
    reports: list[Report] = []
    service.open(OpenInput(0, data, name), reports.append, always)
    opened = _only(Opened, reports)
    recorder = Recorder(loaded=loaded, opened=opened, name=name, data=data)
    trace, most = recorder.trace(decoding, edits), recorder.maximum_steps + 1
    service.fork(Fork(0, -1, 0, edits, branch=1), reports.append, always)

    def add(report: Report) -> None:
        if isinstance(report, (Stepped, SteppedBlock, Ended)):
            recorder.add(report, trace)

    if steps is None:
        steps = min(opened.prompt_tokens + write, most) if opened.prompt_tokens else most
    service.advance(Advance(0, 0, steps, decoding, branch=1), add, always)
    return trace


def text_in(trace: Trace, description: ModelDescription) -> str:
    """What was written behind the prompt, without END."""
    end = (description.words[description.end_token],) if description.end_token >= 0 else ()
    return text_of(trace.words[trace.provenance.prompt_tokens :], description.detokenization, without=end)


def _only(kind: type[SomeReport], reports: list[Report]) -> SomeReport:
    return next(report for report in reports if isinstance(report, kind))
