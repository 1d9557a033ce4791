"""Questions about steps that were taken, and the parts that answers come in.

What is asked about is the branch as the backend has it, edits included.
"""

from typing import Annotated, ClassVar, Literal

import msgspec
import numpy as np

from unrolled.models.protocol.message import BranchRequest, Count, Ledger, Report, Request, RunReport
from unrolled.models.trace.steps import FloatArray

STATE_GAP, LOG_PROBS, CANDIDATE_LOG_PROBS = "state_gap", "log_probs", "candidate_log_probs"

StepNumber = Annotated[int, msgspec.Meta(ge=0, le=1_000_000)]
Place = Annotated[int, msgspec.Meta(ge=0, le=1_000_000)]


# ── Questions ─────────────────────────────────────────────────────────────────────────────────────────────────────


class ExplainStep(msgspec.Struct, frozen=True, tag=True):
    """How did this unit come by its numbers at this step? Answered by one `Explained`."""

    step: StepNumber
    unit: Place


class FollowGradients(msgspec.Struct, frozen=True, tag=True):
    """What did the words of these steps (both included) depend on? Answered by `GradientRows`, some rows at a time."""

    first: StepNumber
    last: StepNumber


class OccludeStep(msgspec.Struct, frozen=True, tag=True):
    """What if this step could not look at one of its places, each in turn? Answered by one `Occluded`."""

    step: StepNumber


class Replay(msgspec.Struct, frozen=True, tag=True):
    """What do torch's own modules give at these steps (both included)? Answered by `Replayed`, some steps at a time."""

    first: StepNumber
    last: StepNumber


class ReadLens(msgspec.Struct, frozen=True, tag=True):
    """What would every layer write at these steps (both included)? Answered by `LensRead`, a step at a time."""

    first: StepNumber
    last: StepNumber


Question = ExplainStep | FollowGradients | OccludeStep | Replay | ReadLens


# ── Answers ───────────────────────────────────────────────────────────────────────────────────────────────────────


class Contributor(msgspec.Struct, frozen=True, kw_only=True):
    # ``unit``: a unit of the hidden state before; ``word``: the word that was read; ``place``: a place that attention looked
    # at (a cell of the picture counted row after row, or a source word); ``frame``: the frame's vector
    kind: Literal["unit", "word", "place", "frame"]
    # which one: the unit, the place; of a word the step that wrote it, -1 for START
    index: Annotated[int, msgspec.Meta(ge=-1, le=1_000_000)]
    value: float    # what it adds
    # weight, activity: whose product that is, where it is one: W and h, or the attention α and what its place would add
    # alone
    weight: float = 0.0
    activity: float = 0.0
    name: str = ""  # the word, where there is one


class Part(msgspec.Struct, frozen=True, kw_only=True):
    symbol: str        # in plain letters with ``_`` before what is set low: ``W_hf h_{t-1}``, ``b_f``, ``f_t · c_{t-1}``
    value: float
    # what it is the product of, where it is one: ``(("f_t", 0.93), ("c_{t-1}", 1.21))``
    factors: tuple[tuple[str, float], ...] = ()
    # what it came from, the largest first; those that are left out are summed up in `rest`
    contributors: tuple[Contributor, ...] = ()
    rest: float = 0.0  # what the contributors that are not named add; 0 where all are named


class Equation(msgspec.Struct, frozen=True, kw_only=True):
    """One equation of a step with a unit's numbers: value = function(sum of the parts), for `function` one of
    ``σ``, ``tanh``, ``softmax`` and, for a plain sum, empty.
    """

    channel: str          # what is computed: ``forget_gate``; ``attention`` and ``context`` too
    symbol: str           # ``f_t``
    function: str
    parts: tuple[Part, ...]
    total: float          # their sum: the pre-activation
    value: float          # what the step went on with: with an edit, what that made of it
    # factors that what the function gives is multiplied by: h_t = o_t · tanh(c_t) has ``(("o_t", 0.8),)``
    outside: tuple[tuple[str, float], ...] = ()
    edited: bool = False  # an edit changed it: the parts then give another value than `value`


class Looked(msgspec.Struct, frozen=True, kw_only=True):
    """A place that attention weighed: its score, its weight, and what it is called where it is a word."""

    place: Place
    score: float
    weight: float
    name: str = ""


