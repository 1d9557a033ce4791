"""JSON read an element at a time.

Python's reader keeps every other thread waiting until it is at the end, which takes seconds for a long run. Here only
pieces are given to it, some thousand characters of an array's elements at once, and whoever waits is told how far it is.
"""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import msgspec

LEAST, MOST = 256, 2**16  # characters that are read at once
LONGEST = 2**22          # characters of a value that is read whole, which may take 24 times as many bytes
LONGEST_ELEMENT = 2**25  # of one in an array
MOST_MEMBERS = 2048      # of an object that is read one by one
SPACE = re.compile(r"[ \t\n\r]*")
_READER = json.JSONDecoder()


class TooLongError(ValueError):
    """A value has more characters than one of its kind may have."""


class JsonPieces:
    """A place in a JSON text, which moves on with everything that is read. `say`: told which part of the text is read, from 0
    to 1, after every element.
    """

    def __init__(self, text: str, say: Callable[[float], None]) -> None:
        self._text, self._say, self._place = text, say, 0

    def value(self, longest: int | None = None) -> Any:
        """What comes next, whole. Raises `TooLongError` when it has `LONGEST` characters, or so many, and `ValueError`."""
        start, most, length = self._after_space(), longest or LONGEST, MOST
        while True:
            piece = self._text[start : start + min(length, most)]
            to_the_end = start + len(piece) == len(self._text)
            try:
                found, end = _READER.raw_decode(piece)
            except ValueError:
                if to_the_end:
                    raise
                end = len(piece)
            if to_the_end or (end < len(piece) and piece[end] not in ".eE"):  # a number may be cut, and be one
                self._place = start + end
                self._say(self._place / len(self._text))
                return found
            if length >= most:
                raise TooLongError(f"the value at character {start} is longer than {most:,} characters, or none")
            length *= 4

    def string(self) -> str:
        """The string that comes next, of any length; empty for null. Raises `ValueError`."""
        if not self._text.startswith(('"', "null"), self._after_space()):
            raise ValueError(f"there is no string at character {self._place}")
        found: str = self.value(len(self._text)) or ""
        return found

    def array(self, read: Callable[[str], list[Any]] = json.loads) -> Iterator[Any]:
        """The elements of the array that comes next, `read` many at once where it takes them. Raises `ValueError`."""
        size = MOST
        for _ in self._elements("[", "]"):
            yield self.value(LONGEST_ELEMENT)
            size = max(size, 2 * LEAST)
            while size > LEAST and self._text.startswith(",", self._place):
                cut = 1 + self._text.rfind(self._text[self._place - 1] + ",", self._place, self._place + size)
                try:  # what was cut inside an element, or goes beyond the array, is no JSON
                    found = read(f"[{self._text[self._place + 1 : cut]}]") if cut else []
                except (ValueError, msgspec.DecodeError):
                    found = []
                size = min(2 * size, MOST) if found else size // 2
                if found:
                    self._place = cut
                    self._say(cut / len(self._text))
                    yield from found

    def members(self) -> Iterator[str]:
        """The names in the object that comes next; after each its value has to be read. Raises `ValueError`."""
        for count, _ in enumerate(self._elements("{", "}")):
            if count > MOST_MEMBERS:
                raise ValueError("an object has far too many members")
            name = self.value()
            self._expect(":")
            yield str(name)

    def _elements(self, opens: str, closes: str) -> Iterator[None]:
        self._expect(opens)
        if self._text.startswith(closes, self._after_space()):
            self._expect(closes)
            return
        while True:
            yield
            if self._expect("," + closes) == closes:
                return

    def _expect(self, signs: str) -> str:
        place = self._after_space()
        sign = self._text[place : place + 1]
        if not sign or sign not in signs:
            raise ValueError(f"there is no {' or '.join(signs)} at character {place}")
        self._place = place + 1
        return sign

    def _after_space(self) -> int:
        match = SPACE.match(self._text, self._place)
        return match.end() if match is not None else self._place
