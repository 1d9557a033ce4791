"""What lies beside a checkpoint of JoeyNMT: its settings in YAML, and a vocabulary of each language, a word a line."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from unrolled.models.checkpoints.files import CheckpointError
from unrolled.models.families.joey_nmt.subwords import Merges, merges_of
from unrolled.models.protocol.decoding import MOST_HYPOTHESES, MOST_PENALTY, Decoding

LARGEST_SETTINGS, LARGEST_VOCABULARY = 2**18, 2**26  # bytes; of all settings in a folder together, which take seconds
LONGEST_SAID = 100
SPECIAL = {"unk": (0, "<unk>"), "pad": (1, "<pad>"), "bos": (2, "<s>"), "eos": (3, "</s>")}
ESCAPED_SPACE = "▁"


def nested(settings: Any, *names: str) -> Any:
    """What stands at a path of names; None where there is nothing."""
    for name in names:
        settings = settings.get(name) if isinstance(settings, Mapping) else None
    return settings


def said(value: Any) -> str:
    """A word or a number as text; empty for all else, which may hold the same things many times over."""
    return str(value)[:LONGEST_SAID] if isinstance(value, str | int | float) else ""


def settings_beside(path: Path) -> Mapping[str, Any]:
    """Of the one settings file in a checkpoint's folder: ``config.yaml``, or another that names a model. `CheckpointError`."""
    found: dict[str, Mapping[str, Any]] = {}
    left = LARGEST_SETTINGS
    candidates = (own for ending in ("yaml", "yml") for own in path.parent.glob(f"*.{ending}") if own.is_file())
    for candidate in sorted(candidates, key=lambda own: (own.name != "config.yaml", own)):
        left -= candidate.stat().st_size
        if left < 0:
            break
        try:
            content = yaml.safe_load(candidate.read_text(encoding="utf-8"))
        except Exception:  # what a file can do to this reader is not to be listed
            continue
        if nested(content, "model", "encoder") is not None and isinstance(nested(content, "data"), Mapping):
            found[candidate.name] = content
    if not found:
        raise CheckpointError(f"“{path.name}” does not hold its settings; put its config.yaml into the same folder.")
    if len(found) > 1 and "config.yaml" not in found:
        raise CheckpointError(f"Beside “{path.name}” lie several settings, {', '.join(found)}; call its own config.yaml.")
    return found.get("config.yaml") or next(iter(found.values()))


@dataclass(frozen=True, slots=True)
class Language:
    """One side of a translator."""

    words: tuple[str, ...]
    # unknown, padding, start, end: the numbers of the special words
    unknown: int
    padding: int
    start: int
    end: int
    level: str                    # word, bpe, char
    lower: bool
    normal: bool
    escaped: bool                 # whether characters stand for spaces by ``▁``
    merges: Merges | None = None  # what makes pieces of words; without them they have to be in a sentence already
    prepared: bool = False        # whether a tokeniser that is not here prepared the sentences of the training

    @property
    def notes(self) -> tuple[str, ...]:
        """What a person should know who types a sentence."""
        pieces = "This model reads pieces of words, and they have to be in the sentence already, as “tran@@ slate”."
        moses = "The Moses tokeniser prepared this model's sentences: here a space has to stand before punctuation."
        return (*((pieces,) if self.level == "bpe" and self.merges is None else ()), *((moses,) if self.prepared else ()))

    @property
    def detokenization(self) -> str:
        if self.level == "char":
            return "pieces" if self.escaped else "characters"
        return "continued pieces" if self.level == "bpe" else "words"

    def split(self, sentence: str) -> list[str]:
        """A sentence in words, pieces of words or characters."""
        sentence = normalised(sentence) if self.normal else sentence
        sentence = " ".join(sentence.lower().split() if self.lower else sentence.split())
        if self.level == "char":
            return list(sentence.replace(" ", ESCAPED_SPACE) if self.escaped else sentence)
        words = sentence.split()
        return words if self.merges is None else [piece for word in words for piece in self.merges.pieces(word)]


def normalised(sentence: str) -> str:
    """In Unicode's composed form of equal signs (NFKC), plain quotation marks, and no spaces before punctuation."""
    plain = unicodedata.normalize("NFKC", sentence).translate({ord("’"): "'", ord("“"): '"', ord("”"): '"', 0x200B: ""})
    return re.sub(r" ([?!:.,])", r"\1", re.sub(r"[ \N{IDEOGRAPHIC SPACE}]+", " ", plain)).strip()


