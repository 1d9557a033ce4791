"""What is imported when: `import unrolled` loads nothing, and the libraries need no folder to write to."""

from __future__ import annotations

import os
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


def test_a_computer_without_a_temporary_folder():
    lines = ("import tempfile", "tempfile._candidate_tempdir_list = lambda: []",
             "from unrolled.models.__main__ import main", "assert main(['families']) == 0", "import torchvision")
    environment = {name: value for name, value in os.environ.items() if name != "TORCHINDUCTOR_CACHE_DIR"}
    done = subprocess.run([sys.executable, "-c", "\n".join(lines)], capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr
