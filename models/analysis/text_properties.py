"""Properties of a text that a recurrent network may keep track of, a number for every character.

Strings and comments are Python's. A text may be cut anywhere, even in the middle of a string, so that no parser of
whole programs is used but a scanner of characters.
"""

import re
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.float32]

BRACKETS = ("()", "[]", "{}")
TAB_WIDTH = 8
CODE, COMMENT, STRING = 0, 1, 2
REGION = re.compile("|".join((
    r"#[^\n]*", *(rf"{mark * 3}(?:[^\\{mark}]+|\\.?|{mark}(?!{mark * 2}))*(?:{mark * 3})?|{mark}(?:[^\\{mark}\n]+|\\.?)*{mark}?"
                  for mark in "\"'"))), re.DOTALL)  # each part takes what it can, and none ever has to give back


def regions(text: str) -> npt.NDArray[np.uint8]:
    """For every character whether it lies in code (0), in a comment (1), or in a string (2), quotes included. A string with
    single quotes ends with its line at the latest."""
    kinds = np.zeros(len(text), np.uint8)
    for found in REGION.finditer(text):
        kinds[found.start() : found.end()] = COMMENT if found[0][0] == "#" else STRING
    return kinds


def _codes(text: str) -> npt.NDArray[np.uint32]:
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)


def _as_numbers(flags: npt.NDArray[np.bool_]) -> Numbers:
    return flags.astype(np.float32)


def inside_string(text: str) -> Numbers:
    """1 inside a string, its quotes included, else 0."""
    return _as_numbers(regions(text) == STRING)


def inside_comment(text: str) -> Numbers:
    """1 inside a comment, else 0."""
    return _as_numbers(regions(text) == COMMENT)


def bracket_depth(text: str) -> Numbers:
    """How many brackets are open before each character; brackets in strings and comments do not count."""
    codes = _codes(text)
    change = sum((codes == ord(pair[0])).astype(np.int64) - (codes == ord(pair[1])) for pair in BRACKETS)
    change *= regions(text) == CODE
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
