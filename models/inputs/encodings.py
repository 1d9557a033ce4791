"""In which encoding a text is that is not UTF-8.

For the alphabets of Europe every encoding that Windows and old editors write is tried, and the one is taken in which the
letters stand as letters do: a small one follows a large one, quotation marks stand outside of words, a word has one
script. A single sentence is enough for that. What else there is, `charset-normalizer` tells by its statistics.
"""

from __future__ import annotations

import codecs
import re
import unicodedata
from collections import Counter
from functools import lru_cache

from charset_normalizer import from_bytes

LOOKED_AT = 20_000  # bytes, which tell as much as all
MOST_CONTROL = 0.05  # of a text's characters
EUROPEAN = ("cp1252", "cp1250", "iso8859_2", "cp1254", "cp1257", "mac_roman", "cp850", "cp1251", "koi8_r", "cp866",
            "iso8859_5", "cp1253", "cp1255", "cp1256", "cp852", "koi8_u")
"""In the order in which they are likely, where two give the same text."""
JAPANESE = ("cp932", "euc_jp")
ASIAN = ["gb18030", "big5", "cp949", *JAPANESE]
TITLES = {"cp932": "Shift JIS", "cp949": "EUC-KR", "mac_roman": "Mac Roman", "koi8_r": "KOI8-R", "koi8_u": "KOI8-U",
          "latin-1": "Latin-1"}
MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32"),
         (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
OPENING, CLOSING, LONE = "“„‘«‹¿¡(", "”’»›…", "–—©®°§€£×·½¼¾\N{NO-BREAK SPACE}"
USUAL = frozenset("éèêëàâäáãåçîïíñôöóõûüúßœæøÉÈÀÄÅÇÑÖÓØÜÚ")
ONLY_LAST = "ךםןףץς"  # letters that end a word
# As Windows-1252 has them: ı, ş and ğ, or š and ž, have the places of ý, þ and ð; ő and ű those of õ and û.
TURKISH, ICELANDIC, BALTIC = frozenset("ýþðÝÞÐ"), frozenset("áéíóúæÁÉÍÓÚÆ"), frozenset("ëèàæøÀÈËÆØ")
HUNGARIAN, OF_OTHERS = frozenset("õûÕÛ"), frozenset("ãçàèêîôùñåäëïÃÇÀÈÊÎÔÙÑÅÄËÏ")  # õ is Portuguese in õe, Estonian with ä
KANA = 0.15  # of a Japanese text's characters
WIDE = (("utf-32-le", 4), ("utf-32-be", 4), ("utf-16-le", 2), ("utf-16-be", 2))
LEAST_STRANGE, MOST_PLAIN = 0.05, 0.8  # of a text in one of these, read as bytes: control characters, and printable ASCII
WRITTEN_TOGETHER = {"HIRAGANA": "CJK", "KATAKANA": "CJK", "KATAKANA-HIRAGANA": "CJK"}
ONE_SCRIPT = 0.7  # of its letters, Latin ones among Japanese or Russian ones being the others
MOST_BAD = 2      # so many good letters beyond ASCII for a bad byte, and it is UTF-8 with a fault in it
DAMAGED = "damaged UTF-8"
ENOUGH = 0.7  # of 1, how well the letters have to stand


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
        encoding = _guess(data[:LOOKED_AT])
    text = data.decode(encoding, "replace")
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
    if name.startswith("cp12"):
        return f"Windows-{name[2:]}"
    return f"code page {name[2:]}" if name.startswith("cp") else name.upper()


def _guess(data: bytes) -> str:
    scores = {encoding: _standing(data, encoding) for encoding in EUROPEAN}
    best = max(EUROPEAN, key=scores.__getitem__)
    if scores[best] >= ENOUGH:
        return _neighbour(data.decode("cp1252", "replace")) if best == "cp1252" else best
    for encoding in JAPANESE:
        text = data.decode(encoding, "replace")
        if sum("\N{HIRAGANA LETTER SMALL A}" <= sign <= "\N{KATAKANA LETTER SMALL KE}" for sign in text) > KANA * len(text):
            return encoding
    found = from_bytes(data, cp_isolation=ASIAN).best()
    return found.encoding if found is not None else best if scores[best] > 0 else "latin-1"


def _neighbour(text: str) -> str:
    """The encoding of a text that looks like one of western Europe and may be one of its neighbours'."""
    letters = set(text)
    if "¤" in letters:  # nobody writes that: it has the place of €
        return "iso8859_15"
    if letters & TURKISH and not letters & ICELANDIC:
        return "cp1257" if letters & BALTIC else "cp1254"
    is_hungarian = letters & HUNGARIAN and letters & set("öüáíóÖÜÁÍÓ") and not letters & OF_OTHERS and "õe" not in text
    return "cp1250" if is_hungarian else "cp1252"


def _standing(data: bytes, encoding: str) -> float:
    """How well the letters beyond ASCII stand in a text, about 1 for each that does; -1 where it is not this encoding."""
    try:
        text = f" {data.decode(encoding)} "
    except UnicodeDecodeError:
        return -1.0
    worth = [_worth(*text[place - 1 : place + 2]) for place in range(1, len(text) - 1) if text[place] > "\x7f"]
    return sum(worth) / len(worth) if worth else 0.0


def _worth(before: str, own: str, after: str) -> float:
    if own in LONE or _is_of_measures(before, own, after):
        return 0.3
    if own in "«»":  # in French with a space inside
        return -1.0 if (before if own == "«" else after).isalnum() else 1.3
    if own in OPENING:
        return 1.3 if not before.isalnum() and not after.isspace() else -1.0
    if own in CLOSING:
        return 1.3 if before.isalnum() or (not before.isspace() and not after.isalnum()) else -1.0
    if not own.isalpha():
        return -1.0
    if own.isupper() and before.islower():
        return -1.0
    if own.islower() and before.isupper() and after.isupper():
        return -1.0
    beside = [other for other in (before, after) if other.isalpha()]
    if any(_script(other) != _script(own) for other in beside):
        return -1.0
    if own in ONLY_LAST and after.isalpha():
        return -1.0
    if _script(own) == "HEBREW":
        return 1.15  # its letters have the places of small Russian ones, among which those would stand within words
    if _script(own) != "LATIN":
        return 1.1 if beside else 0.5
    if any(other > "\x7f" for other in beside):
        return 0.2  # two such letters beside one another are rare
    return (1.2 if own in USUAL else 1.0) if beside or own in "àéÀÉóúyòè" else -0.5


def _is_of_measures(before: str, own: str, after: str) -> bool:
    """Whether a sign stands as in ± 1, m² and µm; elsewhere its place is that of other encodings' letters."""
    if own == "±":
        return not (before.isalpha() or after.isalpha())
    if own in "²³":
        return before == "m" and not after.isalnum()
    return own == "µ" and not before.isalpha() and after in "mglsFAVW"


@lru_cache(maxsize=4096)
def _script(character: str) -> str:
    return unicodedata.name(character, "? ").split()[0]
