"""What stands for `unrolled serve --once --json --port P` on another machine: the scripted service."""

from __future__ import annotations

import argparse
import sys

from scripted_backend import ScriptedService

from unrolled.models.backend.serving import run

if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("verb", choices=("serve",))
    parser.add_argument("--port", type=int)
    parser.add_argument("--once", action="store_true")
    parser.add_argument("--json", action="store_true")
    words = parser.parse_args()
    sys.exit(run(ScriptedService, port=words.port, once=words.once))
