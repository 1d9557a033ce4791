"""`unrolled train` and `unrolled evaluate`: they run in a process that imports torch, with the same words."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

from unrolled.viewer.cli.failure import INTERRUPTED

VERBS = ("train", "evaluate")
PASSED_ON = ("SIGTERM", "SIGHUP")


def hand_over(words: Sequence[str]) -> int:
    """Run `python -m unrolled.models` with these words, and give its exit status; what ends this process ends it too."""
    process = subprocess.Popen([sys.executable, "-m", "unrolled.models", *words])
    ended_by: list[int] = []

    def pass_on(number: int, _: Any) -> None:
        ended_by.append(number)
        process.terminate()

    for name in PASSED_ON:
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), pass_on)
    try:
        status = process.wait()
    except KeyboardInterrupt:
        try:
            process.wait(timeout=2)  # in a terminal it was interrupted too, and says so itself
        except subprocess.TimeoutExpired:
            process.terminate()
            process.wait()
        return INTERRUPTED
    if ended_by:
        signal.signal(ended_by[0], signal.SIG_DFL)
        os.kill(os.getpid(), ended_by[0])
    return status
