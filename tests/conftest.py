"""For all tests: no screen, settings of their own, and nothing left running."""

from __future__ import annotations

import asyncio
import gc
import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest
from hypothesis import settings
from pytestqt.qtbot import QtBot

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ.setdefault("OMP_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).parent))

settings.register_profile("of any machine", deadline=None)  # one on which others work is slow at times
settings.load_profile("of any machine")

SCRIPTED_BACKEND = Path(__file__).parent / "scripted_backend.py"


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Two processes for folders, where there are two cores; none for files, of which each is one process's."""
    if all(Path(name.partition("::")[0]).is_file() for name in config.args):
        return 0
    return 2 if (os.cpu_count() or 1) > 1 else 0


def pytest_collection_finish() -> None:
    """What was imported to collect the tests stays, and is not looked through after each of them."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="module", autouse=True)
def kept_aside() -> Iterator[None]:
    """What the tests of a file leave in memory for good is not looked through after those of the next."""
    yield
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def own_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of settings for each test."""
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("UNROLLED_HOME", str(home))
    return home


@pytest.fixture
def qtbot(qtbot: QtBot) -> QtBot:
    """Waits as long as a loaded machine may take."""
    qtbot.waitUntil = partial(qtbot.waitUntil, timeout=60_000)  # type: ignore[method-assign]
    return qtbot


@pytest.fixture
def accelerator() -> str:
    """The kind of accelerator that there is, ``cuda``, ``mps``: where there is none, the test is skipped."""
    torch = pytest.importorskip("torch")
    if not torch.accelerator.is_available():
        pytest.skip("there is no accelerator")
    return str(torch.accelerator.current_accelerator())


@pytest.fixture
def scripted_command() -> list[str]:
    """What starts a backend that needs no torch."""
    return [sys.executable, str(SCRIPTED_BACKEND)]


@pytest.fixture(scope="session")
def threads_of_zarr() -> None:
    """Zarr's own threads last as long as the process: have them there before a test is watched that reads a store."""
    pytest.importorskip("zarr", reason="zarr 3 is not made for this Python")
    from zarr.core.sync import sync

    async def all_busy() -> None:
        await asyncio.gather(*(asyncio.to_thread(time.sleep, 0.01) for _ in range(64)))

    sync(all_busy())


@pytest.fixture(autouse=True)
def nothing_left_running() -> Iterator[None]:
    """Fail a test that leaves a thread, a running timer or a child process behind."""
    threads_before = set(threading.enumerate())
    children_before = _children()
    yield
    left = _left(threads_before, children_before)
    deadline = time.monotonic() + 2.0
    while left and time.monotonic() < deadline:  # what was told to end may take a moment
        _process_events()
        time.sleep(0.02)
        left = _left(threads_before, children_before)
    if left:
        pytest.fail("left running: " + "; ".join(left))


def _left(threads_before: set[threading.Thread], children_before: set[int]) -> list[str]:
    threads = [f"thread {thread.name}" for thread in threading.enumerate()
               if thread not in threads_before and thread.is_alive()]
    processes = [f"process {number}" for number in _children() - children_before]
    return threads + processes + _qt_left()


def _qt_left() -> list[str]:
    if "PySide6.QtCore" not in sys.modules:
        return []
    import shiboken6
    from PySide6.QtCore import QCoreApplication, QProcess, QThread, QThreadPool, QTimer

    left: list[str] = []
    if QCoreApplication.instance() is None:
        return left  # nothing of Qt's can run; to look through all objects takes a tenth of a second
    if QThreadPool.globalInstance().activeThreadCount():
        left.append("a task of the thread pool")
    watched: dict[type, bool] = {}  # there are many objects and few kinds of them
    for thing in gc.get_objects():
        kind = type(thing)
        try:
            if kind not in watched:
                watched[kind] = issubclass(kind, QTimer | QThread | QProcess)
            if not watched[kind] or not shiboken6.isValid(thing):
                continue
            if isinstance(thing, QTimer) and thing.isActive():
                left.append(f"timer of {type(thing.parent()).__name__}")
            elif isinstance(thing, QThread) and thing.isRunning() and thing is not QThread.currentThread():
                left.append(f"thread {thing.objectName() or kind.__name__}")
            elif isinstance(thing, QProcess) and thing.state() != QProcess.ProcessState.NotRunning:
                left.append(f"process {thing.program()}")
        except (TypeError, RuntimeError, ReferenceError):
            continue
    return left


def _process_events() -> None:
    if "PySide6.QtCore" in sys.modules:
        from PySide6.QtCore import QCoreApplication

        if QCoreApplication.instance() is not None:
            QCoreApplication.processEvents()


def _children() -> set[int]:
    """The child processes of this one, zombies left out; empty where the system does not say."""
    numbers: set[int] = set()
    for task in Path("/proc/self/task").glob("*/children"):
        with suppress(OSError):  # a thread that has ended since
            numbers |= set(map(int, task.read_text().split()))
    return {number for number in numbers if not _is_zombie(number)}


def _is_zombie(number: int) -> bool:
    try:
        return Path(f"/proc/{number}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except (OSError, IndexError):
        return True
