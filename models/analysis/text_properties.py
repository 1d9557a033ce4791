"""Properties of a text that a recurrent network may keep track of, a number for every character.

Strings and comments are Python's. A text may be cut anywhere, even in the middle of a string, so that no parser of
whole programs is used but a scanner of characters.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.float32]

OPENING, CLOSING = "([{", ")]}"
TAB_WIDTH = 8
CODE, COMMENT, STRING = 0, 1, 2


def regions(text: str) -> npt.NDArray[np.uint8]:
    """For every character whether it lies in code (0), in a comment (1), or in a string (2), quotes included."""
    kinds = np.zeros(len(text), np.uint8)
    place, length = 0, len(text)
    while place < length:
        character = text[place]
        if character == "#":
            end = text.find("\n", place)
            end = length if end < 0 else end
            kinds[place:end] = COMMENT
        elif character in "\"'":
            end = _end_of_string(text, place)
            kinds[place:end] = STRING
        else:
            end = place + 1
        place = end
    return kinds


def _end_of_string(text: str, start: int) -> int:
    """The place behind a string that begins here. One with single quotes ends with its line at the latest."""
    quote = text[start]
    mark = quote * 3 if text.startswith(quote * 3, start) else quote
    place = start + len(mark)
    while place < len(text):
        if text[place] == "\\":
            place += 2
        elif text.startswith(mark, place):
            return place + len(mark)
        elif text[place] == "\n" and len(mark) == 1:
            return place
        else:
            place += 1
    return len(text)


def _codes(text: str) -> npt.NDArray[np.uint32]:
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)


def _as_numbers(flags: npt.NDArray[np.bool_]) -> Numbers:
    numbers: Numbers = flags.astype(np.float32)
    return numbers


def inside_string(text: str) -> Numbers:
    """1 inside a string, its quotes included, else 0."""
    return _as_numbers(regions(text) == STRING)


def inside_comment(text: str) -> Numbers:
    """1 inside a comment, else 0."""
    return _as_numbers(regions(text) == COMMENT)


def bracket_depth(text: str) -> Numbers:
    """How many brackets are open before each character; brackets in strings and comments do not count."""
    codes = _codes(text)
    change = (np.isin(codes, _codes(OPENING)).astype(np.int64) - np.isin(codes, _codes(CLOSING))) * (regions(text) == CODE)
    total = np.concatenate(([0], np.cumsum(change)))[: len(text)]
    unmatched = np.minimum.accumulate(total) if len(text) else total  # a bracket that closes nothing counts for nothing
    return (total - unmatched).astype(np.float32)


def position_in_line(text: str) -> Numbers:
    """How many characters of its line stand before each."""
    ends = _codes(text) == ord("\n")
    places = np.arange(len(text))
    begins = np.maximum.accumulate(np.where(np.concatenate(([True], ends[:-1])), places, 0)) if len(text) else places
    return (places - begins).astype(np.float32)


def indentation(text: str) -> Numbers:
    """How far the line of each character is indented, in columns."""
    found = np.zeros(len(text), np.float32)
    place = 0
    for line in text.split("\n"):
        head = line[: len(line) - len(line.lstrip(" \t"))]
        found[place : place + len(line) + 1] = len(head.expandtabs(TAB_WIDTH))
        place += len(line) + 1  # its end belongs to it
    return found


PROPERTIES: dict[str, Callable[[str], Numbers]] = {
    "inside a string": inside_string,
    "inside a comment": inside_comment,
    "depth of brackets": bracket_depth,
    "position in the line": position_in_line,
    "indentation": indentation,
}
"""By what people call them."""
