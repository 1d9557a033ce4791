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

from unrolled.models.trace import Candidate, Channel, FloatArray, ModelDescription, ModelListing, StepBlock, StepResult

PROTOCOL_VERSION = 2

Count = Annotated[int, msgspec.Meta(ge=0, le=1_000_000)]
Positive = Annotated[int, msgspec.Meta(ge=1, le=100_000)]


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


class OpenInput(msgspec.Struct, frozen=True, tag=True):
    """Encode an input, its file's bytes as they were given: a picture, UTF-8 text, a clip. It supersedes every run with
    a lower number.
    """

    run: Count
    data: bytes
    name: str
    decoding: Decoding = Decoding()


class Advance(msgspec.Struct, frozen=True, tag=True):
    """Take up to `count` steps, the first of them number `step`; what was recorded from there on is forgotten.

    Where `force` is a token (not -1), that token is written at the first of the steps, whatever the model prefers.
    """

    run: Count
    step: Count
    count: Positive = 1
    force: Annotated[int, msgspec.Meta(ge=-1)] = -1
    decoding: Decoding = Decoding()


class Cancel(msgspec.Struct, frozen=True, tag=True):
    """Stop what a run is doing; what it recorded stays."""

    run: Count


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
    given : int
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
    given: int = 0
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


class Idle(msgspec.Struct, frozen=True, tag=True):
    """All that was asked of a run so far is done, or was cancelled."""

    run: int


class Failed(msgspec.Struct, frozen=True, tag=True):
    """Something could not be done: one sentence for people, and the traceback for those who debug.

    `run` is -1 where no run is concerned; `subject` says what failed: ``model``, ``input``, ``step``, ``protocol``.
    """

    run: int
    subject: str
    sentence: str
    detail: str = ""


Request = Hello | LoadModel | OpenInput | Advance | Cancel | Shutdown
Report = Welcome | Ready | Progress | Loaded | Opened | Stepped | SteppedBlock | Ended | Idle | Failed
