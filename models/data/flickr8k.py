"""Flickr8k in the layouts that people have it in (Hodosh, Young and Hockenmaier 2013).

The data set's own: ``Flickr8k.token.txt`` with lines of ``NAME.jpg#k<TAB>caption``, and split lists such as
``Flickr_8k.trainImages.txt``. The other that is common: ``captions.txt`` with lines of ``image,caption``. The
photographs lie in ``Images/``, ``Flicker8k_Dataset/`` or beside the lists, or in ``images-*.tar``.
"""

import csv
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from unrolled.models.data.errors import DataError
from unrolled.models.inputs.kinds import kind_named
from unrolled.models.tokenizers.symbols import tokenise

SPLIT_FILES = {"train": "Flickr_8k.trainImages.txt", "dev": "Flickr_8k.devImages.txt", "test": "Flickr_8k.testImages.txt"}
PHOTOGRAPH_FOLDERS = ("Images", "images", "Flicker8k_Dataset", "Flickr8k_Dataset", ".")
SUFFIXES = kind_named("picture").suffixes
DEV_SHARE = 8  # without split lists one photograph in so many is kept from training


@dataclass(frozen=True, slots=True)
class Photograph:
    """Where a photograph is: a file, or a member of a tar file at an offset."""

    name: str
    path: Path
    offset: int = 0
    length: int = -1

    def read(self) -> bytes:
        with self.path.open("rb") as file:
            file.seek(self.offset)
            return file.read(self.length)


@dataclass(frozen=True, slots=True)
class CaptionedPhotographs:
    """A split: photographs, and for each its captions as words."""

    photographs: Sequence[Photograph]
    captions: Sequence[Sequence[Sequence[str]]]


def read_split(folder: Path, split: str) -> CaptionedPhotographs:
    """The photographs of a split that have captions.

    Where there are no split lists, ``train`` is all but every eighth photograph, ``dev`` every eighth, and ``test`` all of
    them. Raises `DataError` when captions or photographs are not where they should be.
    """
    if not folder.is_dir():
        raise DataError(f"There is no folder “{folder}”.")
    captions = _captions(folder)
    photographs = _photographs(folder)
    names = [name for name in _names(folder, split, sorted(captions)) if name in captions and name in photographs]
    if not names:
        raise DataError(f"None of the photographs of the split “{split}” is in “{folder}”.")
    return CaptionedPhotographs([photographs[name] for name in names], [captions[name] for name in names])


def _captions(folder: Path) -> Mapping[str, list[list[str]]]:
    own, other = folder / "Flickr8k.token.txt", folder / "captions.txt"
    captions: dict[str, list[list[str]]] = {}
    if own.is_file():
        for line in own.read_text(encoding="utf-8").splitlines():
            name, _, caption = line.partition("\t")
            captions.setdefault(name.partition("#")[0], []).append(tokenise(caption))
    elif other.is_file():
        with other.open(encoding="utf-8", newline="") as file:
            for row in csv.reader(file):
                if len(row) >= 2 and row[0] != "image":
                    captions.setdefault(row[0], []).append(tokenise(",".join(row[1:])))
    else:
        raise DataError(f"“{folder}” holds no captions: Flickr8k.token.txt or captions.txt is looked for.")
    return {name: kept for name, own_captions in captions.items() if (kept := [c for c in own_captions if c])}


def _photographs(folder: Path) -> Mapping[str, Photograph]:
    for name in PHOTOGRAPH_FOLDERS:
        inside = folder / name
        if inside.is_dir():
            found = {path.name: Photograph(path.name, path) for path in sorted(inside.iterdir())
                     if path.suffix.lower() in SUFFIXES}
            if found:
                return found
    packed: dict[str, Photograph] = {}
    for archive in sorted(folder.glob("images-*.tar")):
        with tarfile.open(archive) as tar:
            for member in tar:
                name = Path(member.name).name
                if member.isfile() and name.lower().endswith(SUFFIXES):
                    packed[name] = Photograph(name, archive, member.offset_data, member.size)
    if not packed:
        raise DataError(f"“{folder}” holds no photographs: {', '.join(PHOTOGRAPH_FOLDERS[:4])} are looked for, "
                        "and images-*.tar.")
    return packed


def _names(folder: Path, split: str, everything: Sequence[str]) -> Sequence[str]:
    """The names of a split, in the list's order; duplicates of a list are left out."""
    if split not in SPLIT_FILES:
        raise DataError(f"There is no split “{split}”; there are {', '.join(SPLIT_FILES)}.")
    listed = folder / SPLIT_FILES[split]
    if listed.is_file():
        return list(dict.fromkeys(listed.read_text(encoding="utf-8").split()))
    if any((folder / name).is_file() for name in SPLIT_FILES.values()):
        if split == "test":
            known = {name for other in ("train", "dev") if (folder / SPLIT_FILES[other]).is_file()
                     for name in (folder / SPLIT_FILES[other]).read_text(encoding="utf-8").split()}
            rest = [name for name in everything if name not in known]
            if rest:
                return rest
        raise DataError(f"“{folder}” has no list of the split “{split}”: {SPLIT_FILES[split]} is looked for.")
    if split == "test":
        return everything
    return [name for place, name in enumerate(everything) if (place % DEV_SHARE == 0) == (split == "dev")]
