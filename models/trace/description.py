"""What a model says of itself: enough for a window to be built around it without knowing its name."""

from typing import NamedTuple

import msgspec

from unrolled.models.trace.channel import Channel


class Identity(NamedTuple):
    """What tells a model from others of its kind; see `ModelDescription`."""

    name: str = "untrained"
    title: str = "Untrained"
    summary: str = ""
    weights_hash: str = ""


UNTRAINED = Identity()
ALL_ABILITIES = frozenset({"step", "edit", "search", "explain"})


class ModelDescription(msgspec.Struct, frozen=True, kw_only=True):
    name: str  # what it is opened by: ``"caption-attend-lstm"``
    title: str  # a few words for people
    task: str  # ``"captioning"`` …
    channels: tuple[Channel, ...]  # what it records at every step, in the order of the flat step record
    words: tuple[str, ...]  # the vocabulary: the word of token k at place k
    # start_token, end_token: the tokens before the first word and after the last; -1 where a model has none
    start_token: int
    end_token: int
    maximum_steps: int = 20  # where a run is stopped that has not ended by itself
    # height and width in pixels that a picture is resized to before it is encoded; (0, 0) when no picture is read
    input_size: tuple[int, int] = (0, 0)
    parameters: int = 0  # how many numbers were trained
    weights_hash: str = ""  # SHA-256 of the checkpoint file, hexadecimal
    encoder: str = ""  # what reads the input, in words
    # what it takes: ``picture``, ``sentence``, ``text``, ``clip``, or another that `unrolled.models.inputs.kinds` knows
    input_kind: str = "picture"
    detokenization: str = "words"  # how tokens make a text; see `unrolled.models.trace.detokenization`
    draws: str = ""  # what inputs of its own kind it can have drawn, in a word: ``"scene"``, ``"clip"``; empty where it takes any
    # what can be asked of it beside its channels: ``step``; ``edit``, its quantities and words can be changed; ``search``, its
    # words are fed back, so that a beam of them makes sense; ``explain``, it answers the questions about a step
    can: frozenset[str] = ALL_ABILITIES
    also_end: tuple[int, ...] = ()  # other tokens than END that end a run too
    # tokens that are never written by themselves, however probable: START, and the unknown word
    suppressed_tokens: tuple[int, ...] = ()
    summary: str = ""  # one sentence from the card: data and measured quality

    def ends(self, token: int) -> bool:
        return token == self.end_token or token in self.also_end


class ModelListing(msgspec.Struct, frozen=True, kw_only=True):
    """A model that can be opened, as `unrolled models` lists it."""

    name: str
    title: str
    task: str
    size_bytes: int
    path: str
    quality: dict[str, float]
    source: str
    input_kind: str = "picture"
