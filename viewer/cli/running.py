"""Run an input through a model from the command line: what caption, trace and export share."""

from __future__ import annotations

import argparse
import datetime
import hashlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from unrolled.models.protocol.client import BackendClient, BackendError
from unrolled.models.protocol.messages import Advance, Decoding, Loaded, Progress, Stepped
from unrolled.models.trace import Provenance, Trace
from unrolled.models.trace.pictures import PictureError, read_file, read_picture
from unrolled.viewer.cli.failure import WRONG_USE, CommandError

DEFAULT_MODEL = "caption-attend-lstm"


def add_model_arguments(parser: argparse.ArgumentParser) -> None:
    """The words that say which model runs, and where."""
    parser.add_argument("--model", default=DEFAULT_MODEL, help=f"a model's name or a checkpoint (default: {DEFAULT_MODEL})")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, mps (default: auto)")


def add_decoding_arguments(parser: argparse.ArgumentParser) -> None:
    """The words that say how words are chosen; greedy without any of them."""
    group = parser.add_argument_group("how words are chosen (greedy, if nothing is said)")
    group.add_argument("--beam", type=int, metavar="N", help="beam search with N hypotheses")
    group.add_argument("--length-penalty", type=float, metavar="A", help="of beam search (default: 0.7)")
    group.add_argument("--temperature", type=float, metavar="T", help="draw words; below 1 the probable more often")
    group.add_argument("--top-k", type=int, metavar="K", help="draw from the K most probable words")
    group.add_argument("--top-p", type=float, metavar="P", help="draw from the fewest words that reach probability P")
    group.add_argument("--seed", type=int, metavar="N", help="of the draws (default: 0)")


def decoding_of(arguments: argparse.Namespace) -> Decoding:
    """How words are to be chosen. Raises `CommandError` where a number is out of range."""
    sampling = {name: value for name in ("temperature", "top_k", "top_p", "seed")
                if (value := getattr(arguments, name)) is not None}
    if arguments.beam is not None and sampling:
        raise CommandError("Beam search and sampling exclude each other: give --beam, or --temperature, --top-k, --top-p.",
                           WRONG_USE)
    if arguments.length_penalty is not None and arguments.beam is None:
        raise CommandError("--length-penalty belongs to --beam.", WRONG_USE)
    fields: dict[str, object] = {}
    if arguments.beam is not None:
        fields = {"method": "beam", "beam_width": arguments.beam}
        if arguments.length_penalty is not None:
            fields["length_penalty"] = arguments.length_penalty
    elif sampling:
        fields = {"method": "sampling", **sampling}
    import msgspec

    try:
        return msgspec.convert(fields, Decoding)
    except msgspec.ValidationError as error:
        raise CommandError(f"How words are chosen is out of range: {error}.", WRONG_USE) from error


@contextmanager
def backend(arguments: argparse.Namespace) -> Iterator[tuple[BackendClient, Loaded]]:
    """A backend with the model loaded, ended afterwards. What it is doing is shown where a person looks."""
    shown = sys.stderr.isatty()

    def say(progress: Progress) -> None:
        if shown:
            print(f"\r\x1b[K{progress.text}…", end="", file=sys.stderr, flush=True)

    with BackendClient(on_progress=say) as client:
        loaded = client.load(arguments.model, arguments.device)
        if shown:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)
        yield client, loaded


def read_input(path: Path) -> bytes:
    """An input's bytes, looked at before the backend is troubled; what a person should know goes to standard error.

    Raises
    ------
    PictureError
        With a sentence for people.
    """
    data = read_file(path)
    for note in read_picture(data, path.name).notes:
        print(f"unrolled: {note}", file=sys.stderr)
    return data


def run_trace(client: BackendClient, loaded: Loaded, *, run: int, path: Path, data: bytes, decoding: Decoding) -> Trace:
    """Run an input to its end, and give the whole trace. Raises `BackendError`."""
    description = loaded.description
    opened = client.open(run, data, path.name, decoding)
    provenance = Provenance(
        model=description.name, weights_hash=description.weights_hash, input_name=path.name,
        input_hash=hashlib.sha256(data).hexdigest(), region=opened.region, decoding=decoding.in_words,
        seed=decoding.seed, device=loaded.device,
        created=datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"))
    trace = Trace(description.channels, provenance=provenance, input_bytes=data)
    for report in client.advance(Advance(run, 0, description.maximum_steps + 1, decoding=decoding)):
        if isinstance(report, Stepped):
            trace.append(report.result(description.channels))
        else:
            trace.ended = True
    return trace


def trace_of(arguments: argparse.Namespace, path: Path) -> Trace:
    """Start a backend for one input and run it. Raises `CommandError`."""
    decoding = decoding_of(arguments)
    try:
        data = read_input(path)
        with backend(arguments) as (client, loaded):
            return run_trace(client, loaded, run=0, path=path, data=data, decoding=decoding)
    except (PictureError, BackendError) as error:
        raise CommandError(str(error)) from error


def caption_of(trace: Trace, end_word: str) -> str:
    """The words with spaces between them, END left out."""
    return " ".join(word for word in trace.words if word != end_word)
