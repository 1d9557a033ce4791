"""A text in the signs that a model knows: quotation marks, dashes and letters that are written in another way.

Nothing that the model knows is touched.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable

PLAINER = {
    **dict.fromkeys("“”„‟«»″", ('"',)), **dict.fromkeys("‘’‚‛‹›′ʼ", ("'", '"')),
    **dict.fromkeys("–—―‒−‐‑", ("-", "--")),
    "…": ("...",), "\N{NO-BREAK SPACE}": (" ",), "\N{NARROW NO-BREAK SPACE}": (" ",), "\t": ("    ", " "),
    "•": ("*", "-"), "×": ("x",),
    **dict.fromkeys("\N{NEXT LINE}\N{PARAGRAPH SEPARATOR}\v\f", ("\n",)), "\N{VARIATION SELECTOR-16}": ("",),
    **{sign: (plain,) for sign, plain in zip("łŁøØđĐıħ", "lLoOdDih", strict=True)},  # letters that are not composed
    "œ": ("oe",), "Œ": ("OE",), "æ": ("ae",), "Æ": ("AE",), "ß": ("ss",), "\N{LINE SEPARATOR}": ("\n",),
}
NAMED = {"\t": "a tab", "    ": "four spaces", " ": "a space"}


def in_known_signs(text: str, known: Callable[[str], bool]) -> tuple[str, tuple[str, ...]]:
    """The text with what is unknown written in what is known, where that can be, and a note of what was replaced.

    Parameters
    ----------
    known : callable
        Whether the model knows a character.
    """
    composed = unicodedata.normalize("NFC", text)
    table: dict[int, str] = {}
    for sign in set(composed):
        if not known(sign):
            unseen = ("",) if unicodedata.category(sign) == "Cf" else ()  # zero width, soft hyphens, marks of direction
            ways = (*PLAINER.get(sign, unseen), unicodedata.normalize("NFKC", sign), unicodedata.normalize("NFD", sign),
                    unicodedata.normalize("NFD", sign)[0])
            plainer = next((way for way in ways if way != sign and all(map(known, way))), None)
            if plainer is not None:
                table[ord(sign)] = plainer
    replaced = [f"{NAMED.get(chr(sign), chr(sign))} as {NAMED.get(way, way)}" for sign, way in sorted(table.items())
                if chr(sign) in NAMED or (chr(sign).isprintable() and way.strip())]
    notes = (f"Read in signs that the model knows: {', '.join(replaced[:8])}{' …' if len(replaced) > 8 else ''}.",)
    return composed.translate(table), notes if replaced else ()
