"""One writer at a time: who traces into a store leaves a note there, and takes it away again."""

import json
import os
import socket
import time
from types import TracebackType

from unrolled.models.store.layout import StoreError
from unrolled.models.store.location import Location
from unrolled.models.trace.names import text_name

NOTE = "written/writer.json"   # in the folder of an array, where Zarr does not look for others
STALE_SECONDS = 120.0          # a writer that has said nothing for so long is no more
EVERY_SECONDS = 20.0


class Claim:
    """A context in which this process may write. `keep` is to be called now and then. Raises `StoreError` when somebody else is
    writing.
    """

    def __init__(self, location: Location) -> None:
        self._location, self._said = location, 0.0

    def __enter__(self) -> "Claim":
        if not self._location.create(NOTE, self._note()):
            other = self._other()
            if other:
                raise StoreError(f"“{self._location.title}” is being written by {other}. Wait until it has ended, or end it.")
            self._location.write(NOTE, self._note())
        self._said = time.monotonic()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._location.remove(NOTE)

    def keep(self) -> None:
        """Say that this process still writes."""
        if time.monotonic() - self._said > EVERY_SECONDS:
            self._location.write(NOTE, self._note())
            self._said = time.monotonic()

    @staticmethod
    def _note() -> bytes:
        return json.dumps({"host": socket.gethostname(), "process": os.getpid(), "at": time.time()}).encode()

    def _other(self) -> str:
        """Who is writing; nothing where whoever left the note is no more."""
        try:
            note = json.loads(self._location.read(NOTE) or b"{}")
            host, process, at = str(note["host"]), int(note["process"]), float(note["at"])
        except (ValueError, KeyError, TypeError):
            return ""
        here = host == socket.gethostname()
        if time.time() - at > STALE_SECONDS or (here and (process == os.getpid() or not _lives(process))):
            return ""
        return f"another process, number {process}" + ("" if here else f" on “{text_name(host)}”")


def _lives(process: int) -> bool:
    if os.name == "nt":
        return True  # to ask would end it; the note becomes stale
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