def language(path: Path, settings: Mapping[str, Any], side: str, count: int) -> Language:
    """The source's (``src``) or the target's (``trg``) of a checkpoint with so many words. Raises `CheckpointError`."""
    data = settings["data"]
    own = data[side] if isinstance(data.get(side), Mapping) else data  # of JoeyNMT 1 both sides have their settings in common
    named = own.get("voc_file") or data.get(f"{side}_vocab") or ""
    file = path.parent / f"{side}_vocab.txt"
    if not file.is_file() and isinstance(named, str) and named:
        file = path.parent / Path(named.replace("\\", "/")).name
    try:
        if file.stat().st_size > LARGEST_VOCABULARY:
            raise CheckpointError(f"“{file.name}” is far larger than any vocabulary.")
        lines = file.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise CheckpointError(f"“{path.name}” does not hold its words; put its vocabulary {side}_vocab.txt into the same "
                              "folder.") from error
    special = nested(data, "special_symbols")
    names = {name: said(nested(special, f"{name}_token")) or token for name, (_, token) in SPECIAL.items()}
    tags = nested(special, "lang_tags")
    separates = said(nested(special, "sep_token"))
    first = [*names.values(), *([separates] if separates else []), *(map(said, tags) if isinstance(tags, list) else ())]
    words = tuple(dict.fromkeys((*first, *(lines[:-1] if lines and not lines[-1] else lines))))
    if len(words) != count:
        raise CheckpointError(f"“{path.name}” has {count:,} words, and “{file.name}” has {len(words):,}: it is another model's.")
    numbers = {name: words.index(token) for name, token in names.items()}
    level = said(own.get("level")) or "word"
    tokenizer, merges = own.get("tokenizer_cfg"), None
    codes = nested(tokenizer, "codes")
    if level == "bpe" and isinstance(codes, str):
        separator = said(nested(tokenizer, "separator")) or "@@"
        merges = merges_of(path.parent / Path(codes.replace("\\", "/")).name, set(words) - set(first), separator)
    return Language(words, numbers["unk"], numbers["pad"], numbers["bos"], numbers["eos"], level=level,
                    lower=bool(own.get("lowercase")), normal=bool(own.get("normalize")), escaped=ESCAPED_SPACE in words,
                    merges=merges, prepared=nested(tokenizer, "pretokenizer") == "moses")


def is_first(settings: Mapping[str, Any]) -> bool:
    """Whether they are JoeyNMT 1's."""
    return not isinstance(nested(settings, "data", "src"), Mapping)


def decoding_of(settings: Mapping[str, Any]) -> Decoding:
    """How they have words chosen."""
    width, first, penalty = (nested(settings, "testing", name) for name in ("beam_size", "alpha", "beam_alpha"))
    penalty = penalty if first is None else first  # which JoeyNMT 1 calls it
    penalty = min(max(float(penalty), 0.0), MOST_PENALTY) if isinstance(penalty, int | float) else 0.0
    if isinstance(width, int) and 1 < width <= MOST_HYPOTHESES:
        return Decoding(method="beam", beam_width=width, length_penalty=penalty)
    return Decoding(length_penalty=penalty)


def least_words(settings: Mapping[str, Any]) -> int:
    """Before so many words JoeyNMT 2 does not write END."""
    if is_first(settings):
        return 0
    named = nested(settings, "testing", "min_output_length")
    return named if isinstance(named, int) else 1


def suppressed_tokens(settings: Mapping[str, Any], target: Language) -> tuple[int, ...]:
    """What JoeyNMT 2 never writes by itself: START, padding, a separator, languages' tags; the unknown word where it says so."""
    if is_first(settings):
        return ()
    special = nested(settings, "data", "special_symbols")
    tags, separator = nested(special, "lang_tags"), said(nested(special, "sep_token"))
    others = [*(map(said, tags) if isinstance(tags, list) else ()), *([separator] if separator else [])]
    unknown = () if nested(settings, "testing", "generate_unk") is not False else (target.unknown,)
    return (target.start, target.padding, *(target.words.index(own) for own in others), *unknown)
