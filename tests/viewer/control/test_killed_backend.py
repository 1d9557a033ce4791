"""The backend is killed again and again while the window plays, edits and exports: nothing is lost, nothing is left."""

from __future__ import annotations

import gc
import os
import random
import signal
from pathlib import Path
from threading import Thread

import pytest
import scripted

from unrolled.models.trace.edits import ForceToken
from unrolled.viewer.benchmarks.window import own_megabytes
from unrolled.viewer.client.backend_client import BackendProcess
from unrolled.viewer.export import ExportSettings, export
from unrolled.viewer.state import commands as c
from unrolled.viewer.window.application import make_window
from unrolled.viewer.window.settings import WindowSettings

pytestmark = pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="what is open can be counted on Linux")
GROWN = 24  # megabytes
CAT = scripted.WORDS.index("cat")


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def killed(qtbot, scripted_command, folder: Path, times: int) -> None:
    window = make_window(WindowSettings(folder / "settings.ini"), BackendProcess(scripted_command))
    window.remembers = False
    window.show()
    control, rng = window.controller, random.Random(5)
    control.start()
    window.do(c.OpenData(scripted.picture().data, "drawn.png"))
    qtbot.waitUntil(lambda: control.run.is_open)
    before, held = 0, 0.0
    for number in range(times):
        what = rng.choice(("play", "end", "edit", "export"))
        trace = window.session.trace
        steps = len(trace) if trace is not None else 0
        recorded = {identity: tuple(branch.trace.words) for identity, branch in window.session.branches.all.items()}
        worker = None
        if what == "play":
            window.do(c.TogglePlay())
        elif what == "end":
            window.do(c.RunToEnd())
        elif what == "edit" and steps > 2:
            window.do(c.ApplyEdit(ForceToken(first=steps - 1, last=steps - 1, token=CAT, word="cat")))
        elif what == "export" and steps:
            worker = Thread(target=export, args=(trace.snapshot(), folder / "a.gif", ExportSettings(width=96)))
            worker.start()
        qtbot.wait(rng.randrange(120))
        os.kill(control.backend._process.processId(), signal.SIGKILL)
        qtbot.waitUntil(lambda: not control.backend.alive)
        if worker is not None:
            worker.join(10)
            assert (folder / "a.gif").read_bytes().endswith(b";")
        for identity, words in recorded.items():
            assert tuple(window.session.branches.all[identity].trace.words[: len(words)]) == words
        window.do(c.RestartBackend())
        qtbot.waitUntil(lambda: control.run.is_open)
        if number == 2:
            gc.collect()
            before, held = open_files(), own_megabytes()
    gc.collect()
    assert open_files() <= before + 3
    assert own_megabytes() < held + GROWN  # of what it holds, its branches have grown
    window.do(c.RunToEnd())
    qtbot.waitUntil(lambda: window.session.trace.ended)
    window.close()
    window.deleteLater()


def test_killed_a_few_times(qtbot, scripted_command, tmp_path):
    killed(qtbot, scripted_command, tmp_path, 5)


@pytest.mark.soak
@pytest.mark.timeout(900)
def test_killed_fifty_times(qtbot, scripted_command, tmp_path):
    killed(qtbot, scripted_command, tmp_path, 50)
