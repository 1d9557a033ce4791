"""Run an input through a model from the command line: what caption, trace and export share."""

import argparse
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from unrolled.models.inputs.inputs import TYPED, typed
from unrolled.models.inputs.kinds import decode_input, kind_named, medium_of, read_bytes
from unrolled.models.inputs.texts import as_utf_8
from unrolled.models.protocol.client import BackendClient
from unrolled.models.protocol.decoding import Decoding
from unrolled.models.protocol.loading import Loaded
from unrolled.models.protocol.recorder import Recorder
from unrolled.models.protocol.stepping import AddInput, Advance, Fork, Forked, InputAdded
from unrolled.models.trace import Trace
from unrolled.models.trace.detokenization import text_of
from unrolled.models.trace.edits import SwapInput, first_step
from unrolled.models.trace.names import file_name
from unrolled.models.trace.streams import tell_doing
from unrolled.viewer.cli.edit_words import EditWords, add_edit_arguments, edit_words
from unrolled.viewer.cli.telling import WRONG_USE, CommandError, tell
from unrolled.viewer.state.files import Kind, kind_of
from unrolled.viewer.state.recent_models import remember_model

DEFAULT_MODEL = "caption-attend-lstm"
DEFAULT_KIND = "picture"  # what it takes
BOUNDS = {">": "above", ">=": "at least", "<=": "at most"}
NO_INPUTS = {
    Kind.TRACE: "no input: unrolled export and unrolled analyze take traces.",
    Kind.SESSION: "a session, not an input: unrolled export and unrolled analyze take it.",
    Kind.STORE: "a store of traces, not an input: unrolled corpus takes it.",
    Kind.CHECKPOINT: "a checkpoint, not an input: name it with --model.",
}
MOST_AT_ONCE = 50_000  # steps that are asked for in one message, which may ask for twice as many
CHANGED = 1  # the branch on which the edits are in force


def _count(text: str) -> int:
    if not text.isdigit():
        raise argparse.ArgumentTypeError(f"“{text}” is not a number from 0")
    return int(text)


def add_running_arguments(parser: argparse.ArgumentParser, *, written: int) -> None:
    """All words that say how an input is run; `written`: how many characters are usually written behind a text."""
    parser.add_argument("--model", default=DEFAULT_MODEL,
                        help="a model's name, a checkpoint, a folder with one, or hf: and a name on the hub "
                             f"(default: {DEFAULT_MODEL})")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:1, mps, xpu (default: auto)")
    group = parser.add_argument_group("decoding (as the model’s own code has it, else greedy)")
    group.add_argument("--beam", type=int, metavar="N", help="beam search with N hypotheses; 1: greedily")
    group.add_argument("--length-penalty", type=float, metavar="A",
                       help="of beam search (default: as the model’s own code has it, else 0.7)")
    group.add_argument("--temperature", type=float, metavar="T", help="draw words; below 1 the probable more often")
    group.add_argument("--top-k", type=int, metavar="K", help="draw from the K most probable words")
    group.add_argument("--top-p", type=float, metavar="P", help="draw from the fewest words that reach probability P")
    group.add_argument("--seed", type=int, metavar="N", help="of the draws (default: 0)")
    parser.add_argument("--write", type=_count, default=written, metavar="N",
                        help=f"characters that a character model writes behind the text it is given (default: {written})")
    parser.add_argument("--encoding", default="", metavar="NAME", help="of a text's file, as Python calls it (cp1252, koi8-r, "
                                                                       "utf-16 …), where it is taken for another")
    add_edit_arguments(parser)


def add_one_input(parser: argparse.ArgumentParser, metavar: str, about: str | None = None) -> None:
    """The one input of a verb: a file, or a text from the command line."""
    parser.add_argument("input", nargs="?", type=Path, metavar=metavar, help=about)
    parser.add_argument("--text", metavar="TEXT", help="a sentence or a prompt, in place of a file")


