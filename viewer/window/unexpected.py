"""What nobody expected: an exception that leaves a slot or a thread is a sentence where the person looks, and goes into a
log file that the Help menu opens.
"""

import logging
import sys
import threading
import traceback
from contextlib import suppress
from logging.handlers import RotatingFileHandler
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from unrolled.models.store.layout import StoreError, UnreachableError
from unrolled.viewer.state.notice import Notice

if TYPE_CHECKING:
    from unrolled.viewer.window.main_window import MainWindow

LARGEST_LOG = 1_000_000  # bytes; one older file is kept beside it
log = logging.getLogger("unrolled")


class Unexpected(QObject):
    """Says and logs what leaves a slot or a thread, for as long as its window is there.

    Parameters
    ----------
    path : Path
        The log file; its folder need not be writable.
    """

    caught = Signal(str, str)

    def __init__(self, window: "MainWindow", path: Path) -> None:
        super().__init__(window)
        self._window = window
        self._closed = False
        self._handler: logging.Handler | None = None
        with suppress(OSError):
            self._handler = RotatingFileHandler(path, maxBytes=LARGEST_LOG, backupCount=1, encoding="utf-8")
            self._handler.setFormatter(logging.Formatter("%(asctime)s %(name)s %(levelname)s: %(message)s"))
            log.addHandler(self._handler)
        self._before = sys.excepthook, threading.excepthook
        sys.excepthook = self._leaves_slot
        threading.excepthook = lambda found: self._leaves_slot(found.exc_type, found.exc_value, found.exc_traceback)
        self.caught.connect(self._say)  # from a thread it comes by way of the event loop
        window.closing.connect(self.close)

    def close(self) -> None:
        """Leave things as they were; once is enough."""
        if self._closed:
            return
        self._closed = True
        sys.excepthook, threading.excepthook = self._before
        if self._handler is not None:
            log.removeHandler(self._handler)
            self._handler.close()

    def _leaves_slot(self, kind: type[BaseException], error: BaseException | None, where: TracebackType | None) -> None:
        if not issubclass(kind, Exception):
            self._before[0](kind, error or kind(), where)
            return
        detail = "".join(traceback.format_exception(kind, error, where))
        log.error("unexpected\n%s", detail)
        reason = (str(error).splitlines() or [""])[0]
        if isinstance(error, (StoreError, UnreachableError)):  # a store that was damaged or taken away while it is open
            self.caught.emit(reason.rpartition("(): ")[2], "")  # Qt's bindings say before it where it was raised
            return
        print(detail, file=sys.stderr, end="")
        self.caught.emit(f"Something went wrong that should not: {kind.__name__}{': ' if reason else ''}{reason}", detail)

    def _say(self, sentence: str, detail: str) -> None:
        self._window.say(Notice(place="run", text=f"{sentence.rstrip('.')}.", action="Details" if detail else "", stays=True,
                                act=lambda: self._window.dialogs.show_traceback(sentence, detail)))
