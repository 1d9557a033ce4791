"""How the whole program is tried from outside: in a new process, with a home of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., subprocess.CompletedProcess[str]]
SECONDS = 110


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Run `python -m unrolled.viewer` with some words."""
    home = tmp_path_factory.mktemp("home")

    def run(*words: object, without: tuple[str, ...] = (), **variables: str) -> subprocess.CompletedProcess[str]:
        environment = os.environ | {"UNROLLED_HOME": str(home), "PYTHONIOENCODING": "utf-8"} | variables
        for name in without:
            environment.pop(name, None)
        return subprocess.run([sys.executable, "-m", "unrolled.viewer", *map(str, words)], capture_output=True, text=True,
                              encoding="utf-8", timeout=SECONDS, env=environment, check=False, cwd=home)

    return run


@pytest.fixture
def run_here(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """The same in this process, for words at which nothing is started."""
    from unrolled.viewer.cli.main import main

    def started(*_: object) -> None:
        raise AssertionError("a process was started")

    def run(*words: object) -> subprocess.CompletedProcess[str]:
        try:
            status = main([*map(str, words)])
        except SystemExit as end:
            status = int(str(end.code))
        printed = capsys.readouterr()
        return subprocess.CompletedProcess(words, status, printed.out, printed.err)

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("subprocess.Popen", started)
    monkeypatch.setattr("os.execv", started)
    return run


@pytest.fixture(scope="session")
def dog() -> Path:
    """A sample photograph."""
    from unrolled import assets

    return assets.path("samples", "dog.jpg")
