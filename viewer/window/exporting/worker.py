"""An export in a thread: it says how far it is, and can be told to stop."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QThread, Signal

if TYPE_CHECKING:
    from unrolled.models.trace import Trace
    from unrolled.viewer.export import ExportSettings, Subject

STOP_MILLISECONDS = 5000


class ExportWorker(QThread):
    """Writes one file.

    Parameters
    ----------
    run : Subject or Trace
        What is exported; nobody else changes it meanwhile.
    what : str
        Its content; see `unrolled.viewer.export.export`.

    Attributes
    ----------
    progressed : Signal(float)
        How far it is, from 0 to 1.
    done : Signal(str)
        It is written (empty), or one sentence that says why not.
    """

    progressed = Signal(float)
    done = Signal(str)

    def __init__(self, run: Subject | Trace, path: Path, settings: ExportSettings, parent: QObject | None = None, *,
                 what: str = "") -> None:
        super().__init__(parent)
        self._run, self._path, self._settings, self._what = run, path, settings, what
        self._cancelled = threading.Event()

    def run(self) -> None:
        """In the thread; called by Qt."""
        from unrolled.viewer.export import export  # PyAV and the rest are needed by nobody before

        try:
            export(self._run, self._path, self._settings, what=self._what, on_progress=self.progressed.emit,
                   cancelled=self._cancelled.is_set)
        except OSError as error:
            self._say(f"“{self._path.name}” cannot be written: {error.strerror or error}.")
        except ValueError as error:
            self._say(str(error))
        except Exception as error:
            self._say(f"The export failed: {type(error).__name__}: {error}.")
        else:
            self._say("")

    def cancel(self) -> None:
        """Stop, and wait until the thread has ended."""
        self._cancelled.set()
        self.wait(STOP_MILLISECONDS)

    def _say(self, sentence: str) -> None:
        if not self._cancelled.is_set():
            self.done.emit(sentence)
