"""In which encoding a text is: what its marks and its zeros say, UTF-8 where it is that, else the likeliest (`alphabets`)."""

import codecs
import re
import unicodedata
from collections import Counter
from functools import lru_cache

from unrolled.models.inputs.alphabets import decoded, likeliest_encoding

LOOKED_AT = 20_000  # bytes, which tell as much as all
MOST_CONTROL = 0.05  # of a text's characters
MOST_TELLING = 4_000  # of those, in whole lines with characters beyond ASCII
TITLES = {"cp932": "Shift JIS", "cp949": "EUC-KR", "big5": "Big5", "mac_latin2": "Mac Central European", "latin-1": "Latin-1",
          "cp874": "Windows-874 (Thai)", "tcvn": "TCVN 5712", "cp037": "EBCDIC (code page 037)",
          "cp500": "EBCDIC (code page 500)"}
MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32"),
         (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
WIDE = (("utf-32-le", 4), ("utf-32-be", 4), ("utf-16-le", 2), ("utf-16-be", 2))
LEAST_STRANGE, MOST_PLAIN = 0.05, 0.8  # of a text in one of these, read as bytes: control characters, and printable ASCII
WRITTEN_TOGETHER = {"HIRAGANA": "CJK", "KATAKANA": "CJK", "KATAKANA-HIRAGANA": "CJK"}
ONE_SCRIPT = 0.7  # of its letters, Latin ones among Japanese or Russian ones being the others
MOST_BAD = 2      # so many good letters beyond ASCII for a bad byte, and it is UTF-8 with a fault in it
DAMAGED = "damaged UTF-8"


def decode_text(data: bytes) -> tuple[str, str]:
    """A text, and Python's name of its encoding.

    Raises
    ------
    UnicodeDecodeError
        When it has the mark of an encoding and is not in it.
    ValueError
        When it is no text.
    """
    for mark, encoding in MARKS:
        if data.startswith(mark):
            return data.decode(encoding), encoding
    wide = wide_encoding(data)
    if wide:
        return data.decode(wide), wide
    if b"\0" in data:
        raise ValueError("there are zeros in it")
    if b"\x1b$" in data or b"\x1b(J" in data:
        return data.decode("iso2022_jp"), "iso2022_jp"
    try:
        return data.decode("utf-8"), "utf-8"
    except UnicodeDecodeError:
        mended = data.decode("utf-8", "replace")
        bad = mended.count("\N{REPLACEMENT CHARACTER}")
        if sum(sign > "\x7f" for sign in mended) - bad > MOST_BAD * bad:  # a few bytes of it are damaged
            return mended, DAMAGED
        if not re.search(rb"[\r\n]", data) and len(re.findall(rb"[.!?]\x85(?=[\x80-\xffA-Z]|$)", data)) == data.count(0x85) > 0:
            return data.decode("latin-1"), "latin-1"  # lines that end as those of mainframes do
        telling = b"\n".join(line for line in re.split(rb"[\r\n]+", data[:LOOKED_AT]) if not line.isascii())
        encoding = likeliest_encoding(telling[:MOST_TELLING])
    text = decoded(data, encoding)
    control = sum(not (character.isprintable() or character in "\n\r\t\f\x1a\N{NO-BREAK SPACE}") for character in text)
    if control > MOST_CONTROL * len(text):
        raise ValueError("it is full of control characters")
    return text, encoding


def wide_encoding(data: bytes) -> str:
    """The encoding of two or four bytes a character, without a mark, that a text is in; empty for any other. Such a text looks
    like no text at all to other encodings, and nearly all of its letters are of one script.
    """
    head = data[:LOOKED_AT]
    plain = sum(head.count(code) for code in range(32, 127))
    strange = sum(head.count(code) for code in (*range(9), 11, *range(14, 32)))
    if not head or strange < LEAST_STRANGE * len(head) or plain > MOST_PLAIN * len(head):
        return ""
    for encoding, width in WIDE:
        if len(data) % width:
            continue
        text = head.decode(encoding, "replace").removesuffix("\N{REPLACEMENT CHARACTER}")
        scripts = Counter(WRITTEN_TOGETHER.get(_script(sign), _script(sign)) for sign in text if sign.isalpha())
        shown = sum(sign.isprintable() or sign in "\n\r\t" for sign in text) == len(text)
        if shown and scripts and scripts.most_common(1)[0][1] >= ONE_SCRIPT * scripts.total():
            return encoding
    return ""


def encoding_title(encoding: str) -> str:
    """As people know it: ``Windows-1252``."""
    name = encoding.lower().replace("_", "-")
    if encoding in TITLES:
        return TITLES[encoding]
    if name.startswith(("cp12", "mac-")):
        return f"Windows-{name[2:]}" if name.startswith("cp") else encoding.replace("_", " ").title()
    if name.startswith("iso8859-"):
        return f"ISO {name[3:]}"
    return f"code page {name[2:]}" if name.startswith("cp") else name.upper()


@lru_cache(maxsize=4096)
def _script(character: str) -> str:
    return unicodedata.name(character, "? ").split()[0]
