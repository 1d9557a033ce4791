"""What can be asked of all documents, as people write it: the words of `unrolled corpus search`."""

import math
import re
from dataclasses import dataclass, field

from unrolled.models.corpus.nearest import LikeWhat, like_what, nearest_to
from unrolled.models.corpus.parts import Told, Wanted
from unrolled.models.corpus.search import Found, search, search_text
from unrolled.models.store.store import Store

EXAMPLES = "on 12,40 off 7 threshold 0.5   ·   like 3:120-140   ·   text regular expression"
HELP = """on 12,40      units 12 and 40 are at least at the threshold
off 7           unit 7 is below it
threshold 0.5   0.5 without it
for 3           at least three steps long
like 3:120-140  states like those of steps 120 to 140 of document 3 (see its tooltip); metric euclid, else cosine
like TRACE:120  states like those of a trace in a file
text WORDS      where a regular expression matches; also anything else that is written"""
WORDS = ("on", "off", "threshold", "for", "like", "text")
METRICS = ("cosine", "euclid")
OTHERWISE = "To find these words in a text, begin with “text”."


class QuestionError(ValueError):
    """What is written is no question: one sentence."""


@dataclass(frozen=True, slots=True)
class OnTogether:
    """Where units are on, and others off."""

    on: tuple[int, ...] = ()
    off: tuple[int, ...] = ()
    threshold: float = 0.5
    length: int = 1

    def answer(self, store: Store, channel: str, wanted: Wanted, progress: Told) -> Found:
        return search(store, channel, on=self.on, off=self.off, threshold=self.threshold, length=self.length, wanted=wanted,
                      progress=progress)


@dataclass(frozen=True, slots=True)
class Like:
    """Where states are like others."""

    what: LikeWhat
    metric: str = "cosine"

    def answer(self, store: Store, channel: str, wanted: Wanted, progress: Told) -> Found:
        return nearest_to(store, channel, self.what, wanted=wanted, progress=progress,
                          metric="euclid" if self.metric == "euclid" else "cosine")


@dataclass(frozen=True, slots=True)
class Matching:
    """Where texts match a regular expression."""

    pattern: str

    def answer(self, store: Store, _channel: str, wanted: Wanted, progress: Told) -> Found:
        return search_text(store, self.pattern, wanted=wanted, progress=progress)


Question = OnTogether | Like | Matching


@dataclass(slots=True)
class _Said:
    """The words and what follows each."""

    values: dict[str, str] = field(default_factory=dict)

    def number(self, word: str, otherwise: float) -> float:
        text = self.values.get(word)
        try:
            found = otherwise if text is None else float(text)
        except ValueError:
            found = math.nan
        if not math.isfinite(found):
            raise QuestionError(f"After “{word}” comes a number, not “{text}”.")
        return found

    def units(self, word: str) -> tuple[int, ...]:
        parts = [part for part in re.split(r"[\s,]+", self.values.get(word, "")) if part]
        if not all(part.isdecimal() for part in parts):
            raise QuestionError(f"After “{word}” come numbers of units, such as 12,40. {OTHERWISE}")
        return tuple(map(int, parts))


def question_of(written: str) -> Question:
    """What is asked. Raises `QuestionError`."""
    text = written.strip()
    if not text:
        raise QuestionError("Write what to look for.")
    first = re.match(r"(?:--)?([a-z]+)\b", text)
    if first is None or first[1] not in WORDS:
        return Matching(text)
    if first[1] == "text":
        pattern = text[first.end() :].strip()
        if not pattern:
            raise QuestionError("After “text” comes a regular expression.")
        return Matching(pattern)
    if first[1] == "like":
        return _like(text[first.end() :])
    said = _Said()
    parts = re.split(r"(?:^|\s+)(?:--)?(" + "|".join(WORDS) + r")\b\s*", text)
    for word, value in zip(parts[1::2], parts[2::2], strict=True):
        said.values[word] = value.strip()
    if not {"on", "off"} & said.values.keys():
        return Matching(text)  # “for x in range” is one too
    return OnTogether(said.units("on"), said.units("off"), said.number("threshold", 0.5), max(int(said.number("for", 1)), 1))


def _like(written: str) -> Like:
    place, _, metric = written.partition(" metric ")  # a path may hold any other word
    what, metric = like_what(place, counted_from=1), metric.strip() or METRICS[0]
    if what is None:
        raise QuestionError("After “like” come a document or a trace’s file, and steps from 1 on, such as 3:120-140. "
                            f"{OTHERWISE}")
    if metric not in METRICS:
        raise QuestionError(f"After “metric” comes cosine or euclid, not “{metric}”.")
    return Like(what, metric)
