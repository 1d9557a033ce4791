"""What a model says of itself: enough for a window to be built around it without knowing its name."""

from __future__ import annotations

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
    """A loaded model, described.

    Attributes
    ----------
    name : str
        What it is opened by: ``"caption-attend-lstm"``.
    title : str
        A few words for people.
    task : str
        ``"captioning"`` …
    channels : tuple of Channel
        What it records at every step, in the order of the flat step record.
    words : tuple of str
        The vocabulary: the word of token k at place k.
    start_token, end_token : int
        The tokens before the first word and after the last; -1 where a model has none.
    maximum_steps : int
        Where a run is stopped that has not ended by itself.
    input_size : tuple of int
        Height and width in pixels that a picture is resized to before it is encoded; (0, 0) when no picture is read.
    parameters : int
        How many numbers were trained.
    weights_hash : str
        SHA-256 of the checkpoint file, hexadecimal.
    encoder : str
        What reads the input, in words.
    input_kind : str
        What it takes: ``picture``, ``sentence``, ``text``, ``clip``, or another that `unrolled.models.inputs.kinds` knows.
    detokenization : {'words', 'pieces', 'continued pieces', 'characters', 'labels', 'last label'}
        How tokens make a text; see `unrolled.models.trace.detokenization`.
    draws : str
        What inputs of its own kind it can have drawn, in a word: ``"scene"``, ``"clip"``; empty where it takes any.
    can : frozenset of str
        What can be asked of it beside its channels: ``step``; ``edit``, its quantities and words can be changed; ``search``,
        its words are fed back, so that a beam of them makes sense; ``explain``, it answers the questions about a step.
    also_end : tuple of int
        Other tokens than END that end a run too.
    suppressed_tokens : tuple of int
        Tokens that are never written by themselves, however probable: START, and the unknown word.
    summary : str
        One sentence from the card: data and measured quality.
    """

    name: str
    title: str
    task: str
    channels: tuple[Channel, ...]
    words: tuple[str, ...]
    start_token: int
    end_token: int
    maximum_steps: int = 20
    input_size: tuple[int, int] = (0, 0)
    parameters: int = 0
    weights_hash: str = ""
    encoder: str = ""
    input_kind: str = "picture"
    detokenization: str = "words"
    draws: str = ""
    can: frozenset[str] = ALL_ABILITIES
    also_end: tuple[int, ...] = ()
    suppressed_tokens: tuple[int, ...] = ()
    summary: str = ""

    def ends(self, token: int) -> bool:
        """Whether nothing follows this token."""
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
