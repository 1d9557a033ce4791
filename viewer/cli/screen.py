"""Whether there is a screen, and Qt's libraries: said in a sentence, where Qt itself would abort."""

import ctypes
import os
import sys
from typing import TYPE_CHECKING

from unrolled.models.trace.streams import ending_at_once
from unrolled.viewer.cli.telling import CommandError

if TYPE_CHECKING:
    from PySide6.QtGui import QGuiApplication

WAY_OUT = "“unrolled caption PHOTO” and “unrolled --screenshot OUT.png PHOTO” work without one"

LIBRARIES = {  # what Qt's xcb plugin loads that a bare system lacks, with Debian's package
    "libxcb-cursor.so.0": "libxcb-cursor0",
    "libxkbcommon-x11.so.0": "libxkbcommon-x11-0",
    "libxcb-icccm.so.4": "libxcb-icccm4",
    "libxcb-keysyms.so.1": "libxcb-keysyms1",
    "libxcb-image.so.0": "libxcb-image0",
    "libxcb-render-util.so.0": "libxcb-render-util0",
    "libxcb-shape.so.0": "libxcb-shape0",
}


def check_screen() -> None:
    """Raise `CommandError` when a window cannot be shown here."""
    if not sys.platform.startswith("linux"):
        return
    platform = os.environ.get("QT_QPA_PLATFORM", "")
    if platform and not platform.startswith(("xcb", "wayland")):
        return
    if not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        raise CommandError(f"There is no screen to open a window on; {WAY_OUT}.")
    if os.environ.get("DISPLAY") and not os.environ.get("WAYLAND_DISPLAY"):
        missing = [package for library, package in LIBRARIES.items() if not _loads(library)]
        if missing:
            raise CommandError(f"Qt needs libraries that this system lacks; get them with “apt install "
                               f"{' '.join(missing)}” or your system's like ({WAY_OUT}).")
        if not _display_answers():
            raise CommandError(f"The screen “{os.environ['DISPLAY']}” does not answer; {WAY_OUT}.")


@ending_at_once()
def check_qt() -> None:
    """Raise `CommandError` when Qt itself cannot be loaded, naming the library that is missing."""
    try:
        import PySide6.QtWidgets  # noqa: F401
    except ImportError as error:
        library = str(error).partition(":")[0].strip()
        raise CommandError(f"Qt cannot be loaded because of “{library}”; on Debian and Ubuntu “apt install libegl1 libgl1 "
                           "libxkbcommon0 libdbus-1-3 libfontconfig1” brings what it needs "
                           "(“unrolled caption PHOTO” works without Qt).") from error


def gui_application() -> "QGuiApplication":
    """Qt for painting pictures, without a screen."""
    check_qt()
    from PySide6.QtGui import QGuiApplication

    return QGuiApplication.instance() or QGuiApplication(["unrolled"])  # type: ignore[return-value]


def _loads(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def _display_answers() -> bool:
    """Ask the X server, through the library that Qt uses too; without that library Qt says more than we could."""
    try:
        xcb = ctypes.CDLL("libxcb.so.1")
    except OSError:
        return True
    xcb.xcb_connect.restype = ctypes.c_void_p
    xcb.xcb_connection_has_error.argtypes = [ctypes.c_void_p]
    xcb.xcb_disconnect.argtypes = [ctypes.c_void_p]
    connection = xcb.xcb_connect(None, None)
    failed = bool(xcb.xcb_connection_has_error(connection))
    xcb.xcb_disconnect(connection)
    return not failed
