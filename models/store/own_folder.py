"""Temporary folders that are removed even where the process that made them was killed: by whoever makes or looks next."""

import os
import shutil
import tempfile
import threading
import weakref
from pathlib import Path

PREFIX, LOCK = "unrolled-of-a-process-", ".lock"


class OwnFolder:
    """A temporary folder with a lock in it that ends with this process, however that ends. Raises `OSError`.

    It is removed when nobody has this any more, by a thread: that may take as long as what lies in it is large.
    """

    def __init__(self) -> None:
        from filelock import FileLock

        remove_left()
        while True:
            self.path = Path(tempfile.mkdtemp(prefix=PREFIX))
            self._lock = FileLock(self.path / LOCK, thread_local=False)
            self._lock.acquire()
            if (self.path / LOCK).exists():  # nobody took it for a leftover between its making and its locking
                break
        weakref.finalize(self, _remove, self.path)


def _remove(folder: Path) -> None:
    if threading.main_thread().is_alive():
        threading.Thread(target=shutil.rmtree, args=(folder, True), name="leftovers").start()
    else:  # the process ends, and begins no thread
        shutil.rmtree(folder, ignore_errors=True)


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
