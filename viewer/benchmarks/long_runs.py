"""What `unrolled bench` measures of the window with a very long text: opening, scrubbing and zooming, and the memory.

The trace is drawn, so that no model is needed: a hundred thousand characters with the six channels of an LSTM of 512
units. Run as a module with the path of the report, in a process of its own.
"""

import json
import random
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from unrolled.models.trace import Channel, Provenance, StepBlock, Trace

STEPS, UNITS = 100_000, 512
SIZE = (1600, 1000)
SCRUBS, ZOOMS, LOOKS = 200, 120, 60
PAN = 37.0  # steps
BLOCK_STEPS = 5_000
TEXT = '    def step(self, word: str) -> float:  # one "step"\n        return self.weights[word] * (1.0 - self.decay)\n\n'
LSTM = (("hidden", "h", -1.0), ("cell", "c", -3.0), ("input_gate", "i", 0.0), ("forget_gate", "f", 0.0),
        ("output_gate", "o", 0.0), ("cell_gate", "g", -1.0))


def lstm_channels(units: int = UNITS) -> tuple[Channel, ...]:
    return tuple(Channel(name=name, role=name, symbol=symbol, axes=("unit",), shape=(units,), low=low, high=abs(low) or 1.0)
                 for name, symbol, low in LSTM)


def drawn_trace(steps: int = STEPS, units: int = UNITS) -> Trace:
    """A trace that no model recorded: waves of many lengths, and noise, within each channel's range."""
    chosen = np.random.default_rng(0)
    channels = lstm_channels(units)
    trace = Trace(channels, ended=True, provenance=Provenance(
        model="drawn", input_name="drawn.py", input_kind="text", detokenization="characters", prompt_tokens=steps))
    trace.reserve(steps)
    vocabulary = tuple(sorted(set(TEXT)))
    numbers = np.array([vocabulary.index(character) for character in TEXT], np.int32)
    pace = (2 * np.pi / np.geomspace(3, 3000, units)).astype(np.float32)  # radians a step
    for start in range(0, steps, BLOCK_STEPS):
        at = np.arange(start, min(start + BLOCK_STEPS, steps))
        wave = np.sin(at.astype(np.float32)[:, None] * pace)  # (steps, units)
        values = {}
        for channel in channels:
            noise = chosen.random((len(at), units), dtype=np.float32)
            share = np.clip(0.5 + 0.35 * wave + 0.3 * (noise - 0.5), 0.0, 1.0)
            values[channel.name] = (channel.low + (channel.high - channel.low) * share).astype(np.float32)
        log_probs = np.log(chosen.random(len(at), dtype=np.float32) * 0.98 + 0.01)
        tokens = numbers[at % len(numbers)]
        trace.append_block(StepBlock(
            step=start, tokens=tokens, log_probs=log_probs, vocabulary=vocabulary, values=values,
            candidate_tokens=np.stack([(tokens + other) % len(vocabulary) for other in range(5)], axis=1).astype(np.int32),
            candidate_log_probs=(log_probs[:, None] - np.arange(5, dtype=np.float32))))
    return trace


def drive(name: str, run: Callable[[], Trace], *, units: int) -> dict[str, Any]:
    """Drive a window through a long run. The figures' names begin with `name`; `run` makes the trace when its time has come."""
    from PySide6.QtCore import QCoreApplication

    from unrolled.viewer.benchmarks.reference import Reference
    from unrolled.viewer.benchmarks.window import own_megabytes
    from unrolled.viewer.client.backend_client import BackendProcess
    from unrolled.viewer.window.application import make_application, make_window
    from unrolled.viewer.window.settings import WindowSettings

    application = make_application()
    with tempfile.TemporaryDirectory() as home:
        window = make_window(WindowSettings(Path(home) / "settings.ini"), BackendProcess())
        window.remembers = False
        window.resize(*SIZE)
        window.show()
        session, coordinator = window.session, window.coordinator

        def frame(change: Callable[[], object]) -> float:
            began = time.perf_counter()
            change()
            coordinator.flush()
            QCoreApplication.sendPostedEvents()
            QCoreApplication.processEvents()
            return (time.perf_counter() - began) * 1000

        reference = Reference()
        reference.sample()
        frame(lambda: None)
        before = own_megabytes()
        began = time.perf_counter()
        opening = [frame(lambda: session.set_trace(run()))]
        while coordinator.waiting:  # what is too much for one frame is made a part a frame
            opening.append(frame(lambda: None))
        opened = round(time.perf_counter() - began, 3)
        steps = session.playhead.length
        session.selection.set((3, units // 3, units - 5))
        frame(lambda: None)
        chosen = random.Random(0)
        scrubs = [frame(lambda: session.playhead.seek(chosen.randrange(steps))) for _ in range(SCRUBS)]
        reference.sample()
        factors = [0.85 if number // 30 % 2 == 0 else 1 / 0.85 for number in range(ZOOMS)]
        zooms = [frame(partial(session.time_axis.zoom, factor, steps * 0.37)) for factor in factors]
        session.time_axis.reset()
        session.time_axis.zoom(200 / steps, steps / 2)
        frame(lambda: None)
        close = [frame(lambda: session.playhead.seek(chosen.randrange(steps))) for _ in range(LOOKS)]
        session.playhead.seek(steps // 2)  # away from the ends, where a pan would move nothing
        frame(lambda: None)
        ways = [PAN if number // 5 % 2 == 0 else -PAN for number in range(LOOKS)]
        pans = [frame(partial(session.time_axis.pan, way)) for way in ways]
        reference.sample()
        figures = {
            f"{name}_open_seconds": opened, "reference_ms": reference.milliseconds,
            f"{name}_scrub_ms": reference.spread(scrubs), f"{name}_zoom_ms": reference.spread(zooms),
            f"{name}_memory_mb": round(own_megabytes() - before, 1),
            "details": {
                "size": f"{SIZE[0]}x{SIZE[1]}", "steps": steps, "units": units, "channels": len(session.channels),
                "first_frame_ms": round(opening[0], 1), "frames_while_opening_ms": reference.spread(opening[1:] or opening),
                "scrub_zoomed_in_ms": reference.spread(close), "pan_zoomed_in_ms": reference.spread(pans),
                "limits": "frames, scrubs and zooms: median 8, p95 16 ms",
            },
        }
        window.close()
    del application
    return figures


def measure(path: Path, *, steps: int = STEPS, units: int = UNITS) -> None:
    """Drive a window through a long trace, and write the figures as JSON."""
    trace = drawn_trace(steps, units)
    figures = drive("long", lambda: trace, units=units)
    figures["details"] |= {
        "trace_mb": round(sum(trace.column(name).nbytes for name in trace.channels) / 2**20, 1),
        "memory": "what the window needs beside the trace itself, which is trace_mb more",
        "opening": "until every step's colour is made; the window answers meanwhile, a part is made each frame"}
    path.write_text(json.dumps(figures), encoding="utf-8")


if __name__ == "__main__":
    measure(Path(sys.argv[1]))
