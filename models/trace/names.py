"""Names and texts that can be shown.

On some systems a name is any bytes, and Python keeps those that are no UTF-8 as half characters; a text may hold commands
for the terminal that it is written to.
"""

import argparse
import unicodedata
from pathlib import Path
from typing import NoReturn

INSTEAD = "\N{REPLACEMENT CHARACTER}"
LONGEST_LINE = 300
JOINERS = "\N{ZERO WIDTH NON-JOINER}\N{ZERO WIDTH JOINER}"  # Persian and Hindi spell with them; of emoji too


def text_name(name: str) -> str:
    """A name that can be encoded, drawn and written to a terminal: what cannot be printed is one replacement sign each."""
    return "".join(map(_seen, name))


def file_name(path: Path) -> str:
    """A path's last part, to be shown."""
    return text_name(path.name)


def is_endless(path: Path) -> bool:
    """Whether what lies there is a device or a pipe, which whoever reads it may wait for for ever."""
    return path.exists() and not path.is_file() and not path.is_dir()


def printable(text: str) -> str:
    """A text for a terminal, which keeps its lines and takes no commands of what a file or a model wrote."""
    return "".join(character if character in "\n\t" else _seen(character) for character in text)


def first_line(error: Exception) -> str:
    """What an error says, on one line that is not too long: some repeat what stands in a file."""
    line = (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
    return line if len(line) <= LONGEST_LINE else f"{line[:LONGEST_LINE]} …"


def _seen(character: str) -> str:
    """Python counts no space but one among what can be printed; macOS writes a narrow one in the names of screenshots."""
    return character if character.isprintable() or unicodedata.category(character) == "Zs" or character in JOINERS else INSTEAD


class PlainParser(argparse.ArgumentParser):
    """One that repeats words which it does not know as they can be printed."""

    def error(self, message: str) -> NoReturn:
        super().error(printable(message))
