"""The plotting library is imported once the window has been seen, never before."""

from __future__ import annotations

import subprocess
import sys
import threading

from unrolled.viewer.plotting.warm_up import WarmUp

FIRST_PAINT = """
import sys
from pathlib import Path
from unrolled.viewer.client.backend_client import BackendProcess
from unrolled.viewer.window.application import make_application, make_window
from unrolled.viewer.window.settings import WindowSettings

application = make_application()
window = make_window(WindowSettings(Path(sys.argv[1])), BackendProcess())
window.remembers = False
window.show()
application.processEvents()
window.grab()
print("pyqtgraph" in sys.modules)
window.close()
"""


def test_the_window_is_painted_without_it(tmp_path):
    done = subprocess.run([sys.executable, "-c", FIRST_PAINT, str(tmp_path / "settings.ini")], capture_output=True, text=True,
                          check=True, timeout=60)
    assert done.stdout.strip() == "False"


def test_it_is_there_when_the_thread_has_been_waited_for(qapp):
    before = threading.active_count()
    warm_up = WarmUp()
    warm_up.join()  # a window that is closed before it was seen
    warm_up.start()
    warm_up.start()
    warm_up.join()
    assert "unrolled.viewer.plotting.library" in sys.modules
    assert threading.active_count() == before
