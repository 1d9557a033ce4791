"""A benchmark in a process and a home of its own, which writes its figures into a file."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any


def figures_of(module: str, *words: str, **environment: str) -> dict[str, Any]:
    """What a module reports that is run with these words and the report's path. Raises `RuntimeError` with its last line when
    it did not get through.
    """
    with tempfile.TemporaryDirectory() as home:
        report = Path(home) / "report.json"
        child = subprocess.run([sys.executable, "-m", module, *words, str(report)], capture_output=True, text=True, check=False,
                               env=os.environ | {"UNROLLED_HOME": home, "QT_QPA_PLATFORM": "offscreen"} | environment)
        if child.returncode != 0 or not report.exists():
            raise RuntimeError((child.stderr.strip().splitlines() or [f"The benchmark {module} failed."])[-1])
        figures: dict[str, Any] = json.loads(report.read_text(encoding="utf-8"))
    return figures
