"""Multi30k: sentences with their translations (Elliott et al. 2016; French: Elliott et al. 2017).

Files ``train.en``, ``train.fr``, ``val.en`` …, plain or ``.gz``, one sentence a line, the files parallel.
"""

import gzip
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from unrolled.models.data.errors import DataError

SPLIT_NAMES = {"train": ("train",), "dev": ("val", "dev", "valid"),
               "test": ("test", "flickr2016.test", "test_2016_flickr", "test2016", "flickr.test")}


@dataclass(frozen=True, slots=True)
class SentencePairs:
    """A split: sentences and their translations, as they were written."""

    source: Sequence[str]
    target: Sequence[str]


def read_pairs(folder: Path, split: str, *, source: str, target: str) -> SentencePairs:
    """The sentence pairs of a split; those with an empty side are left out. Raises `DataError` when a file is missing, damaged,
    or the two do not have as many lines.

    Parameters
    ----------
    split : {'train', 'dev', 'test'}
    source, target : str
        Languages as the files' suffixes name them: ``en``, ``fr``, ``de``.
    """
    if not folder.is_dir():
        raise DataError(f"There is no folder “{folder}”.")
    if split not in SPLIT_NAMES:
        raise DataError(f"There is no split “{split}”; there are {', '.join(SPLIT_NAMES)}.")
    sides = [_lines(folder, SPLIT_NAMES[split], language) for language in (source, target)]
    if len(sides[0]) != len(sides[1]):
        raise DataError(f"The files of the split “{split}” are not parallel: {len(sides[0])} and {len(sides[1])} lines.")
    pairs = [(left, right) for left, right in zip(*sides, strict=True) if left and right]
    if not pairs:
        raise DataError(f"The split “{split}” in “{folder}” is empty.")
    return SentencePairs([left for left, _ in pairs], [right for _, right in pairs])


def _lines(folder: Path, names: Sequence[str], language: str) -> list[str]:
    for name in names:
        for path in (folder / f"{name}.{language}", folder / f"{name}.{language}.gz"):
            if not path.is_file():
                continue
            try:
                data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
                # Not splitlines(): the data hold characters that it takes for line ends.
                return [line.strip() for line in data.decode("utf-8").rstrip("\n").split("\n")]
            except (OSError, EOFError, UnicodeDecodeError) as error:
                raise DataError(f"“{path.name}” is damaged or not UTF-8.") from error
    raise DataError(f"“{folder}” has no {names[0]}.{language} or {names[0]}.{language}.gz.")
