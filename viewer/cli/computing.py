"""`unrolled train` and `unrolled evaluate`: they run in a process that imports torch, with the same words."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence

from unrolled.viewer.cli.failure import INTERRUPTED

VERBS = ("train", "evaluate")


def hand_over(words: Sequence[str]) -> int:
    """Run `python -m unrolled.models` with these words, and give its exit status."""
    process = subprocess.Popen([sys.executable, "-m", "unrolled.models", *words])
    try:
        return process.wait()
    except KeyboardInterrupt:
        try:
            process.wait(timeout=10)  # it was interrupted too, and says so itself
        except subprocess.TimeoutExpired:
            process.kill()
        return INTERRUPTED
