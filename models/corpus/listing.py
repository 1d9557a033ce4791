"""What a corpus is made of: the files below a folder, or those that a list names."""

import errno
import hashlib
import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from unrolled.models.inputs.files import ReadingError
from unrolled.models.inputs.kinds import kind_named, medium_of, read_bytes
from unrolled.models.store.layout import StoreError
from unrolled.models.trace.names import file_name, text_name

LARGEST_LIST = 2**30   # bytes
MOST_KEPT = 20         # sentences
OF_ZARR = "zarr.json"  # what a folder in Zarr has


@dataclass(slots=True)
class Sentences:
    """Of which a corpus may give millions: how many there are, and the first few."""

    count: int = 0
    sentences: list[str] = field(default_factory=list)

    def add(self, sentence: str) -> None:
        self.count += 1
        if len(self.sentences) < MOST_KEPT:
            self.sentences.append(sentence)


@dataclass(frozen=True, slots=True)
class Listing:
    """Files in the order of their names."""

    root: Path  # what titles are paths below
    paths: tuple[Path, ...]
    left_out: Sentences = field(default_factory=Sentences)  # what else lies there that has a document's name

    def title(self, path: Path) -> str:
        """Its path below the root, with slashes; the whole path of a file that lies elsewhere."""
        return (path.relative_to(self.root) if path.is_relative_to(self.root) else path).as_posix()


def list_files(corpus: Path) -> Listing:
    """The files of a folder and the folders in it, but hidden ones, and stores; or those that a list names, a line each, relative
    to it. Links to files are followed, those to folders are not: they may lead round. Raises `StoreError` when there is no such
    folder or list, it is a store, or a line of the list names no file.
    """
    if corpus.is_dir():
        root = corpus.resolve()
        if (root / OF_ZARR).exists():
            raise StoreError(f"“{file_name(corpus)}” is a store itself; name the folder of the documents.")
        left_out = Sentences()
        paths = sorted(_below(root, left_out))
        if not paths:
            why = f" that can be read: {left_out.sentences[0]}" if left_out.count else "."
            raise StoreError(f"The folder “{file_name(corpus)}” holds no files{why}")
        return Listing(root, tuple(paths), left_out)
    if not corpus.is_file():
        raise StoreError(f"There is no folder or list “{corpus}”.")
    return _listed(corpus.resolve())


def _below(root: Path, left_out: Sentences) -> Iterator[Path]:
    def said(path: Path) -> str:
        return text_name(path.relative_to(root).as_posix() if path != root else path.name)

    def unread(error: OSError) -> None:
        left_out.add(f"The folder “{said(Path(error.filename))}” cannot be read: {error.strerror or error}.")

    for place, folders, names in os.walk(root, onerror=unread):
        folder = Path(place)
        folders[:] = [name for name in folders if not name.startswith(".") and _why_not(folder / name / OF_ZARR)]
        links = [name for name in folders if _is_link(folder / name)]  # which are not walked
        for path in (folder / name for name in (*links, *names) if not name.startswith(".")):
            if why := _why_not(path):
                left_out.add(f"“{said(path)}” {why}.")
            else:
                yield path


def _why_not(path: Path) -> str:
    """Why what stands there is no file; nothing of a file."""
    try:
        mode = path.stat().st_mode
    except OSError as error:
        nothing = error.errno in (errno.ENOENT, errno.ELOOP)
        return "is a link that leads to nothing" if nothing else f"cannot be read: {error.strerror or error}"
    return "" if stat.S_ISREG(mode) else "is a link to a folder, which is not followed" if stat.S_ISDIR(mode) else "is not a file"


def _is_link(path: Path) -> bool:
    try:
        return path.is_symlink()
    except OSError:
        return False  # nothing may be known of it


def _listed(path: Path) -> Listing:
    try:
        if path.stat().st_size > LARGEST_LIST:
            raise StoreError(f"“{file_name(path)}” is too large for a list of files.")
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise StoreError(f"“{file_name(path)}” is not a list of files: it is not text.") from error
    except OSError as error:
        raise StoreError(f"“{file_name(path)}” cannot be read: {error.strerror or error}.") from error
    found: list[Path] = []
    for number, line in enumerate(lines, start=1):
        if line.strip():
            named = path.parent / line.strip()
            if not named.is_file():
                raise StoreError(f"Line {number} of “{file_name(path)}” names no file; a list has the path of a file in each "
                                 "line.")
            found.append(named)
    if not found:
        raise StoreError(f"The list “{file_name(path)}” is empty.")
    return Listing(path.parent, tuple(dict.fromkeys(found)))


def read_document(path: Path, input_kind: str) -> bytes:
    """A document's bytes. Raises `ReadingError`, or `StoreError`, with a sentence."""
    wanted = kind_named(input_kind).medium
    found = medium_of(path, input_kind)
    if found != wanted:
        raise StoreError(f"“{file_name(path)}” is no {wanted}.")
    return read_bytes(path, wanted)


def corpus_hash(titles: Sequence[str], hashes: Sequence[bytes]) -> str:
    """Of all documents, so that it is known whether they are the same as before."""
    whole = hashlib.sha256()
    for title, own in zip(titles, hashes, strict=True):
        whole.update(title.encode("utf-8", "surrogateescape") + b"\0" + own)
    return whole.hexdigest()


READING_ERRORS = (ReadingError, StoreError, OSError)
