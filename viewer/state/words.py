"""How the words of a run are written on screen. It knows no Qt."""

from __future__ import annotations

from unrolled.models.trace.detokenization import shown as sign

END_TEXT = "END"


def is_end(word: str) -> bool:
    """Whether a word is the END token's: a mark such as ``<end>`` or ``</s>``, no word of a language."""
    return word.strip("</>[]").lower() in ("end", "eos", "s") and word[:1] in "<[" and len(word) > 2


def shown(word: str, detokenization: str = "words") -> str:
    """The word as people know it, or END for the END token; see `unrolled.models.trace.detokenization.shown`."""
    return END_TEXT if is_end(word) else sign(word, detokenization)