def check_one_input(arguments: argparse.Namespace) -> None:
    """Raise `CommandError` where there is no input, or two."""
    if (arguments.input is None) == (arguments.text is None):
        raise CommandError("Name one input, or give a text with --text.", WRONG_USE)


def check_output(output: Path, suffixes: tuple[str, ...]) -> None:
    """Say what is wrong with the name of the file to be written, before anything slow is begun. Raises `CommandError`."""
    if output.suffix.lower() not in suffixes:
        raise CommandError(f"“{output.name}” should end in one of {', '.join(suffixes)}.", WRONG_USE)
    if output.is_dir():
        raise CommandError(f"“{output}” is a folder; name a file.")
    if not output.parent.is_dir():
        raise CommandError(f"There is no folder “{output.parent}” to write to.")


def title_of_input(arguments: argparse.Namespace) -> str:
    return TYPED if arguments.input is None else file_name(arguments.input)


def decoding_of(arguments: argparse.Namespace, own: Decoding = Decoding()) -> Decoding:  # noqa: B008 (a value)
    """How words are to be chosen; `own`: as the model has it, where nothing else is said. Raises `CommandError` where a number
    is out of range.
    """
    sampling = {name: value for name in ("temperature", "top_k", "top_p", "seed")
                if (value := getattr(arguments, name)) is not None}
    if arguments.beam is not None and sampling:
        raise CommandError("Beam search and sampling exclude each other: give --beam, or --temperature, --top-k, --top-p.",
                           WRONG_USE)
    if arguments.length_penalty is not None and arguments.beam is None:
        raise CommandError("--length-penalty belongs to --beam.", WRONG_USE)
    fields: dict[str, object] = {}
    if arguments.beam is not None:
        penalty = own.length_penalty if arguments.length_penalty is None else arguments.length_penalty
        method = "greedy" if arguments.beam == 1 else "beam"
        fields = {"method": method, "beam_width": arguments.beam, "length_penalty": penalty}
    elif sampling:
        fields = {"method": "sampling", **sampling}
    else:
        return own
    import msgspec

    try:
        return msgspec.convert(fields, Decoding)
    except msgspec.ValidationError as error:
        name, sign, bound = re.search(r"(\S+) (\S+) - at `\$\.(\w+)`", str(error)).group(3, 1, 2)  # type: ignore[union-attr]
        option = "beam" if name == "beam_width" else name.replace("_", "-")
        raise CommandError(f"--{option} must be {BOUNDS[sign]} {bound.removesuffix('.0')}.", WRONG_USE) from error


@contextmanager
def backend(arguments: argparse.Namespace) -> Iterator[tuple[BackendClient, Loaded]]:
    """A backend with the model loaded, ended afterwards. What it is doing is shown where a person looks."""
    with BackendClient(on_progress=lambda progress: tell_doing(progress.text)) as client:
        loaded = client.load(arguments.model, arguments.device)
        remember_model(arguments.model, loaded.description, client.ready.models if client.ready is not None else ())
        tell_doing()
        yield client, loaded


def read_input(path: Path, input_kind: str, encoding: str = "") -> bytes:
    """An input's bytes, looked at before a model is troubled, a text's in UTF-8 if its encoding is given; what a person should
    know goes to standard error. Raises `ReadingError`, or `CommandError` where the model takes something else.
    """
    if path.exists() and (kind := kind_of(path)) in NO_INPUTS:
        raise CommandError(f"“{file_name(path)}” is {NO_INPUTS[kind]}")
    taken = kind_named(input_kind).medium
    medium = "text" if encoding and taken == "text" else medium_of(path, input_kind)
    if medium != taken and path.is_file():
        raise CommandError(f"“{file_name(path)}” is a {medium}, and this model takes a {taken}; see unrolled models.")
    data = read_bytes(path, taken)
    if encoding and taken == "text":
        data = as_utf_8(data, encoding, file_name(path))
    tell(*decode_input(data, path.name, taken)[1])
    return data


