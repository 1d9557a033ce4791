"""A benchmark in a process of its own: one that prints its figures, or one in a home of its own that writes them into a file."""

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


def figures_of(module: str, *words: str, **environment: str) -> dict[str, Any]:
    """What a module reports that is run with these words and the report's path. Raises `RuntimeError` with its last line when
    it did not get through.
    """
    with tempfile.TemporaryDirectory() as home:
        report = Path(home) / "report.json"
        child = measuring(module, *words, str(report), UNROLLED_HOME=home, QT_QPA_PLATFORM="offscreen", **environment)
        if child.returncode != 0 or not report.exists():
            raise RuntimeError(last_words(child))
        figures: dict[str, Any] = json.loads(report.read_text(encoding="utf-8"))
    return figures


def measuring(module: str, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a module with these words; what ends the wait for it ends it."""
    child = None
    try:
        with _signals_later():  # one that came while it is begun would leave it, known to nobody
            child = subprocess.Popen([sys.executable, "-m", module, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                     text=True, env=os.environ | environment)
        output, errors = child.communicate()
        return subprocess.CompletedProcess(child.args, child.returncode, output, errors)
    finally:
        if child is not None and child.returncode is None:
            child.kill()
            child.wait()


def last_words(child: subprocess.CompletedProcess[str]) -> str:
    """Why it failed, without the program's name that a terminal shows before it."""
    lines = child.stderr.strip().splitlines() or ["The benchmark failed."]
    return lines[-1].removeprefix("unrolled: ")


@contextmanager
def _signals_later() -> Iterator[None]:
    """Signals that end a program arrive when this is over."""
    arrived: list[int] = []
    numbers = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
    before = [signal.signal(number, lambda number, _: arrived.append(number)) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)
    for number in arrived:
        signal.raise_signal(number)
