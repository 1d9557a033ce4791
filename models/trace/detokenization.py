"""How tokens make a text that people read."""

import re
from collections.abc import Iterable
from itertools import groupby

from unrolled.models.trace.names import INSTEAD, JOINERS

SIGNS = {"\n": "⏎", "\t": "⇥", " ": "␣"}  # of a character that stands alone
WORD_BEGINS = "▁"  # U+2581, in front of a piece that begins a word
WORD_GOES_ON = "@@"
_NAMED = re.compile("(?:⟨[89A-F][0-9A-F](?: [89A-F][0-9A-F])*⟩)+")
_NO_CHARACTER = re.compile("[\udc80-\udcff]+|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]+")  # as Python escapes bytes; what is not seen


def named_bytes(data: bytes) -> str:
    """UTF-8 as a text, in which bytes that are no whole characters, or none that are seen, are named: ``⟨E2 82⟩``."""
    return _NO_CHARACTER.sub(lambda found: f"⟨{found[0].encode('utf-8', 'surrogateescape').hex(' ').upper()}⟩",
                             data.decode("utf-8", "surrogateescape"))


def text_of(words: Iterable[str], detokenization: str, *, without: Iterable[str] = ()) -> str:
    """The text that a run's words make.

    Parameters
    ----------
    words : iterable of str
        As they were written.
    detokenization : {'words', 'pieces', 'continued pieces', 'characters', 'labels', 'last label'}
        Words have spaces between them; pieces of words say with ``▁`` where a word begins, or with ``@@`` behind them where
        it goes on; characters follow one another; of labels each is said once where it begins; of a last label nothing but
        that one is said.
    without : iterable of str
        Words that are no part of the text: START and END.
    """
    left_out = frozenset(without)
    kept = [word for word in words if word not in left_out]
    if detokenization == "words":
        return " ".join(kept)
    if detokenization == "continued pieces":
        return " ".join(kept).replace(f"{WORD_GOES_ON} ", "")
    if detokenization == "labels":
        return ", then ".join(label for label, _ in groupby(kept))
    if detokenization == "last label":
        return kept[-1] if kept else ""
    joined = "".join(kept)
    if detokenization == "pieces":  # bytes that were written one after another make characters
        joined = _NAMED.sub(lambda found: named_bytes(bytes.fromhex(re.sub("[⟨⟩]", " ", found[0]))), joined)
        return joined.replace(WORD_BEGINS, " ").strip()
    return joined


def shown(word: str, detokenization: str) -> str:
    """A single token for people.

    A piece that begins a word stands without its sign, one that goes on with a word has a dot in front; a line end, a
    tab and a space are signs that can be seen. Whatever else cannot be printed is one replacement sign.
    """
    if not word.isprintable():
        joiners = JOINERS if len(word) > 1 else ""  # one alone would not be seen
        word = "".join(sign if sign.isprintable() or sign in joiners else SIGNS.get(sign, INSTEAD) for sign in word)
    if detokenization == "pieces":
        goes_on = word[:1].isalnum()
        return f"·{word}" if goes_on else word.removeprefix(WORD_BEGINS) or word
    if detokenization == "characters":
        return SIGNS.get(word, word)
    return word
