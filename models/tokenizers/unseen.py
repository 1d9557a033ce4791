"""Says what of an input a model does not know."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from unrolled.models.tokenizers.plain_signs import in_known_signs


def unseen(words: Iterable[str], then: str = "read as unknown", most: int = 8) -> tuple[str, ...]:
    """The note on words that a model was not trained on, each named once; none where there are none."""
    names = [f"“{word}”" for word in dict.fromkeys(words)]
    return (f"Never seen in training, and {then}: {_listed(names, most)}.",) if names else ()


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
