"""A backend process that is real in everything but its engine, which reads from the script: no torch, up at once.

Run as a file. A picture named ``slow…`` takes a second to encode; one named ``bad…`` fails; ``crash…`` ends the
process at its third step.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))

import scripted

from unrolled.models.backend.engine import EngineError, SayProgress, StillWanted, Superseded
from unrolled.models.backend.process import run
from unrolled.models.protocol.messages import Decoding, Device, Ended, Loaded, Opened, Ready, Stepped
from unrolled.models.trace import ModelListing


class ScriptedEngine:
    """Writes the script's caption, whatever the picture; a forced word goes into it and the script goes on."""

    def __init__(self) -> None:
        self._run = -1
        self._name = ""
        self._words: list[str] = []

    def prepare(self, say: SayProgress) -> Ready:
        say("Loading the script", 0.5)
        listing = ModelListing(name="scripted", title="Scripted captioner", task="captioning", size_bytes=1, path="",
                               quality={"bleu_4": 0.0}, source="tests")
        return Ready((Device("cpu", "CPU"),), (listing,))

    def load(self, model: str, device: str, say: SayProgress) -> Loaded:
        if model not in ("scripted", "caption-attend-lstm"):
            raise EngineError("model", f"There is no model “{model}”.")
        if device not in ("auto", "cpu"):
            raise EngineError("model", f"This machine has no device “{device}”.")
        self._run = -1
        return Loaded(scripted.description(), "cpu")

    def open(self, run: int, data: bytes, name: str, decoding: Decoding, say: SayProgress, wanted: StillWanted) -> Opened:
        say("Looking at the picture", -1)
        if name.startswith("bad"):
            raise EngineError("input", f"“{name}” cannot be used.")
        deadline = time.monotonic() + (1.0 if name.startswith("slow") else 0.0)
        while time.monotonic() < deadline:
            if not wanted():
                raise Superseded
            time.sleep(0.01)
        self._run, self._name, self._words = run, name, []
        return Opened(run, (0.0, 0.0, 1.0, 1.0), 0.01)

    def advance(self, step: int, force: int, decoding: Decoding, wanted: StillWanted,
                count: int = 1) -> Stepped | Ended:
        if self._run < 0:
            raise EngineError("step", "No picture is open.")
        if step > len(self._words):
            raise EngineError("step", f"Step {step} is not there yet.")
        del self._words[step:]
        if step >= len(scripted.CAPTION) or (self._words and self._words[-1] == "<end>"):
            return Ended(self._run, True)
        if self._name.startswith("crash") and step == 3:
            os._exit(9)
        result = scripted.step_result(step, scripted.CAPTION[step])
        word = scripted.WORDS[force] if force >= 0 else result.word
        self._words.append(word)
        values = np.concatenate([result.values[c.name].ravel() for c in scripted.channels()]).astype("<f4").tobytes()
        log_probs = {candidate.token: candidate.log_prob for candidate in result.candidates}
        token = scripted.WORDS.index(word)
        return Stepped(self._run, step, token, word, log_probs.get(token, -9.0), result.candidates, values, 0.1)


if __name__ == "__main__":
    sys.exit(run(ScriptedEngine))
