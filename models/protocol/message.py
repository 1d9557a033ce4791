"""What the window and the backend say to each other.

Every message is a tagged struct: what does not fit its type is refused when it is decoded, and nothing that
arrives is ever executed. Requests go to the backend, reports come from it. A `run` is one input being read or
captioned; its number only grows, and the highest wins: whatever belongs to an older run is dropped on both sides.
This module knows neither torch nor Qt.
"""

from __future__ import annotations

from typing import Annotated

import msgspec
import numpy as np

from unrolled.models.protocol.questions import AnswerPart, Question
from unrolled.models.trace import Candidate, Channel, FloatArray, ModelDescription, ModelListing, StepBlock, StepResult
from unrolled.models.trace.edits import Edit

PROTOCOL_VERSION = 4

Count = Annotated[int, msgspec.Meta(ge=0, le=1_000_000)]
Positive = Annotated[int, msgspec.Meta(ge=1, le=100_000)]
NotNegative = Annotated[float, msgspec.Meta(ge=0, le=1e300)]
Fraction = Annotated[float, msgspec.Meta(ge=0, le=1)]


class Decoding(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How words are chosen.

    Attributes
    ----------
    method : {'greedy', 'beam', 'sampling'}
    beam_width : int
        Hypotheses kept by beam search.
    length_penalty : float
        The exponent of the length that a hypothesis's log-probability is divided by; 0 favours short captions.
    temperature, top_k, top_p, seed :
        Of sampling: the log-probabilities are divided by the temperature (above 0); only the k most probable words
        (0: all), and of those the fewest whose probabilities reach p, can be drawn.
    """

    method: Annotated[str, msgspec.Meta(pattern="^(greedy|beam|sampling)$")] = "greedy"
    beam_width: Annotated[int, msgspec.Meta(ge=1, le=64)] = 3
    length_penalty: Annotated[float, msgspec.Meta(ge=0, le=5)] = 0.7
    temperature: Annotated[float, msgspec.Meta(gt=0, le=100)] = 1.0
    top_k: Annotated[int, msgspec.Meta(ge=0, le=1_000_000)] = 0
    top_p: Annotated[float, msgspec.Meta(gt=0, le=1)] = 1.0
    seed: Annotated[int, msgspec.Meta(ge=0, lt=2**53)] = 0

    @property
    def in_words(self) -> str:
        """For people and for a trace's provenance."""
        if self.method == "beam":
            return f"beam {self.beam_width}"
        if self.method == "sampling":
            parts = [f"temperature {self.temperature:g}"]
            parts += [f"top-k {self.top_k}"] if self.top_k else []
            parts += [f"top-p {self.top_p:g}"] if self.top_p < 1 else []
            return ", ".join(["sampling", *parts, f"seed {self.seed}"])
        return "greedy"


class TrainingRoomSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is trained in the training room: fixed from its start.

    Attributes
    ----------
    cell : {'rnn', 'lstm', 'gru'}
    task : {'copy', 'adding', 'brackets'}
    steps : int
        The length of every sequence.
    hidden : int
        Units of the hidden state.
    optimiser : {'adam', 'sgd'}
    spectral_radius : float
        Of W_hh at the start, of each gate's block where there are gates.
    seed : int
        Of the weights and of every batch.
    """

    cell: Annotated[str, msgspec.Meta(pattern="^(rnn|lstm|gru)$")] = "rnn"
    task: Annotated[str, msgspec.Meta(pattern="^(copy|adding|brackets)$")] = "brackets"
    steps: Annotated[int, msgspec.Meta(ge=8, le=120)] = 24
    hidden: Annotated[int, msgspec.Meta(ge=1, le=256)] = 32
    optimiser: Annotated[str, msgspec.Meta(pattern="^(adam|sgd)$")] = "adam"
    spectral_radius: Annotated[float, msgspec.Meta(gt=0, le=5)] = 1.0
    seed: Annotated[int, msgspec.Meta(ge=0, le=1_000_000)] = 1


class TrainingRoomChanges(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What can be changed while it trains.

    Attributes
    ----------
    learning_rate : float
    threshold : float
        The gradient's longest norm; 0: it is never clipped.
    window : int
        Truncated back-propagation: each loss is followed back through its last so many steps; 0: through all.
    """

    learning_rate: Annotated[float, msgspec.Meta(gt=0, le=100)] = 0.005
    threshold: Annotated[float, msgspec.Meta(ge=0, le=1e9)] = 1.0
    window: Annotated[int, msgspec.Meta(ge=0, le=120)] = 0


class Device(msgspec.Struct, frozen=True):
    """A processor that a model can run on: ``cpu``, ``cuda:0``, ``mps``, with its name for people."""

    name: str
    title: str


# ── Requests ──────────────────────────────────────────────────────────────────────────────────────────────────────


class Hello(msgspec.Struct, frozen=True, tag=True):
    """The first message of a connection; `secret` is what the backend printed when it started."""

    secret: str
    version: int = PROTOCOL_VERSION


class LoadModel(msgspec.Struct, frozen=True, tag=True):
    """Load a model by its name or by a checkpoint's path; device ``auto`` takes the fastest there is."""

    model: str
    device: str = "auto"


class DrawInput(msgspec.Struct, frozen=True, tag=True):
    """Have the loaded model's own kind of input drawn, one of many; answered by `InputDrawn`."""

    number: Count


class OpenInput(msgspec.Struct, frozen=True, tag=True):
    """Encode an input, its file's bytes as they were given: a picture, UTF-8 text, a clip. It supersedes every run with
    a lower number.
    """

    run: Count
    data: bytes
    name: str
    decoding: Decoding = Decoding()


class AddInput(msgspec.Struct, frozen=True, tag=True):
    """Encode another input beside the run's own, so that an edit can swap to it; it is known by its bytes' SHA-256."""

    run: Count
    data: bytes
    name: str


class Fork(msgspec.Struct, frozen=True, tag=True):
    """Make a branch of a run.

    Attributes
    ----------
    branch : int
        Its number. A branch of that number that is there already is replaced; number 0 is there from the beginning.
    parent : int
        The branch that it leaves before `step`: the steps before are shared, and not computed again. -1: none; its
        `tokens` are known then, from a file or from a backend that is gone, and its states are computed when they are
        needed.
    edits : tuple of Edit
        All that are in force on it.
    """

    run: Count
    branch: Count
    parent: Annotated[int, msgspec.Meta(ge=-1, le=1_000_000)] = 0
    step: Count = 0
    edits: tuple[Edit, ...] = ()
    tokens: tuple[int, ...] = ()


class Advance(msgspec.Struct, frozen=True, tag=True):
    """Take up to `count` steps of a branch, the first of them number `step`; what it had from there on is forgotten."""

    run: Count
    step: Count
    count: Positive = 1
    decoding: Decoding = Decoding()
    branch: Count = 0


class Search(msgspec.Struct, frozen=True, tag=True):
    """Search by beam from a branch's step on and tell every step of it; the steps that are taken then follow its best."""

    run: Count
    step: Count
    decoding: Decoding
    branch: Count = 0


class Ask(msgspec.Struct, frozen=True, tag=True):
    """Ask about steps that a branch has; `number` only grows, and is in every part of the answer."""

    run: Count
    number: Count
    question: Question
    branch: Count = 0


class Drop(msgspec.Struct, frozen=True, tag=True):
    """Nobody waits any more for the answer to the question of this number."""

    number: Count


class Cancel(msgspec.Struct, frozen=True, tag=True):
    """Stop taking steps of a run; what it recorded stays."""

    run: Count


class StartTrainingRoom(msgspec.Struct, frozen=True, tag=True):
    """Begin a training in the training room. As with runs, rooms are numbered and the highest wins; a run that is open
    is not touched.
    """

    room: Count
    settings: TrainingRoomSettings = TrainingRoomSettings()


class StepTrainingRoom(msgspec.Struct, frozen=True, tag=True):
    """Make so many updates, with what is in force for them; `picture`: the last one brings the gradients' map too."""

    room: Count
    changes: TrainingRoomChanges = TrainingRoomChanges()
    updates: Positive = 1
    picture: bool = False


class StopTrainingRoom(msgspec.Struct, frozen=True, tag=True):
    """End a training, now, and forget it."""

    room: Count


class Shutdown(msgspec.Struct, frozen=True, tag=True):
    """Leave."""


# ── Reports ───────────────────────────────────────────────────────────────────────────────────────────────────────


class Welcome(msgspec.Struct, frozen=True, tag=True):
    """The answer to Hello, before anything slow is imported."""

    version: int
    process: int


class Ready(msgspec.Struct, frozen=True, tag=True):
    """What there is to choose from, once the backend knows: its devices and models."""

    devices: tuple[Device, ...]
    models: tuple[ModelListing, ...]


class Progress(msgspec.Struct, frozen=True, tag=True):
    """What takes a while, and how far it is: a fraction from 0 to 1, or -1 where that is not known."""

    text: str
    fraction: float = -1.0


class Loaded(msgspec.Struct, frozen=True, tag=True):
    """A model is loaded and describes itself."""

    description: ModelDescription
    device: str


class Opened(msgspec.Struct, frozen=True, tag=True):
    """An input is encoded.

    Attributes
    ----------
    region : tuple of float
        The part of a picture that the model saw, as fractions.
    channels : tuple of Channel
        What every step of this run brings, where that depends on the input (an alignment has as many weights as the
        sentence has words); empty where the model's description holds.
    source : tuple of str
        What attention with the axis ``source`` looks at: the words of the sentence as the model reads them.
    prompt_tokens : int
        The first so many steps have tokens that the input gives; the model only says how probable it found them.
    maximum_steps : int
        Where the run is stopped that has not ended by itself; 0 where the description holds.
    notes : tuple of str
        What a person should know, a sentence each: words that the model does not know.
    """

    run: int
    region: tuple[float, float, float, float]
    seconds: float
    channels: tuple[Channel, ...] = ()
    source: tuple[str, ...] = ()
    prompt_tokens: int = 0
    maximum_steps: int = 0
    notes: tuple[str, ...] = ()


class Stepped(msgspec.Struct, frozen=True, tag=True):
    """A step, with the values of all channels as one block of little-endian float32 in the channels' order."""

    run: int
    step: int
    token: int
    word: str
    log_prob: float
    candidates: tuple[Candidate, ...]
    values: bytes
    milliseconds: float
    branch: Count = 0

    def result(self, channels: tuple[Channel, ...]) -> StepResult:
        """Cut the block into the channels' arrays.

        Raises
        ------
        ValueError
            When the block is not as long as the channels say.
        """
        flat: FloatArray = np.frombuffer(self.values, dtype="<f4")
        expected = sum(channel.size for channel in channels)
        if flat.size != expected:
            raise ValueError(f"a step should bring {expected} values and brought {flat.size}")
        values: dict[str, FloatArray] = {}
        start = 0
        for channel in channels:
            values[channel.name] = flat[start : start + channel.size].reshape(channel.shape)
            start += channel.size
        return StepResult(step=self.step, token=self.token, word=self.word, log_prob=self.log_prob,
                          candidates=self.candidates, values=values)


class SteppedBlock(msgspec.Struct, frozen=True, tag=True):
    """Many steps at once, where the input gives the tokens: everything as blocks of little-endian numbers.

    Attributes
    ----------
    step : int
        The first of them.
    tokens : bytes
        int32, (steps,).
    log_probs : bytes
        float32, (steps,).
    candidate_tokens, candidate_log_probs : bytes
        int32 and float32, (steps, candidates), the most probable first.
    values : bytes
        float32, (steps, total of all channels).
    """

    run: int
    step: int
    count: Positive
    tokens: bytes
    log_probs: bytes
    candidate_tokens: bytes
    candidate_log_probs: bytes
    values: bytes
    milliseconds: float
    branch: Count = 0

    def block(self, channels: tuple[Channel, ...], vocabulary: tuple[str, ...]) -> StepBlock:
        """Cut the blocks into arrays; views of the message.

        Raises
        ------
        ValueError
            When a block is not as long as the channels and the number of steps say, or a token is none of the words.
        """
        count, total = self.count, sum(channel.size for channel in channels)
        flat: FloatArray = np.frombuffer(self.values, dtype="<f4")
        tokens, log_probs = np.frombuffer(self.tokens, "<i4"), np.frombuffer(self.log_probs, "<f4")
        candidates = np.frombuffer(self.candidate_tokens, "<i4")
        candidate_log_probs = np.frombuffer(self.candidate_log_probs, "<f4")
        if flat.size != count * total or tokens.size != count or log_probs.size != count or candidates.size % count or (
                candidates.size != candidate_log_probs.size):
            raise ValueError(f"{count} steps of {total} values do not fit what was brought")
        for named in (tokens, candidates):
            if named.size and not 0 <= int(named.min()) <= int(named.max()) < len(vocabulary):
                raise ValueError("a token is not one of the words")
        flat = flat.reshape(count, total)
        values: dict[str, FloatArray] = {}
        start = 0
        for channel in channels:
            values[channel.name] = flat[:, start : start + channel.size].reshape(count, *channel.shape)
            start += channel.size
        return StepBlock(step=self.step, tokens=tokens, log_probs=log_probs, candidate_tokens=candidates.reshape(count, -1),
                         candidate_log_probs=candidate_log_probs.reshape(count, -1), vocabulary=vocabulary, values=values)


class Ended(msgspec.Struct, frozen=True, tag=True):
    """A run wrote END (`finished`) or reached the longest length."""

    run: int
    finished: bool
    branch: Count = 0


class BeamHypothesis(msgspec.Struct, frozen=True, kw_only=True):
    """A hypothesis that a beam search keeps at a step.

    Attributes
    ----------
    number, parent : int
        Its own, counted from 0 through the whole search, and that of the hypothesis it goes on from; -1 for the beginning.
    token, word, log_prob :
        What it writes at this step.
    score : float
        The sum of all its tokens' log-probabilities over its length to the power of the length penalty.
    finished : bool
        It ends here; otherwise it lives, and dies where no hypothesis of the next step goes on from it.
    candidates : tuple of Candidate
        The most probable tokens where it wrote its own.
    """

    number: Count
    parent: Annotated[int, msgspec.Meta(ge=-1, le=1_000_000)]
    token: Count
    word: str
    log_prob: float
    score: float
    finished: bool
    candidates: tuple[Candidate, ...] = ()


class BeamStepped(msgspec.Struct, frozen=True, tag=True):
    """One step of a beam search; `values` holds a row of all channels for each hypothesis, float32."""

    run: int
    branch: Count
    step: Count
    hypotheses: tuple[BeamHypothesis, ...]
    values: bytes

    def results(self, channels: tuple[Channel, ...]) -> tuple[StepResult, ...]:
        """The step of each hypothesis, as if it had been taken alone.

        Raises
        ------
        ValueError
            When the values are not as many as the channels say.
        """
        count, total = len(self.hypotheses), sum(channel.size for channel in channels)
        flat: FloatArray = np.frombuffer(self.values, dtype="<f4")
        if flat.size != count * total:
            raise ValueError(f"{count} hypotheses should bring {count * total} values and brought {flat.size}")
        rows = flat.reshape(count, total).astype("<f4", copy=False)
        return tuple(
            Stepped(self.run, self.step, own.token, own.word, own.log_prob, own.candidates, row.tobytes(), 0.0).result(channels)
            for own, row in zip(self.hypotheses, rows, strict=True))


class Searched(msgspec.Struct, frozen=True, tag=True):
    """A beam search is over."""

    run: int
    branch: Count = 0


class InputDrawn(msgspec.Struct, frozen=True, tag=True):
    """An input that was drawn: a file's bytes, and a name for it."""

    data: bytes
    name: str


class InputAdded(msgspec.Struct, frozen=True, tag=True):
    """Another input is encoded; `notes` say what a person should know."""

    run: int
    input_hash: str
    notes: tuple[str, ...] = ()


class Forked(msgspec.Struct, frozen=True, tag=True):
    """A branch is there."""

    run: int
    branch: Count


class Answer(msgspec.Struct, frozen=True, tag=True):
    """A part of the answer to a question; `done` with the last."""

    run: int
    number: Count
    part: AnswerPart
    done: bool = True


class Idle(msgspec.Struct, frozen=True, tag=True):
    """A request for steps is dealt with, or was cancelled."""

    run: int
    branch: Count = 0


class Failed(msgspec.Struct, frozen=True, tag=True):
    """Something could not be done: one sentence for people, and the traceback for those who debug.

    Attributes
    ----------
    run : int
        -1 where no run is concerned.
    subject : str
        What failed: ``model``, ``input``, ``step``, ``edit``, ``question``, ``protocol``.
    branch : int
        Of the run.
    number : int
        The question's, or -1.
    step, channel, unit :
        Where numbers that are not finite began; -1, empty and -1 where something else failed.
    """

    run: int
    subject: str
    sentence: str
    detail: str = ""
    branch: Count = 0
    number: int = -1
    step: int = -1
    channel: str = ""
    unit: int = -1


class TrainingRoomStarted(msgspec.Struct, frozen=True, tag=True):
    """A training stands ready, no update made.

    Attributes
    ----------
    sentence : str
        What the task asks.
    chance_loss, chance_accuracy : float
        What the best guess without memory reaches, and in `chance_note` why.
    blocks : tuple of str
        The gates that W_hh has a block for.
    parameters : int
        How many weights there are.
    """

    room: Count
    settings: TrainingRoomSettings
    sentence: str
    chance_loss: NotNegative
    chance_accuracy: Fraction
    chance_note: str
    blocks: Annotated[tuple[str, ...], msgspec.Meta(min_length=1, max_length=4)]
    parameters: Count


class TrainingRoomUpdated(msgspec.Struct, frozen=True, tag=True):
    """An update was made; all numbers are finite.

    Attributes
    ----------
    update : int
        Its number, from 1.
    loss, accuracy : float
        Of its batch, before the weights changed.
    norm_before, norm_after : float
        The gradient's, before and after clipping.
    threshold, window : float, int
        That were in force.
    radii, norms : tuple of float
        Spectral radius and largest singular value of each block of W_hh; empty without a map.
    hidden, cell : bytes
        ‖∂L_t/∂h_k‖ and, of an LSTM, ‖∂L_t/∂c_k‖ of one sequence: float32, (steps, steps), row t, column k, on the whole
        graph, whatever the window; empty where no map was asked for.
    counted : bytes
        A byte a step: 1 where the step has a loss.
    cut_away : float
        ‖∇ - ∇_truncated‖ / ‖∇‖ of all weights, where there is a map and truncation is in force.
    """

    room: Count
    update: Annotated[int, msgspec.Meta(ge=1, lt=2**53)]
    loss: NotNegative
    accuracy: Fraction
    norm_before: NotNegative
    norm_after: NotNegative
    threshold: NotNegative
    window: Count
    milliseconds: NotNegative
    radii: Annotated[tuple[NotNegative, ...], msgspec.Meta(max_length=4)] = ()
    norms: Annotated[tuple[NotNegative, ...], msgspec.Meta(max_length=4)] = ()
    hidden: bytes = b""
    cell: bytes = b""
    counted: bytes = b""
    cut_away: NotNegative = 0.0

    def map_of(self, values: bytes) -> FloatArray:
        """`hidden` or `cell` as an array (steps, steps).

        Raises
        ------
        ValueError
            When its length is not that of a map over the steps that `counted` has.
        """
        flat: FloatArray = np.frombuffer(values, dtype="<f4") if len(values) % 4 == 0 else np.empty(0, np.float32)
        steps = len(self.counted)
        if flat.size != steps * steps:
            raise ValueError(f"a map over {steps} steps should bring {4 * steps * steps} bytes and brought {len(values)}")
        return flat.reshape(steps, steps)


class TrainingRoomFailed(msgspec.Struct, frozen=True, tag=True):
    """A training cannot begin or go on: one sentence for people; `exploded` where its numbers are not finite any more."""

    room: Count
    sentence: str
    exploded: bool = False
    detail: str = ""


Request = (Hello | LoadModel | DrawInput | OpenInput | AddInput | Fork | Advance | Search | Ask | Drop | Cancel
           | StartTrainingRoom | StepTrainingRoom | StopTrainingRoom | Shutdown)
Report = (Welcome | Ready | Progress | Loaded | InputDrawn | Opened | InputAdded | Forked | Stepped | SteppedBlock | Ended
          | BeamStepped | Searched | Answer | Idle | Failed | TrainingRoomStarted | TrainingRoomUpdated | TrainingRoomFailed)