class Explained(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """A unit's step in equations, in the order of computation."""

    step: StepNumber
    unit: Place
    cell: str                        # ``rnn``, ``lstm``, ``gru``
    equations: tuple[Equation, ...]
    looked: tuple[Looked, ...] = ()  # the places with the most attention, the first the most; empty without attention
    places: Place = 0                # how many places there are
    score_sum: float = 0.0           # Σ_j exp(e_j − max e): what the softmax divides by
    score_max: float = 0.0           # max_j e_j
    context_norm: float = 0.0        # ‖c_t‖ of the context


class GradientRows(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """What the words of some steps t depended on, a row each; step k's column is k - `column`.

    All are little-endian float32.
    """

    # row, rows: the first step t, and how many
    row: StepNumber
    rows: StepNumber
    # column, columns: the first step k, and how many: up to the last that was asked for; after t all is 0
    column: StepNumber
    columns: StepNumber
    # hidden, cell: ‖∂ log p(word_t)/∂h_k‖ and, of an LSTM, ‖∂ log p(word_t)/∂c_k‖, (rows, columns)
    hidden: bytes
    cell: bytes = b""
    # forget_path, other_paths: of an LSTM, what ∂/∂c_k is the sum of: the norm of what comes along the cell alone, through
    # the forget gates of the steps from k to t, and the norm of the rest, (rows, columns). The vectors add up; their norms
    # do not.
    forget_path: bytes = b""
    other_paths: bytes = b""
    words: bytes = b""  # gradient × input of the word that step k read, summed over its vector: signed, (rows, columns)
    # gradient × input of each place of the picture or each source word, as the steps look at it, summed over its vector:
    # (rows, places)
    places: bytes = b""
    # the same for what comes through the first state, where that is made of the places, (rows, places); empty where it is
    # not, or where step 0 is not among the columns
    first_state: bytes = b""

    def table(self, values: bytes) -> FloatArray:
        """One of the tables as an array (rows, …); of length 0 where it is empty. Raises `ValueError` when it cannot be cut
        into that many rows.
        """
        return np.frombuffer(values, dtype="<f4").reshape(self.rows, -1)


class Occluded(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """What masking each place does to the word of a step.

    A word that is sure has a log-probability that cannot fall far; its logit and its margin still can.
    """

    step: StepNumber
    # log_prob, logit, margin: of the word, with nothing masked; the margin is its logit less the largest other one
    log_prob: float
    logit: float
    margin: float
    runner_up: int  # the token that has that one
    # log_prob_drops, logit_drops, margin_drops: float32, one a place: the value as it was, less the value with the place
    # masked. Above 0 where it was needed.
    log_prob_drops: bytes
    logit_drops: bytes
    margin_drops: bytes

    def drops(self, of: Literal["log_prob", "logit", "margin"] = "log_prob") -> FloatArray:
        """The drops of one of the three, (places,)."""
        return np.frombuffer({"log_prob": self.log_prob_drops, "logit": self.logit_drops, "margin": self.margin_drops}[of],
                             dtype="<f4")


class Replayed(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """What steps come to when they are computed a second time, to be held against what is drawn."""

    # first, count: which steps
    first: StepNumber
    count: StepNumber
    # in this order: every channel; `STATE_GAP`, the largest difference between the state that the run went on with and what
    # the step before comes to; `LOG_PROBS` of the words written; and `CANDIDATE_LOG_PROBS`, those of the most probable
    # words, best first
    channels: tuple[str, ...]
    values: bytes  # float32, (count, total of those)
    tokens: bytes  # of the words written, int32, (count,)
    # of the most probable words, int32, (count, candidates): more of them than are recorded, since those that are equally
    # probable may change places
    candidate_tokens: bytes
    computed_by: tuple[str, ...] = ()  # the modules and functions of torch that computed them: ``nn.LSTMCell``, ``F.log_softmax``
    manner: str = "in double precision from the stored weights"  # in what precision, and from what


class LensRead(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """The next word as each layer of a step would have it, the lowest first."""

    step: StepNumber
    layers: Annotated[int, msgspec.Meta(ge=1, le=100_000)]
    # tokens, log_probs: the most probable words, best first: int32 and float32, (layers, words)
    tokens: bytes
    log_probs: bytes
    written: bytes  # log p of the word that was written: float32, (layers,)
    ranks: bytes    # how many words are more probable than that: int32, (layers,)


AnswerPart = Explained | GradientRows | Occluded | Replayed | LensRead


class Ask(BranchRequest, frozen=True):
    """Ask about steps that a branch has; `number` only grows, and is in every part of the answer."""

    subject: ClassVar[str] = "question"

    number: Count
    question: Question

    def wanted(self, ledger: Ledger, position: int) -> bool:
        return self.number not in ledger.dropped and super().wanted(ledger, position)


class Drop(Request, frozen=True):
    """Nobody waits any more for the answer to the question of this number."""

    queued: ClassVar[bool] = False

    number: Count

    def note(self, ledger: Ledger, position: int) -> Report | None:
        ledger.dropped.add(self.number)
        return None


class Answer(RunReport, frozen=True):
    """A part of the answer to a question; `done` with the last."""

    number: Count
    part: AnswerPart
    done: bool = True
