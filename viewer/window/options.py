"""What the window is started with. It knows no Qt."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowOptions:
    """The command line's words for the window.

    Attributes
    ----------
    file : Path, optional
        A photograph, a trace or a session; a sample photograph without it.
    model : str
        A shipped model's name or a checkpoint's path; empty for the one that was used last.
    device : str
        ``auto``, ``cpu``, ``cuda``, ``mps``.
    screenshot : Path, optional
        Run to the end of the caption, save a picture of the window here, and leave.
    size : tuple of int, optional
        The window's width and height.
    theme : str, optional
        ``light`` or ``dark``, in place of the remembered one.
    connect : str
        A backend elsewhere, as ``HOST:PORT#SECRET``.
    debug : bool
        Show tracebacks.
    """

    file: Path | None = None
    model: str = ""
    device: str = "auto"
    screenshot: Path | None = None
    size: tuple[int, int] | None = None
    theme: str | None = None
    connect: str = ""
    debug: bool = False
