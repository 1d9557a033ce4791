"""Where a model and its run are, and what follows from what happens: values alone, so that every pair can be tried.

A run's number grows with everything that makes older reports pointless: what still arrives of an older run is dropped,
here and in the backend. It knows neither Qt nor torch.
"""

from __future__ import annotations

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
    """What is to be run.

    Attributes
    ----------
    draws : str
        What the model drew it as, where it did: ``scene``.
    continues : Trace or None
        The trace that is gone on with; None where a new one is begun.
    restart : bool
        A person asked for it to be run from the beginning: what is shown may give way though another model recorded it.
    beside : bool
        What is shown gives way only when the new run has come as far.
    """

    input: Input
    origin: Origin = Origin.PERSON
    draws: str = ""
    continues: Trace | None = None
    restart: bool = False
    beside: bool = False


# ── What happens ──────────────────────────────────────────────────────────────────────────────────────────────────────


class Happened(Enum):
    """What is said in a word."""

    STARTED = "the backend's process was started"
    ANSWERED = "the backend can load models"
    GONE = "the backend's process ended"
    LOAD_ASKED = "a model was asked for, the newest of all that were"
    LOAD_ENDED = "nobody waits any more for the model that was asked for"
    CLEARED = "nothing is shown"
    UNFIT = "what is shown was recorded by another model than the one that is loaded"
    READ_ENOUGH = "all tokens that the input gives were run through, or a person stopped it"


@dataclass(frozen=True, slots=True)
class ModelLoaded:
    """The model of this number is there."""

    number: int


@dataclass(frozen=True, slots=True)
class LoadFailed:
    """The model of this number cannot be loaded; `kept`: the one before it is still there."""

    number: int
    kept: bool


@dataclass(frozen=True, slots=True)
class Shown:
    """Something else is shown: what is to be run, or a trace with no input at all."""

    opening: Opening | None


@dataclass(frozen=True, slots=True)
class EncodeAsked:
    """The model was asked to read the input."""

    opening: Opening


@dataclass(frozen=True, slots=True)
class Encoded:
    """The input of this run is read; `reading`: it gives tokens to be run through. `ended`: what it goes on with is over."""

    run: int
    reading: bool
    ended: bool


@dataclass(frozen=True, slots=True)
class Refused:
    """The input of this run cannot be read."""

    run: int


@dataclass(frozen=True, slots=True)
class BranchShown:
    """Another branch is shown, or the one that is has come to its end."""

    ended: bool


Event = Happened | ModelLoaded | LoadFailed | Shown | EncodeAsked | Encoded | Refused | BranchShown


# ── What follows ──────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class RunState:
    """A model and its run.

    Attributes
    ----------
    number : int
        Of the run; what arrives of any other is dropped.
    load : int
        Of the model that was asked for last.
    opening : Opening or None
        What is run, or waits to be.
    """

    model: ModelPhase = ModelPhase.OFF
    phase: RunPhase = RunPhase.EMPTY
    number: int = 0
    load: int = 0
    opening: Opening | None = None

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


def after(state: RunState, event: Event) -> RunState:
    """What a state becomes; events that cannot concern it leave it as it is."""
    if event is Happened.STARTED:
        return replace(_lost(state), model=ModelPhase.STARTING)
    if event is Happened.GONE:
        return replace(_lost(state), model=ModelPhase.OFF)
    if event is Happened.ANSWERED:
        return replace(state, model=ModelPhase.READY) if state.model is ModelPhase.STARTING else state
    if event is Happened.LOAD_ASKED:
        if state.model in (ModelPhase.OFF, ModelPhase.STARTING):
            return state
        return replace(_lost(state), model=ModelPhase.LOADING, load=state.load + 1)
    if event is Happened.LOAD_ENDED:
        return replace(state, model=ModelPhase.READY, load=state.load + 1) if state.loading else state
    if isinstance(event, ModelLoaded | LoadFailed):
        if event.number != state.load or state.model is not ModelPhase.LOADING:
            return state
        kept = isinstance(event, ModelLoaded) or event.kept
        return replace(state, model=ModelPhase.LOADED if kept else ModelPhase.READY)
    if isinstance(event, Shown):
        phase = RunPhase.RECORDED if event.opening is None else RunPhase.WAITING
        return replace(state, phase=phase, number=state.number + 1, opening=event.opening)
    if event is Happened.CLEARED:
        return replace(state, phase=RunPhase.EMPTY, number=state.number + 1, opening=None)
    return _after_opening(state, event)


def _lost(state: RunState) -> RunState:
    """The backend has nothing of the run any more; what was open waits to be opened again."""
    waits = state.opening is not None
    return replace(state, number=state.number + 1, phase=RunPhase.WAITING if waits else state.phase)


def _after_opening(state: RunState, event: Event) -> RunState:
    phase = state.phase
    if isinstance(event, EncodeAsked) and phase is RunPhase.WAITING and state.model is ModelPhase.LOADED:
        return replace(state, phase=RunPhase.ENCODING, number=state.number + 1, opening=event.opening)
    if event is Happened.UNFIT and phase is RunPhase.WAITING:
        return replace(state, phase=RunPhase.RECORDED)
    if isinstance(event, Encoded | Refused) and phase is RunPhase.ENCODING and event.run == state.number:
        if isinstance(event, Refused):
            return replace(state, phase=RunPhase.EMPTY)
        began = replace(state.opening, restart=False, beside=False) if state.opening is not None else None
        phase = RunPhase.READING if event.reading else RunPhase.ENDED if event.ended else RunPhase.LIVE
        beside = state.opening is not None and state.opening.beside
        return replace(state, phase=RunPhase.BESIDE if beside else phase, opening=began)
    if event is Happened.READ_ENOUGH and phase in (RunPhase.READING, RunPhase.BESIDE):
        return replace(state, phase=RunPhase.LIVE)
    if isinstance(event, BranchShown) and (phase is RunPhase.LIVE or phase is RunPhase.ENDED):
        return replace(state, phase=RunPhase.ENDED if event.ended else RunPhase.LIVE)
    return state
