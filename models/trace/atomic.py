"""Write a file beside its name and move it into place, so that a failure leaves the old file or none."""

import os
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from glob import escape
from pathlib import Path
from typing import BinaryIO, cast

UNFINISHED = ".unrolled-"
LEFT_OVER_SECONDS = 3600.0  # what is older was left by a process that was killed


def _sweep(folder: Path, prefix: str) -> None:
    """Remove what was left unfinished under the same name."""
    for left in folder.glob(f"{escape(prefix)}*"):
        with suppress(OSError):
            if time.time() - left.stat().st_mtime > LEFT_OVER_SECONDS:
                left.unlink()


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """A temporary path in the same folder and with the same suffix, moved to `path` when the block ends well. Raises
    `OSError` when the folder is missing or not writable, or the disk is full. Nothing is left behind then.
    """
    prefix = f".{path.stem[:40]}{UNFINISHED}"
    _sweep(path.parent, prefix)
    handle, name = tempfile.mkstemp(prefix=prefix, suffix=path.suffix, dir=path.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        with temporary.open("rb+") as file:  # Windows flushes only what is open for writing
            os.fsync(file.fileno())
        temporary.chmod(_permissions(path))
        temporary.replace(path)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise


@contextmanager
def atomic_write(path: Path) -> Iterator[BinaryIO]:
    """A binary file to write into; it takes the name `path` when the block ends well."""
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        yield cast(BinaryIO, file)
        file.flush()


def _permissions(path: Path) -> int:
    """Those of the file that is replaced, else what a plainly opened file would get; a temporary file is private."""
    with suppress(OSError):
        return stat.S_IMODE(path.stat().st_mode)
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask
