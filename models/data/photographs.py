"""Photographs by name, from a folder or straight from tar files, which are never unpacked."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp"})
FOLDERS = ("Flicker8k_Dataset", "Flickr8k_Dataset", "Images", "images")


class DataError(RuntimeError):
    """Data that cannot be used: one sentence for people."""


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a file's bytes are: in a file of its own (length -1), or inside a tar."""

    path: Path
    offset: int = 0
    length: int = -1


@dataclass(frozen=True, slots=True)
class Photographs:
    """Photographs that can be read by name."""

    _places: dict[str, _Place] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self._places)

    def __contains__(self, name: object) -> bool:
        return name in self._places

    @property
    def names(self) -> list[str]:
        """All of them, sorted."""
        return sorted(self._places)

    def read(self, name: str) -> Image.Image:
        """A photograph as RGB.

        Raises
        ------
        DataError
            When it is damaged.
        """
        place = self._places[name]
        try:
            with place.path.open("rb") as file:
                file.seek(place.offset)
                data = file.read(place.length)
            return Image.open(io.BytesIO(data)).convert("RGB")
        except (OSError, SyntaxError, ValueError) as error:
            raise DataError(f"The photograph “{name}” in {place.path} cannot be read.") from error


def find_photographs(folder: Path) -> Photographs:
    """Look for photographs: in one of the data set's folders, in tar files, or in the folder itself.

    Raises
    ------
    DataError
        When there are none.
    """
    if not folder.is_dir():
        raise DataError(f"There is no folder “{folder}”.")
    places: dict[str, _Place] = {}
    for inner in FOLDERS:
        if (folder / inner).is_dir():
            places |= _in_folder((folder / inner).iterdir())
    if not places:
        for tar in sorted(folder.glob("*.tar")):
            places |= _in_tar(tar)
    if not places:
        places = _in_folder(folder.iterdir())
    if not places:
        raise DataError(f"“{folder}” holds no photographs, neither in {FOLDERS[0]}/ or Images/ nor in tar files.")
    return Photographs(places)


def _in_folder(paths: Iterable[Path]) -> dict[str, _Place]:
    return {path.name: _Place(path) for path in paths if path.suffix.lower() in SUFFIXES}


def _in_tar(tar: Path) -> dict[str, _Place]:
    """Where each photograph of a tar begins: stored as they are, they can be read without unpacking."""
    try:
        with tarfile.open(tar, "r:") as archive:
            return {Path(member.name).name: _Place(tar, member.offset_data, member.size) for member in archive
                    if member.isfile() and Path(member.name).suffix.lower() in SUFFIXES}
    except (tarfile.TarError, OSError) as error:
        raise DataError(f"“{tar}” cannot be read as a tar file.") from error
