"""Read a text's file, or say in one sentence why not. Window and backend read the same bytes with this function."""

import codecs
import re
from typing import NamedTuple

from unrolled.models.inputs.alphabets import MOST_MARKS, decoded, with_few_marks
from unrolled.models.inputs.encodings import DAMAGED, decode_text, encoding_title
from unrolled.models.inputs.files import ReadingError

SUFFIXES = (".txt", ".text", ".md", ".rst", ".log", ".srt", ".en", ".fr", ".de", ".py", ".pyi", ".toml", ".cfg", ".ini", ".json",
            ".csv", ".c", ".h", ".cpp", ".hpp", ".go", ".rs", ".java", ".js", ".ts", ".html", ".css", ".tex", ".sh")
LARGEST_TEXT = 8 * 1024 * 1024  # bytes


class Text(NamedTuple):
    text: str                    # with line ends as ``\n``
    notes: tuple[str, ...] = ()  # what was done to it that a person should know, a sentence each


def as_utf_8(data: bytes, encoding: str, name: str) -> bytes:
    """A text's bytes in UTF-8, with its mark, of bytes in an encoding that a person chose. Raises `ReadingError` where there is
    none of that name, or it is not one of texts.
    """
    try:
        return codecs.BOM_UTF8 + decoded(data, encoding).removeprefix("\ufeff").encode("utf-8", "replace")
    except (LookupError, UnicodeError) as error:
        raise ReadingError(f"“{name}” cannot be read as “{encoding}”, which is not a text encoding known here; try cp1252, "
                           "koi8-r or utf-16.") from error


def plain_line_ends(text: str) -> str:
    """With ``\\n`` at the end of each line, whatever was there."""
    return re.sub("\r\n|[\r\N{NEXT LINE}\N{LINE SEPARATOR}\N{PARAGRAPH SEPARATOR}]", "\n", text)


def read_text(data: bytes, name: str) -> Text:
    """Decode a text: UTF-8, or what its marks or its letters tell, which is said then. Raises `ReadingError` when it is empty,
    far too large, or no text at all.
    """
    if len(data) > LARGEST_TEXT:
        raise ReadingError(f"“{name}” is {len(data) / 2**20:.0f} MiB; {LARGEST_TEXT // 2**20} MiB are the most that can be read.")
    notes: tuple[str, ...] = ()
    try:
        text, encoding = decode_text(data)
    except UnicodeDecodeError as error:
        raise ReadingError(f"“{name}” is damaged: it says that it is {encoding_title(error.encoding)} and is not.") from error
    except ValueError as error:
        raise ReadingError(f"“{name}” is not a text: it holds binary data.") from error
    if encoding == DAMAGED:
        notes = (f"“{name}” has bytes that are not valid UTF-8; each is shown as �.",)
    elif not encoding.startswith("utf"):
        notes = (f"“{name}” is not UTF-8; it was read as {encoding_title(encoding)}.",)
    whole = plain_line_ends(text)
    text = with_few_marks(whole)
    if len(text) < len(whole):
        notes += (f"At most {MOST_MARKS} marks on a letter are read; “{name}” has more.",)
    if not text.strip():
        raise ReadingError(f"“{name}” is empty.")
    return Text(text, notes)
