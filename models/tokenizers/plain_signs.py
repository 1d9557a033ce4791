"""A text in the signs that a model knows: quotation marks, dashes and letters that are written in another way; and notes of it.

Nothing that the model knows is touched.
"""

import unicodedata
from collections.abc import Callable, Iterable

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
    """The text with what is unknown written in what is known, where that can be, and a note of what was replaced. `known`:
    whether the model knows a character.
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
    notes = (f"The model reads {', '.join(replaced[:8])}{' …' if len(replaced) > 8 else ''}.",)
    return composed.translate(table), notes if replaced else ()


def unseen(words: Iterable[str], then: str = "read as unknown") -> tuple[str, ...]:
    """The note on words that a model was not trained on, each named once; none where there are none."""
    names = [f"“{word}”" for word in dict.fromkeys(words)]
    return (f"Never seen in training, and {then}: {_listed(names, 8)}.",) if names else ()


def known_text(given: str, known: Callable[[str], bool], *, longest: int, otherwise: str) -> tuple[str, tuple[str, ...]]:
    """The first characters of a text, in signs that are known where that can be, and notes of what is read in another way.

    Parameters
    ----------
    known : callable
        Whether the model knows a character.
    otherwise : str
        What is said before those that it does not know.
    """
    text, replaced = in_known_signs(given[:longest], known)
    length = max(len(given), len(text))  # some signs are read as several
    cut = (f"Of {length:,} characters the first {longest:,} are read.",) if length > longest else ()
    text = text[:longest]
    unknown = [own if own.isprintable() else f"U+{ord(own):04X}" for own in dict.fromkeys(text) if not known(own)]
    return text, (*cut, *replaced, *((f"{otherwise}: {_listed(unknown, 12, ' ')}",) if unknown else ()))


def _listed(names: list[str], most: int, between: str = ", ") -> str:
    return between.join(names[:most]) + (" …" if len(names) > most else "")
