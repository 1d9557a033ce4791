"""Temporary folders that are removed even where the process that made them was killed: by whoever makes or looks next."""

import os
import shutil
import tempfile
from pathlib import Path
from tempfile import TemporaryDirectory

PREFIX, LOCK = "unrolled-of-a-process-", ".lock"


class OwnFolder(TemporaryDirectory[str]):
    """A temporary folder with a lock in it that ends with this process, however that ends. Raises `OSError`."""

    def __init__(self) -> None:
        from filelock import FileLock

        remove_left()
        while True:
            super().__init__(prefix=PREFIX, ignore_cleanup_errors=True)
            path = Path(self.name) / LOCK
            self._lock = FileLock(path, thread_local=False)
            self._lock.acquire()
            if path.exists():  # nobody took it for a leftover between its making and its locking
                break


def remove_left() -> None:
    """Remove the folders of processes that are no more. One without a lock is being made, and stays."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        if _is_own(folder) and (folder / LOCK).exists() and _is_left(folder):
            shutil.rmtree(folder, ignore_errors=True)


def _is_own(folder: Path) -> bool:
    """Whether this person made it: where many people have one folder for such things, others may put anything there."""
    try:
        return not folder.is_symlink() and (not hasattr(os, "getuid") or folder.stat().st_uid == os.getuid())
    except OSError:
        return False


def _is_left(folder: Path) -> bool:
    from filelock import FileLock, Timeout

    try:
        with FileLock(folder / LOCK, blocking=False):
            return True
    except (Timeout, OSError):
        return False
