"""Opening an input, taking steps, and making branches."""

from typing import Annotated, ClassVar

import msgspec
import numpy as np

from unrolled.models.protocol.decoding import Decoding
from unrolled.models.protocol.message import (
    FIRST_BESIDE,
    BranchRequest,
    Count,
    Ledger,
    Positive,
    Report,
    Request,
    RunReport,
    RunRequest,
)
from unrolled.models.trace import Candidate, Channel, StepBlock, StepResult
from unrolled.models.trace.edits import Edit
from unrolled.models.trace.steps import unpacked


class DrawInput(Request, frozen=True):
    """Have the loaded model's own kind of input drawn, one of many; answered by `InputDrawn`."""

    subject: ClassVar[str] = "input"

    number: Count


class OpenInput(RunRequest, frozen=True):
    """Encode an input, its file's bytes as they were given: a picture, UTF-8 text, a clip. It supersedes every run with
    a lower number; beside another run, every one that was beside it.
    """

    subject: ClassVar[str] = "input"
    cancellable: ClassVar[bool] = True

    data: bytes
    name: str

    def note(self, ledger: Ledger, position: int) -> Report | None:
        if self.run < FIRST_BESIDE:
            ledger.newest_run = max(ledger.newest_run, self.run)
        else:
            ledger.newest_beside = max(ledger.newest_beside, self.run)
        return None


class AddInput(RunRequest, frozen=True):
    """Encode another input beside the run's own, so that an edit can swap to it; it is known by its bytes' SHA-256."""

    subject: ClassVar[str] = "edit"

    data: bytes
    name: str


class Fork(BranchRequest, frozen=True):
    """Make a branch of a run. `branch`: its number; one of that number that is there already is replaced, number 0 is
    there from the beginning.
    """

    subject: ClassVar[str] = "edit"

    # the branch that it leaves before `step`: the steps before are shared, and not computed again. -1: none; its `tokens`
    # are known then, from a file or from a backend that is gone, and its states are computed when they are needed
    parent: Annotated[int, msgspec.Meta(ge=-1, le=1_000_000)] = 0
    step: Count = 0
    edits: tuple[Edit, ...] = ()  # all that are in force on it
    tokens: tuple[int, ...] = ()


class Advance(BranchRequest, frozen=True):
    """Take up to `count` steps of a branch, the first of them number `step`; what it had from there on is forgotten."""

    subject: ClassVar[str] = "step"
    cancellable: ClassVar[bool] = True

    step: Count
    count: Positive = 1
    decoding: Decoding = Decoding()

    def closed(self) -> Report | None:
        return Idle(self.run, self.branch)


class Cancel(RunRequest, frozen=True):
    """Stop taking steps of a run; what it recorded stays."""

    queued: ClassVar[bool] = False

    def note(self, ledger: Ledger, position: int) -> Report | None:
        ledger.cancelled_at[self.run] = position
        return None


class Opened(RunReport, frozen=True):
    region: tuple[float, float, float, float]  # the part of a picture that the model saw, as fractions
    # what every step of this run brings, where that depends on the input (an alignment has as many weights as the sentence
    # has words); empty where the model's description holds
    channels: tuple[Channel, ...] = ()
    # what attention with the axis ``source`` looks at: the words of the sentence as the model reads them
    source: tuple[str, ...] = ()
    # the first so many steps have tokens that the input gives; the model only says how probable it found them
    prompt_tokens: int = 0
    maximum_steps: int = 0  # where the run is stopped that has not ended by itself; 0 where the description holds
    notes: tuple[str, ...] = ()  # what a person should know, a sentence each: words that the model does not know


class Stepped(RunReport, frozen=True):
    """A step, with the values of all channels as one block of little-endian float32 in the channels' order."""

    step: int
    token: int
    word: str
    log_prob: float
    candidates: tuple[Candidate, ...]
    values: bytes
    milliseconds: float
    branch: Count = 0

    def result(self, channels: tuple[Channel, ...]) -> StepResult:
        """Cut the block into the channels' arrays. Raises `ValueError` when the block is not as long as the channels say."""
        return StepResult(step=self.step, token=self.token, word=self.word, log_prob=self.log_prob,
                          candidates=self.candidates, values=unpacked(self.values, channels))


class SteppedBlock(RunReport, frozen=True):
    """Many steps at once, where the input gives the tokens: a `StepBlock` as blocks of little-endian numbers."""

    step: int
    count: Positive
    tokens: bytes
    log_probs: bytes
    # candidate_tokens, candidate_log_probs: int32 and float32, (steps, candidates), the most probable first
    candidate_tokens: bytes
    candidate_log_probs: bytes
    values: bytes  # float32, (steps, total of all channels)
    milliseconds: float
    branch: Count = 0

    def block(self, channels: tuple[Channel, ...], vocabulary: tuple[str, ...]) -> StepBlock:
        """Cut the blocks into arrays; views of the message. Raises `ValueError` when a block is not as long as the channels
        and the number of steps say, or a token is none of the words.
        """
        count, values = self.count, unpacked(self.values, channels, self.count)
        tokens, log_probs = np.frombuffer(self.tokens, "<i4"), np.frombuffer(self.log_probs, "<f4")
        candidates = np.frombuffer(self.candidate_tokens, "<i4")
        candidate_log_probs = np.frombuffer(self.candidate_log_probs, "<f4")
        if tokens.size != count or log_probs.size != count or candidates.size % count or (
                candidates.size != candidate_log_probs.size):
            raise ValueError(f"{count} steps do not fit the tokens that were brought")
        for named in (tokens, candidates):
            if named.size and not 0 <= int(named.min()) <= int(named.max()) < len(vocabulary):
                raise ValueError("a token is not one of the words")
        return StepBlock(step=self.step, tokens=tokens, log_probs=log_probs, candidate_tokens=candidates.reshape(count, -1),
                         candidate_log_probs=candidate_log_probs.reshape(count, -1), vocabulary=vocabulary, values=values)


class Ended(RunReport, frozen=True):
    """A run wrote END or reached the longest length."""

    branch: Count = 0


class InputDrawn(Report, frozen=True):
    """An input that was drawn: a file's bytes, and a name for it."""

    data: bytes
    name: str


class InputAdded(RunReport, frozen=True):
    """Another input is encoded; `notes` say what a person should know."""

    input_hash: str
    notes: tuple[str, ...] = ()


class Forked(RunReport, frozen=True):
    branch: Count


class Idle(RunReport, frozen=True):
    """A request for steps is dealt with, or was cancelled."""

    branch: Count = 0
