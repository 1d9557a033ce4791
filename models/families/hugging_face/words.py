"""A tokenizer's tokens as pieces that people read: ``▁`` in front of what begins a word, as all of Unrolled has it."""

import json
import re
from collections.abc import Callable
from typing import Any

from unrolled.models.trace.detokenization import WORD_BEGINS, named_bytes


def words_of(tokenizer: Any, count: int) -> tuple[tuple[str, ...], str]:
    """The piece, or word, of every token, and how they make a text (see `unrolled.models.trace.detokenization`); those that the
    model has beyond its tokenizer's are named by their numbers, ``#7``.
    """
    known = min(len(tokenizer), count)
    tokens = [token if isinstance(token, str) else f"#{number}"
              for number, token in enumerate(tokenizer.convert_ids_to_tokens(list(range(known))))]
    kind, special = _kind(tokenizer), set(tokenizer.all_special_tokens)
    readable = READABLE.get(kind, str)
    words = tuple(token if token in special else readable(token) for token in tokens)
    return words + tuple(f"#{number}" for number in range(known, count)), "words" if kind == "words" else "pieces"


def _kind(tokenizer: Any) -> str:
    """How its tokens are written: ``bytes``, ``wordpiece``, ``words``, or with the sign that begins a word already."""
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is None:
        return ""
    plan = json.loads(backend.to_str())
    around = json.dumps([plan.get("decoder"), plan.get("pre_tokenizer")])
    if "ByteLevel" in around:
        return "bytes"
    if "Metaspace" in around or WORD_BEGINS in plan["model"].get("vocab", {}):
        return ""
    return {"WordPiece": "wordpiece", "WordLevel": "words"}.get(plan["model"].get("type", ""), "")


def _byte_signs() -> dict[str, int]:
    """The signs that stand for bytes, as GPT-2's tokenizer has them (Radford et al. 2019): those that cannot be printed are
    moved up behind the others.
    """
    plain = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    signs = {chr(byte): byte for byte in plain}
    return signs | {chr(0x100 + number): byte for number, byte in enumerate(b for b in range(0x100) if b not in plain)}


_SIGNS = _byte_signs()
_BYTE = re.compile("<0x([01][0-9A-F]|[89A-F][0-9A-F])>")


def _of_bytes(token: str) -> str:
    if any(sign not in _SIGNS for sign in token):
        return token
    text = named_bytes(bytes(_SIGNS[sign] for sign in token))
    return WORD_BEGINS + text[1:] if text.startswith(" ") else text


def _of_fallback(token: str) -> str:
    """Of a token that is a byte, ``<0xE2>``; signs that can be printed have tokens of their own, and these keep their names."""
    found = _BYTE.fullmatch(token)
    return named_bytes(bytes.fromhex(found[1])) if found is not None else token


def _of_word_piece(token: str) -> str:
    return token[2:] if token.startswith("##") else WORD_BEGINS + token


READABLE: dict[str, Callable[[str], str]] = {"bytes": _of_bytes, "wordpiece": _of_word_piece, "": _of_fallback}
