"""`import unrolled` says what there is, and loads none of it."""

from __future__ import annotations

import subprocess
import sys

LOOKED_AT = """
import sys, unrolled
print(*dir(unrolled))
print(*({name.partition(".")[0] for name in sys.modules} & {"torch", "numpy", "PySide6", "pyqtgraph", "msgspec"}))
print(*(name for name in ("record", "watch", "step", "show", "open") if not callable(getattr(unrolled, name))))
"""


def test_what_there_is_is_listed_and_not_loaded():
    listed, loaded, missing = subprocess.run([sys.executable, "-c", LOOKED_AT], capture_output=True, text=True,
                                             check=True).stdout.splitlines()
    assert {"record", "watch", "step", "show", "open", "__version__"} <= set(listed.split())
    assert loaded == missing == ""
