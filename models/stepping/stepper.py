"""The one face of every model that can be stepped."""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Generic, Protocol, TypeVar, runtime_checkable

import torch
from torch import Tensor

from unrolled.models.cells import AdditiveAttention, Cell, MaxoutLSTMCell, MultiplicativeAttention
from unrolled.models.cells.hook import Hook, identity
from unrolled.models.protocol.decoding import Decoding
from unrolled.models.reference.protocol import Reference, Weights
from unrolled.models.stepping.choosing import Beam
from unrolled.models.trace import Channel, ModelDescription

MemoryT = TypeVar("MemoryT")
StateT = TypeVar("StateT")


class InputError(ValueError):
    """An input that a model cannot read: one sentence for people."""


@dataclass(frozen=True, slots=True)
class StepRecord:
    """What a step gives, for K hypotheses: one tensor, so that one copy brings all of it to the host."""

    # (K, vocabulary + total): the log-probabilities of the next word (natural logarithm), then all channels, one after another
    # in the description's order
    packed: Tensor
    vocabulary: int  # how many words there are

    @property
    def log_probs(self) -> Tensor:
        """Of the next word, (K, vocabulary); a view."""
        return self.packed[:, : self.vocabulary]

    @property
    def values(self) -> Tensor:
        """All channels, (K, total); a view."""
        return self.packed[:, self.vocabulary :]


@dataclass(frozen=True, slots=True, kw_only=True)
class EncodedInput(Generic[MemoryT]):
    """An input as a model has read it; see `Opened` too."""

    memory: MemoryT  # what every step looks at
    channels: tuple[Channel, ...] = ()
    source: tuple[str, ...] = ()
    # the tokens of the first steps, where the input gives them: the model only says how probable it found them
    prompt_tokens: tuple[int, ...] = ()
    # what each of them stands for, a character a token, also where the model does not know it; empty of other tokens
    characters: str = ""
    maximum_steps: int = 0
    least_steps: int = 0  # in steps before this one END is not chosen
    # what the model's own code makes of log-probabilities before it chooses: of the state after a step, log-probabilities
    # (K, vocabulary) on the host, and whether hypotheses are searched; minus infinity for what is not chosen
    ranking: Callable[[Any, Tensor, bool], Tensor] | None = None
    beam: Callable[..., Beam] = Beam  # makes the `Beam` by whose rule hypotheses are searched
    given_input: Any = None  # the input as it was given to be read, so that it can be read a second time
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Structure:
    """What a step is made of, so that it can be explained."""

    cell: Cell | MaxoutLSTMCell | None = None  # whose equations a unit goes through; a model without recurrence has none
    # what the cell's input x is put together from, in order, with lengths: ``word``, ``context``, ``frame``, ``layer``: the
    # state of the layer below, or ``fed``: what the step before predicted its word from
    parts: tuple[tuple[str, int], ...] = ()
    attend: AdditiveAttention | MultiplicativeAttention | None = None  # what makes the context, where it is not the mean vector
    attends: bool = False  # whether there is other attention, whose places can be masked too

    @property
    def maskable(self) -> bool:
        return self.attend is not None or self.attends


class Stepper(Protocol, Generic[MemoryT, StateT]):
    """A model: read an input once, then step. State is a value, so that any step can be taken again from any state."""

    # gives the weights again for `reference`: those in memory, or those of the file that they came from
    weights: Callable[[], Weights]
    # draws an input of the model's own kind, one of many, by its number: a file's bytes and a name. Only models that were
    # trained on drawn inputs have one; their description says what they draw.
    draw: Callable[[int], tuple[bytes, str]] | None

    @property
    def description(self) -> ModelDescription:
        """What it records, and its words."""

    @property
    def device(self) -> torch.device:
        """Where everything is computed."""

    @property
    def suppressed_tokens(self) -> Sequence[int]:
        """Tokens that are never chosen, however probable."""

    def read(self, given: Any) -> EncodedInput[MemoryT]:
        """Read an input of the description's kind: a picture (PIL), a text (str), a clip. Raises `InputError` when it cannot
        be read by this model.
        """

    def start(self, memory: MemoryT) -> StateT:
        """The state before the first word, one hypothesis."""

    def step(self, memory: MemoryT, state: StateT, tokens: Sequence[int],
             hook: Hook = identity) -> tuple[StateT, StepRecord]:
        """Read the token before, one for each hypothesis, and give the new state and the record.

        Every quantity passes through `hook` on its way. It can be differentiated, where gradients are asked for.
        """

    @property
    def structure(self) -> Structure:
        """What a step is made of."""

    def reference(self) -> Reference:
        """The same model for an independent second computation, its weights read again."""

    def differentiable(self, memory: MemoryT, rows: int) -> tuple[MemoryT, Tensor | None]:
        """A copy of the memory for so many rows at once that gradients can be taken through.

        Beside it the vectors that every step looks at, (rows, L, features), which gradients can be taken by; or None.
        """

    def select(self, state: StateT, rows: Tensor) -> StateT:
        """The state of hypotheses whose parents are in these rows."""


@runtime_checkable
class ReadsTexts(Protocol):
    """A stepper whose inputs are texts that are only read."""

    # characters that are read of a text, more of which would keep a person waiting; it may be raised where nobody waits
    longest_text: int


@runtime_checkable
class ReadsAhead(Protocol):
    """A stepper that can take many steps of many texts at once."""

    def read_ahead(self, blocks: Iterator[Tensor], names: Collection[str]) -> Iterator[tuple[Tensor, dict[str, Tensor]]]:
        """Read tokens from the first step on, each the one before a step, in blocks (T, K) on the stepper's device. The first
        block is the longest and the widest; the texts that one has less, the last ones, have ended.

        Of each block the log-probabilities of the next token, (T, K, V), and the channels of these names, each (T, K, units),
        which the next may be written over.
        """


@runtime_checkable
class HasDecoding(Protocol):
    """A stepper whose own code, or settings, say how words are chosen."""

    decoding: Decoding


AnyStepper = Stepper[Any, Any]


class SecondComputation:
    """Kept by a run and all its branches: reading weights and encoding a picture again costs more than many steps."""

    def __init__(self, stepper: AnyStepper) -> None:
        self._stepper = stepper
        self._memories: dict[int, tuple[EncodedInput[Any], Any]] = {}  # with the reading, so that its id stays its own

    @cached_property
    def reference(self) -> Reference:
        """The model, its weights read again. Raises `CheckpointError`."""
        return self._stepper.reference()

    def memory(self, encoded: EncodedInput[Any]) -> Any:
        """What every step looks at, from the input itself."""
        if id(encoded) not in self._memories:
            self._memories[id(encoded)] = encoded, self.reference.read(encoded.given_input)
        return self._memories[id(encoded)][1]
