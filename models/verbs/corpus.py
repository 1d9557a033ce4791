"""`unrolled corpus trace`: a model run over many documents, into a store."""

import argparse
import json
import math
import signal
import sys
import time
from contextlib import closing, redirect_stdout, suppress

from unrolled.models.adapters.devices import pick
from unrolled.models.adapters.registry import DEFAULT_MODEL, load
from unrolled.models.corpus.listing import list_files
from unrolled.models.corpus.tracing import Outcome, TraceRequest, TracingProgress, trace_corpus
from unrolled.models.inputs.sniffing import media_of_file
from unrolled.models.store.layout import UnreachableError
from unrolled.models.store.location import Location
from unrolled.models.trace.names import printable
from unrolled.models.trace.streams import tell_errors
from unrolled.models.verbs.progress import Bar

TEXT_MODEL = "chars-lstm"
LINES_EVERY = 0.5  # seconds
NOTES_SHOWN = 5
LOOKED_AT = 100    # files, to know what a folder holds


def trace(arguments: argparse.Namespace) -> int:
    request = TraceRequest(
        corpus=arguments.corpus, output=arguments.output, model=arguments.model or _model_for(arguments),
        channels=tuple(name.strip() for name in arguments.channels.split(",") if name.strip()), dtype=arguments.dtype,
        workers=arguments.workers, ray=arguments.ray,  # whose machines may have devices that this one has not
        device=arguments.device if arguments.ray and arguments.device != "auto" else pick(arguments.device))
    shown = _Lines() if arguments.progress == "lines" else _Bar()
    with closing(shown), redirect_stdout(sys.stderr):  # Ray prints what became of its workers
        try:
            for name in ("SIGTERM", "SIGHUP"):
                if hasattr(signal, name):
                    signal.signal(getattr(signal, name), _interrupt)
            outcome = trace_corpus(request, load(request.model), reading=shown.reading, say=shown.tracing)
        except KeyboardInterrupt as asked:
            shown.close()
            parts = 0
            with suppress(UnreachableError):  # one may be there of which nobody has told yet
                parts = len(Location(request.output, to_read=True).names("written/c"))
            done = f"Interrupted: {parts:,} {'part is' if parts == 1 else 'parts are'} done; the same again goes on from there."
            tell_errors(done if parts else "Interrupted before a part was done: the same again begins anew.")
            return 128 + (asked.args[0] if asked.args else signal.SIGINT)  # as a shell says it
    _say(request, outcome, as_json=arguments.json)
    return 1 if outcome.left_out.count and arguments.progress != "lines" else 0  # to a window it is no failure


def _interrupt(number: int, _: object) -> None:
    """As Ctrl+C does, so that the workers are sent home and give back what they share."""
    raise KeyboardInterrupt(number)


def _model_for(arguments: argparse.Namespace) -> str:
    """Photographs are captioned, texts are read."""
    media = [media_of_file(path) for path in list_files(arguments.corpus).paths[:LOOKED_AT]]
    pictures = sum("picture" in found for found in media)
    return DEFAULT_MODEL if pictures > len(media) / 2 else TEXT_MODEL


def _say(request: TraceRequest, outcome: Outcome, *, as_json: bool) -> None:
    for sentence in outcome.left_out.sentences:
        tell_errors(f"unrolled: left out: {printable(sentence)}")
    if (more := outcome.left_out.count - len(outcome.left_out.sentences)) > 0:
        tell_errors(f"unrolled: and {more:,} more were left out.")
    for note in outcome.notes.sentences[:NOTES_SHOWN]:
        tell_errors(f"unrolled: {printable(note)}")
    if (more := outcome.notes.count - NOTES_SHOWN) > 0:
        tell_errors(f"unrolled: and {more:,} more such notes.")
    busy = outcome.tracing_seconds + outcome.writing_seconds
    share = outcome.writing_seconds / busy if busy else 0.0
    rate = outcome.steps / outcome.seconds if outcome.seconds else 0.0
    if as_json:
        print(json.dumps({"store": request.output, "model": request.model, "parts": outcome.parts, "steps": outcome.steps,
                          "seconds": round(outcome.seconds, 3), "steps_a_second": round(rate, 1),
                          "worker_seconds": round(busy, 3), "write_share": round(share, 4), "deaths": outcome.deaths,
                          "left_out": outcome.left_out.count, "left_out_first": outcome.left_out.sentences,
                          "notes": outcome.notes.count, "notes_first": outcome.notes.sentences}))
    elif outcome.parts:
        print(f"{outcome.steps:,} steps in {outcome.seconds:,.1f} s, {rate:,.0f} a second; {share:.0%} of it was writing.")
    else:
        print("Everything is there already.")


class _Bar(Bar):
    """In a terminal: steps, how many a second, and how long it will take."""

    def reading(self, done: int, of: int) -> None:
        self.show("Reading", done, of, unit=" documents", unit_scale=True)
        if done == of:
            self.close()

    def tracing(self, progress: TracingProgress) -> None:
        self.show("Tracing", progress.steps, progress.of_steps, unit=" steps", unit_scale=True)


class _Lines(_Bar):
    """For a program that reads them: a line of JSON at a time, on standard output."""

    def __init__(self) -> None:
        super().__init__()
        self._said, self._output = 0.0, sys.stdout

    def reading(self, done: int, of: int) -> None:
        self._line({"doing": "reading", "documents": done, "of_documents": of}, last=done == of)

    def tracing(self, progress: TracingProgress) -> None:
        left = progress.seconds_left
        self._line({"doing": "tracing", "steps": progress.steps, "of_steps": progress.of_steps, "parts": progress.parts,
                    "of_parts": progress.of_parts, "steps_a_second": round(progress.rate, 1),
                    "seconds_left": round(left, 1) if math.isfinite(left) else None}, last=progress.parts == progress.of_parts)

    def _line(self, said: dict[str, object], *, last: bool) -> None:
        if last or time.monotonic() - self._said > LINES_EVERY:
            self._said = time.monotonic()
            print(json.dumps(said), file=self._output, flush=True)
