"""Photographs with their captions and splits: Flickr8k in either of the two layouts that people have.

One has ``Flickr8k.token.txt`` (``NAME.jpg#k<TAB>caption``) and lists like ``Flickr_8k.devImages.txt``; the other has
``captions.txt`` (``image,caption`` lines). Photographs lie in ``Flicker8k_Dataset/``, ``Images/`` or tar files.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

from unrolled.models.data.photographs import DataError, Photographs, find_photographs

__all__ = ["SPLITS", "CaptionedPhotographs", "DataError", "read_captioned"]

SPLITS = ("train", "dev", "test")


@dataclass(frozen=True, slots=True, kw_only=True)
class CaptionedPhotographs:
    """A data set, or one split of it.

    Attributes
    ----------
    folder : Path
    split : str
        ``train``, ``dev``, ``test``, or ``all`` where the data are not divided.
    photographs : Photographs
        To read them by name.
    names : tuple of str
        The photographs of this split, in the list's order.
    captions : tuple of tuple of str
        For each of them its captions, as they are written in the file.
    """

    folder: Path
    split: str
    photographs: Photographs
    names: tuple[str, ...]
    captions: tuple[tuple[str, ...], ...]

    def __len__(self) -> int:
        return len(self.names)


def read_captioned(folder: Path, split: str | None = None) -> CaptionedPhotographs:
    """Read a split of a data set.

    Parameters
    ----------
    folder : Path
        Where the captions' file lies.
    split : str, optional
        ``train``, ``dev``, ``test`` or ``all``. Without it, dev where there is a list of it, else test, else all.
        A split without a list is all that stands in no other list.

    Raises
    ------
    DataError
        When there are no captions, no photographs, or none in that split.
    """
    photographs = find_photographs(folder)
    captions = _read_captions(folder)
    lists = {name: found for name in SPLITS if (found := _read_list(folder, name)) is not None}
    if split is None:
        split = next((name for name in ("dev", "test") if name in lists), "all")
    if split not in (*SPLITS, "all"):
        raise DataError(f"There is no split “{split}”; there are train, dev, test and all.")
    if split in lists:
        wanted = lists[split]
    else:
        elsewhere = set().union(*lists.values()) if split != "all" else set()
        wanted = [name for name in captions if name not in elsewhere]
    names = tuple(name for name in wanted if name in captions and name in photographs)
    if not names:
        raise DataError(f"“{folder}” has no photographs with captions in the split “{split}”.")
    return CaptionedPhotographs(folder=folder, split=split, photographs=photographs, names=names,
                                captions=tuple(tuple(captions[name]) for name in names))


def _find(folder: Path, name: str) -> Path | None:
    """A file of the data set: in the folder itself, or in the one that its text archive unpacks to."""
    return next((path for path in (folder / name, folder / "Flickr8k_text" / name) if path.is_file()), None)


def _read_list(folder: Path, split: str) -> list[str] | None:
    path = _find(folder, f"Flickr_8k.{split}Images.txt")
    return None if path is None else [line.strip() for line in _lines(path) if line.strip()]


def _read_captions(folder: Path) -> dict[str, list[str]]:
    if (path := _find(folder, "Flickr8k.token.txt")) is not None:
        pairs = [_token_line(line, path) for line in _lines(path) if line.strip()]
    elif (path := _find(folder, "captions.txt")) is not None:
        pairs = [_comma_line(row, path) for row in csv.reader(_lines(path)) if row]
        if pairs and pairs[0] == ("image", "caption"):
            del pairs[0]
    else:
        raise DataError(f"“{folder}” holds no captions: neither Flickr8k.token.txt nor captions.txt is there.")
    captions: dict[str, list[str]] = {}
    for name, caption in pairs:
        captions.setdefault(name, []).append(caption)
    return captions


def _token_line(line: str, path: Path) -> tuple[str, str]:
    name, tab, caption = line.partition("\t")
    if not tab:
        raise DataError(f"A line of “{path}” has no tab: {line[:60]!r}.")
    return name.rpartition("#")[0] or name, caption.strip()


def _comma_line(row: list[str], path: Path) -> tuple[str, str]:
    if len(row) < 2:
        raise DataError(f"A line of “{path}” has no comma: {row[0][:60]!r}.")
    return row[0].strip(), ",".join(row[1:]).strip()  # captions with commas are not always quoted


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8-sig", errors="replace").splitlines()
    except OSError as error:
        raise DataError(f"“{path}” cannot be read: {error.strerror or error}.") from error
