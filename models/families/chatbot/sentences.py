"""A sentence as the tutorial's chatbots read it: lower case, letters without marks, and three punctuation marks."""

from __future__ import annotations

import re
import unicodedata


def words_of(sentence: str) -> list[str]:
    """The words; whatever is no letter and no mark parts them, and a mark right in front of letters belongs to them."""
    decomposed = unicodedata.normalize("NFD", sentence.lower())
    return re.findall(r"[.!?]?[a-z]+|[.!?]", "".join(sign for sign in decomposed if unicodedata.category(sign) != "Mn"))
