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


@pytest.fixture(scope="session")
def dog() -> Path:
    """A sample photograph."""
    from unrolled import assets

    return assets.path("samples", "dog.jpg")
