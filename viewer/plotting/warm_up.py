"""pyqtgraph takes a second to import: it is done in a thread once the window has been seen."""

import threading

_under_way = threading.Event()


class WarmUp:
    """The thread. A view waits for it (`under_way`), or imports the same module where no thread was announced."""

    def __init__(self) -> None:
        _under_way.set()
        self._thread = threading.Thread(target=_import, name="pyqtgraph", daemon=True)

    def start(self) -> None:
        """Begin, once."""
        if not self._thread.is_alive() and self._thread.ident is None:
            self._thread.start()

    def join(self) -> None:
        """Wait until it is over: a program that ends in the middle of an import may crash."""
        if self._thread.ident is not None:
            self._thread.join()
        _under_way.clear()


def under_way() -> bool:
    """Whether a view does well to wait with its plots: the import was announced, and is not through."""
    return _under_way.is_set()


def _import() -> None:
    try:
        from unrolled.viewer.plotting import library  # noqa: F401
    finally:
        _under_way.clear()
