"""pyqtgraph takes a second to import: it is done in a thread once the window has been seen."""

from __future__ import annotations

import threading


class WarmUp:
    """The thread. A view that needs a plot before it is through imports the same module, and so waits for it."""

    def __init__(self) -> None:
        self._thread = threading.Thread(target=_import, name="pyqtgraph", daemon=True)

    def start(self) -> None:
        """Begin, once."""
        if not self._thread.is_alive() and self._thread.ident is None:
            self._thread.start()

    def join(self) -> None:
        """Wait until it is over: a program that ends in the middle of an import may crash."""
        if self._thread.ident is not None:
            self._thread.join()


def _import() -> None:
    from unrolled.viewer.plotting import library  # noqa: F401
