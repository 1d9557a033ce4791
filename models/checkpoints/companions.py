"""What a checkpoint needs and does not hold: the words, in a file beside it."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from unrolled.models.checkpoints.files import CheckpointError
from unrolled.models.checkpoints.inert_values import Stub
from unrolled.models.checkpoints.pickled import read_object

LARGEST_WORD_MAP = 2**26  # bytes
LONGEST_WORD = 1000


def word_map_beside(path: Path, words: int) -> dict[str, int]:
    """The word map of a checkpoint with so many words: a JSON file in its folder. Raises `CheckpointError`."""
    found: list[tuple[Path, dict[str, int]]] = []
    for candidate in beside(path, "*.json"):
        try:
            if candidate.stat().st_size <= LARGEST_WORD_MAP:
                found.append((candidate, msgspec.json.decode(candidate.read_bytes(), type=dict[str, int])))
        except (msgspec.DecodeError, OSError, RecursionError, ValueError):
            continue  # another kind of JSON
    fitting = [own for _, own in found if own and max(own.values()) == words - 1]
    if fitting:
        return fitting[0]
    if found:
        candidate, own = found[0]
        raise CheckpointError(f"“{path.name}” has {words:,} words, and the word map “{candidate.name}” has {len(own):,}: "
                              "it is another model's.")
    raise CheckpointError(f"“{path.name}” does not hold its words; put its word map, a JSON file such as "
                          "WORDMAP_coco_5_cap_per_img_5_min_word_freq.json, into the same folder.")


def vocabulary_beside(path: Path, words: int) -> dict[str, int]:
    """The vocabulary of a checkpoint with so many words: a pickled object with ``word2idx``. Raises `CheckpointError`."""
    wrong = ""
    for candidate in beside(path, "*vocab*.pkl"):
        content = read_object(candidate)
        own = content.state.get("word2idx") if isinstance(content, Stub) else None
        if isinstance(own, dict) and all(isinstance(word, str) and isinstance(number, int) for word, number in own.items()):
            if own and max(own.values()) == words - 1:
                return own
            wrong = f"“{path.name}” has {words:,} words, and “{candidate.name}” has {len(own):,}: it is another model's."
    raise CheckpointError(wrong or f"“{path.name}” does not hold its words; put its pickled vocabulary, vocab.pkl, into the "
                                   "same folder.")


def numbered_words(path: Path, numbers: Mapping[str, int], count: int, needed: Sequence[str]) -> tuple[str, ...]:
    """Words in the order of their numbers, ``#7`` where one has none. Raises `CheckpointError`."""
    missing = next((word for word in needed if word not in numbers), "")
    if missing:
        raise CheckpointError(f"The words of “{path.name}” lack “{missing}”.")
    words = [f"#{number}" for number in range(count)]
    for word, number in numbers.items():
        if not 0 <= number < count or len(word) > LONGEST_WORD:
            raise CheckpointError(f"The words of “{path.name}” are damaged: “{word[:40]}” has the number {number}.")
        words[number] = word
    return tuple(words)


def beside(path: Path, pattern: str) -> Iterator[Path]:
    """Files in the checkpoint's folder, and in those that the originals keep words in."""
    for folder in (path.parent, path.parent / "data", path.parent.parent / "data"):
        yield from (own for own in sorted(folder.glob(pattern)) if own.is_file() and own != path)
