"""Words and units as people write them, in the window and on the command line. It knows neither Qt nor torch."""

import difflib

from unrolled.models.trace import ModelDescription
from unrolled.models.trace.detokenization import WORD_BEGINS, shown
from unrolled.models.trace.edits import EditError
from unrolled.viewer.state.wording import NOUNS

ALL = ("all", "*", "")
LONGEST_RANGE = 1_000_000


def token_of(text: str, description: ModelDescription) -> int:
    """The token of a word as people write it. Raises `EditError` when the model has no such word; near ones are named."""
    words, detokenization = description.words, description.detokenization
    noun = NOUNS.get(detokenization, "token")
    for candidate in (text, f"{WORD_BEGINS}{text}" if detokenization == "pieces" else text):
        if candidate in words:
            return words.index(candidate)
    seen = [shown(word, detokenization) for word in words]
    for candidate in (text, text.lower()):
        if candidate in seen:
            return seen.index(candidate)
    near = difflib.get_close_matches(text, seen, n=3)
    hint = f" Near it: {', '.join(near)}." if near else ""
    raise EditError(f"“{text}” is not one of the model’s {len(words):,} {noun}s.{hint}" if text else f"Type the {noun} first.")


def units_of(text: str) -> tuple[int, ...]:
    """``17``, ``3, 5, 20-25``, or ``all``, for which nothing is listed. Raises `EditError` when it is none of these."""
    text = text.replace(" ", "")
    if text in ALL:
        return ()
    units: list[int] = []
    for part in text.split(","):
        first, dash, last = part.partition("-")
        if not first.isdecimal() or (dash and not last.isdecimal()):
            raise EditError(f"“{part}” is not a unit; write 17, or 3,5,20-25, or all.")
        begin, end = int(first), int(last) if dash else int(first)
        if not begin <= end < begin + LONGEST_RANGE:
            raise EditError(f"“{part}” is not a range of units.")
        units += range(begin, end + 1)
    return tuple(dict.fromkeys(units))