def typed_input(text: str, input_kind: str) -> bytes:
    """A text from the command line. Raises `CommandError` where the model takes something else, or it is empty."""
    taken = kind_named(input_kind).medium
    if taken != "text":
        raise CommandError(f"--text is for models that read texts, and this one takes a {taken}.")
    if not text.strip():
        raise CommandError("The text is empty.")
    return typed(text).data


def run_trace(client: BackendClient, loaded: Loaded, *, run: int, name: str, data: bytes, decoding: Decoding,
              write: int = 0, edits: EditWords | None = None) -> Trace:
    """Run an input to its end, and give the whole trace.

    With edits it does what the window does: the run as it is goes as far as the first of them, and a branch leaves it there.

    Parameters
    ----------
    write : int
        Of a text that is read first: how many characters are written behind it.
    edits : EditWords, optional
        Changes to the computation.

    Raises
    ------
    BackendError, CommandError
        With a sentence for people.
    """
    description = loaded.description
    if decoding.method == "beam" and "search" not in description.can:
        raise CommandError(f"What {description.name} says is not fed back to it: there is nothing to search. Leave out --beam.",
                           WRONG_USE)
    opened = client.open(run, data, name)
    tell(*opened.notes)
    recorder = Recorder(loaded=loaded, opened=opened, name=name, data=data)
    changes = edits.edits(opened.channels or description.channels, description) if edits is not None else ()
    trace = recorder.trace(decoding, changes)
    most = recorder.maximum_steps + 1
    steps = min(opened.prompt_tokens + write, most) if opened.prompt_tokens else most
    leaves = first_step(changes)

    def take(first: int, end: int, branch: int = 0) -> None:
        for step in range(first, end, MOST_AT_ONCE):
            for report in client.advance(Advance(run, step, min(MOST_AT_ONCE, end - step), decoding, branch=branch)):
                recorder.add(report, trace)

    if leaves:
        take(0, leaves)
        if len(trace) < leaves:
            raise CommandError(f"Step {leaves} is not there: the run ended after {len(trace)} steps.")
    if changes:
        assert edits is not None
        for edit in changes:
            if isinstance(edit, SwapInput) and edit.input_hash in edits.inputs:
                client.send(AddInput(run, *edits.inputs[edit.input_hash]))
                client.expect(InputAdded)
        client.send(Fork(run, 0, leaves, changes, branch=CHANGED))
        client.expect(Forked)
    take(leaves, steps, CHANGED if changes else 0)
    return trace


class Run(Protocol):
    """Runs the input of the command line to its end, with the edits that are asked for or without them."""

    def __call__(self, number: int = 0, *, edited: bool = True) -> Trace: ...


@contextmanager
def one_input(arguments: argparse.Namespace) -> Iterator[tuple[BackendClient, Loaded, Run]]:
    """A backend with the model loaded, and what runs the one input of the command line."""
    decoding_of(arguments)  # what is wrong with it is said before anything slow is begun

    def given(input_kind: str) -> bytes:
        return (typed_input(arguments.text, input_kind) if arguments.input is None else
                read_input(arguments.input, input_kind, arguments.encoding))

    data = given(DEFAULT_KIND) if arguments.model == DEFAULT_MODEL else b""
    with backend(arguments) as (client, loaded):
        kind = loaded.description.input_kind
        data = data or given(kind)
        edits = edit_words(arguments, lambda other: read_input(other, kind))
        decoding = decoding_of(arguments, loaded.decoding)

        def run(number: int = 0, *, edited: bool = True) -> Trace:
            return run_trace(client, loaded, run=number, name=title_of_input(arguments), data=data, decoding=decoding,
                             write=arguments.write, edits=edits if edited else None)

        yield client, loaded, run


def written_words(trace: Trace) -> list[str]:
    """What the model wrote, behind what it was given."""
    return list(trace.words[trace.provenance.prompt_tokens :])


def text_written(trace: Trace, end_word: str) -> str:
    """What the model wrote as a text, END left out."""
    return text_of(written_words(trace), trace.provenance.detokenization, without=(end_word,))
