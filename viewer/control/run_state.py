"""Where a model and its run are, and what becomes of that when something happens: values alone, so that every pair can be tried.

A run's number grows with everything that makes older reports pointless: what still arrives of an older run is dropped,
here and in the backend. It knows neither Qt nor torch.
"""

from dataclasses import dataclass, replace
from enum import Enum

from unrolled.models.inputs.inputs import Input
from unrolled.models.trace import Trace


class ModelPhase(Enum):
    """Of the backend and its model."""

    OFF = "no process"
    STARTING = "the process starts"
    READY = "it can load a model"
    LOADING = "it loads one"
    LOADED = "a model is there"


class RunPhase(Enum):
    """Of what is shown."""

    EMPTY = "nothing is computed: there is no input, or the model refused it"
    WAITING = "an input waits for a model"
    ENCODING = "the model reads the input"
    READING = "the tokens that the input gives are run through"
    LIVE = "steps can be taken"
    ENDED = "the branch that is shown is over; it can still be left"
    RECORDED = "a trace that the model at hand did not record"
    BESIDE = "what is shown was recorded before, and the model reads its input anew beside it"


class Origin(Enum):
    """Who chose an input."""

    PERSON = "a person"
    SAMPLE = "nobody: another model brings its own"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Opening:
    """What is to be run."""

    input: Input
    origin: Origin = Origin.PERSON
    draws: str = ""  # what the model drew it as, where it did: ``scene``
    continues: Trace | None = None  # what is gone on with; None where a new one is begun
    restart: bool = False  # a person asked for it from the beginning: what is shown may give way though another model recorded it
    beside: bool = False  # what is shown gives way only when the new run has come as far


@dataclass(frozen=True, slots=True, kw_only=True)
class RunState:
    """A model and its run; what cannot concern it leaves it as it is."""

    model: ModelPhase = ModelPhase.OFF
    phase: RunPhase = RunPhase.EMPTY
    number: int = 0  # of the run; what arrives of any other is dropped
    load: int = 0  # of the model that was asked for last
    opening: Opening | None = None  # what is run, or waits to be

    @property
    def is_open(self) -> bool:
        """The backend has encoded the input, so that steps can be asked for."""
        return self.phase in (RunPhase.READING, RunPhase.LIVE, RunPhase.ENDED)

    @property
    def takes_steps(self) -> bool:
        """The same, though it be for a run that is not shown yet."""
        return self.is_open or self.phase is RunPhase.BESIDE

    @property
    def waiting(self) -> bool:
        """An input waits for its model or is being encoded, so that steps will be possible."""
        return self.phase in (RunPhase.WAITING, RunPhase.ENCODING) and self.model is not ModelPhase.OFF

    @property
    def loading(self) -> bool:
        return self.model is ModelPhase.LOADING

    # ── What happens to the model ─────────────────────────────────────────────────────────────────────────────

    def started(self) -> "RunState":
        """The backend's process was started."""
        return replace(self._lost(), model=ModelPhase.STARTING)

    def gone(self) -> "RunState":
        """The backend's process ended."""
        return replace(self._lost(), model=ModelPhase.OFF)

    def answered(self) -> "RunState":
        """The backend can load models."""
        return replace(self, model=ModelPhase.READY) if self.model is ModelPhase.STARTING else self

    def load_asked(self) -> "RunState":
        """A model was asked for, the newest of all that were."""
        if self.model in (ModelPhase.OFF, ModelPhase.STARTING):
            return self
        return replace(self._lost(), model=ModelPhase.LOADING, load=self.load + 1)

    def load_ended(self) -> "RunState":
        """Nobody waits any more for the model that was asked for."""
        return replace(self, model=ModelPhase.READY, load=self.load + 1) if self.loading else self

    def loaded(self, load: int) -> "RunState":
        """The model of this number is there."""
        return replace(self, model=ModelPhase.LOADED) if self.loading and load == self.load else self

    def load_failed(self, load: int, *, kept: bool) -> "RunState":
        """The model of this number cannot be loaded; `kept`: the one before it is still there."""
        if not self.loading or load != self.load:
            return self
        return replace(self, model=ModelPhase.LOADED if kept else ModelPhase.READY)

    # ── What happens to the run ───────────────────────────────────────────────────────────────────────────────

    def shown(self, opening: Opening | None) -> "RunState":
        """Something else is shown: what is to be run, or a trace with no input at all."""
        phase = RunPhase.RECORDED if opening is None else RunPhase.WAITING
        return replace(self, phase=phase, number=self.number + 1, opening=opening)

    def cleared(self) -> "RunState":
        """Nothing is shown."""
        return replace(self, phase=RunPhase.EMPTY, number=self.number + 1, opening=None)

    def encode_asked(self, opening: Opening) -> "RunState":
        """The model was asked to read the input."""
        if self.phase is not RunPhase.WAITING or self.model is not ModelPhase.LOADED:
            return self
        return replace(self, phase=RunPhase.ENCODING, number=self.number + 1, opening=opening)

    def unfit(self) -> "RunState":
        """What is shown was recorded by another model than the one that is loaded."""
        return replace(self, phase=RunPhase.RECORDED) if self.phase is RunPhase.WAITING else self

    def encoded(self, run: int, *, reading: bool, ended: bool) -> "RunState":
        """The input of this run is read; `reading`: it gives tokens to be run through. `ended`: what it goes on with is over."""
        if self.phase is not RunPhase.ENCODING or run != self.number or self.opening is None:
            return self
        phase = RunPhase.READING if reading else RunPhase.ENDED if ended else RunPhase.LIVE
        return replace(self, phase=RunPhase.BESIDE if self.opening.beside else phase,
                       opening=replace(self.opening, restart=False, beside=False))

    def refused(self, run: int) -> "RunState":
        """The input of this run cannot be read."""
        return replace(self, phase=RunPhase.EMPTY) if self.phase is RunPhase.ENCODING and run == self.number else self

    def read_enough(self) -> "RunState":
        """All tokens that the input gives were run through, or a person stopped it."""
        return replace(self, phase=RunPhase.LIVE) if self.phase in (RunPhase.READING, RunPhase.BESIDE) else self

    def branch_shown(self, *, ended: bool) -> "RunState":
        """Another branch is shown, or the one that is has come to its end."""
        if self.phase not in (RunPhase.LIVE, RunPhase.ENDED):
            return self
        return replace(self, phase=RunPhase.ENDED if ended else RunPhase.LIVE)

    def _lost(self) -> "RunState":
        """The backend has nothing of the run any more; what was open waits to be opened again."""
        return replace(self, number=self.number + 1, phase=RunPhase.WAITING if self.opening is not None else self.phase)
