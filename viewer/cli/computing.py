"""`unrolled train`, `evaluate` and `serve`: they run as the program that imports torch, with the same words."""

import os
import subprocess
import sys
from collections.abc import Sequence

from unrolled.viewer.cli.telling import INTERRUPTED

VERBS = {"train": "train a model", "evaluate": "judge a model by its task's metrics",
         "serve": "compute for a window on another machine"}


def hand_over(words: Sequence[str]) -> int:
    """Become `python -m unrolled.models` with these words, so that what ends this process ends the computation; where a
    process cannot become another program, run it, and give its exit status.
    """
    command = [sys.executable, "-m", "unrolled.models", *words]
    if os.name == "posix":
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        os.execv(sys.executable, command)
    process = subprocess.Popen(command)
    try:
        return process.wait()
    except KeyboardInterrupt:
        try:
            process.wait(timeout=2)  # in a terminal it was interrupted too, and says so itself
        except subprocess.TimeoutExpired:
            process.terminate()
            process.wait()
        return INTERRUPTED
