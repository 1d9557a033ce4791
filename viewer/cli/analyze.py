"""`unrolled analyze INPUT-or-TRACE -o OUT.{json,html}`: everything that can be said about a run; of a folder, its units."""

import argparse
from collections.abc import Iterator
from pathlib import Path

from PIL import Image

from unrolled.models.inputs.files import ReadingError
from unrolled.models.inputs.pictures import read_picture
from unrolled.models.protocol.client import BackendError
from unrolled.models.protocol.loading import Loaded
from unrolled.models.trace import Trace
from unrolled.models.trace.atomic import atomic_write
from unrolled.models.trace.files import TraceError, load_trace, writing_sentence
from unrolled.models.trace.names import file_name, text_name
from unrolled.models.trace.spreading import spread
from unrolled.models.trace.streams import tell_doing
from unrolled.viewer.cli.asking import Asking, is_shipped, taken_up
from unrolled.viewer.cli.running import (
    CHANGED,
    DEFAULT_MODEL,
    add_one_input,
    add_running_arguments,
    backend,
    check_one_input,
    check_output,
    decoding_of,
    one_input,
    read_input,
    run_trace,
    title_of_input,
)
from unrolled.viewer.cli.telling import FAILURE, SUCCESS, WRONG_USE, CommandError, tell
from unrolled.viewer.state.files import Kind, kind_of

SUFFIXES = (".json", ".html")
NAMED = 5  # files that are passed over
JSON_EXPLAINED = """The JSON is one object: steps (words, log-probabilities, candidates), equations (a list, one for each step
and unit), gradients (tables, row t, column k), occlusion (for each step what masking each place takes from log p, logit and
margin, and the share of it in the most attended tenth), gates, attention, similar, fidelity, edits, and notes. Steps, units
and places are counted from 0, and "convention" says what a step is; numbers that are none are null."""


def add(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = verbs.add_parser("analyze", help="equations, gradients, occlusion and statistics of a run", epilog=JSON_EXPLAINED)
    add_one_input(parser, "INPUT-or-TRACE", "or a session; or a folder of inputs or traces: gate statistics over all")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="OUT",
                        help="a file ending in " + " or ".join(SUFFIXES))
    parser.add_argument("--unit", type=int, action="append", default=[], metavar="N",
                        help="whose equations are given (default: the three that change most)")
    parser.add_argument("--step", type=int, action="append", default=[], metavar="N", help="of which steps (default: all)")
    add_running_arguments(parser, written=0)
    parser.set_defaults(do=analyze)


def analyze(arguments: argparse.Namespace) -> int:
    check_one_input(arguments)
    check_output(arguments.output, SUFFIXES)
    if any(number < 0 for number in (*arguments.unit, *arguments.step)):
        raise CommandError("Units and steps are counted from 0.", WRONG_USE)
    kind = Kind.INPUT if arguments.input is None else kind_of(arguments.input)
    if kind is Kind.TRACE:
        _of_trace(arguments, load_trace(arguments.input))
    elif kind is Kind.SESSION:
        from unrolled.viewer.cli.subject import subject_of_session

        _of_trace(arguments, subject_of_session(arguments.input).trace)
    elif kind is Kind.INPUT and arguments.input is not None and arguments.input.is_dir():
        return _of_folder(arguments)
    else:
        _of_input(arguments)
    return SUCCESS


def _of_folder(arguments: argparse.Namespace) -> int:
    """The gates over all traces and inputs of a folder: a single run is too short to rank units by. A failure where one of
    them was left out.
    """
    import msgspec

    from unrolled.viewer.report.folder import collect_folder

    if arguments.output.suffix.lower() != ".json":
        raise CommandError("The statistics of a folder are written as JSON: name a file ending in .json.", WRONG_USE)
    files = sorted(path for path in arguments.input.iterdir() if path.is_file() and not path.name.startswith("."))
    traces = [path for path in files if kind_of(path) is Kind.TRACE]
    passed_over = [path.name for path in files if traces and path not in traces]
    notes: list[str] = []
    more = f" and {len(passed_over) - NAMED:,} more" if len(passed_over) > NAMED else ""
    said = [f"Only the traces in “{arguments.input.name}” are counted; passed over: {', '.join(passed_over[:NAMED])}{more}."
            ] if passed_over else []

    def recorded() -> Iterator[tuple[str, Trace]]:
        for path in traces:
            try:
                yield path.name, load_trace(path)
            except TraceError as error:
                notes.append(str(error))

    def run() -> Iterator[tuple[str, Trace]]:
        with backend(arguments) as (client, loaded):
            kind = loaded.description.input_kind
            for number, path in enumerate(files):
                tell_doing(path.name)
                try:
                    yield path.name, run_trace(client, loaded, run=number, name=file_name(path), write=arguments.write,
                                               decoding=decoding_of(arguments, loaded.decoding),
                                               data=read_input(path, kind, arguments.encoding))
                except (BackendError, CommandError, ValueError) as error:
                    notes.append(f"“{file_name(path)}” was left out: {error}")

    try:
        found = collect_folder(recorded() if traces else run())
    except (BackendError, ValueError) as error:
        raise CommandError(f"Nothing in “{arguments.input}” could be analyzed: {'; '.join([str(error), *notes[:1]])}") from error
    from unrolled.viewer.report.analysis import as_json

    tell_doing()
    tell(*said, *notes)
    found = msgspec.structs.replace(found, notes=(*found.notes, *said, *notes))
    _write_file(arguments.output, as_json(found))
    return FAILURE if notes else SUCCESS


def _of_input(arguments: argparse.Namespace) -> None:
    with one_input(arguments) as (client, loaded, run):
        trace = run()
        _write(arguments, trace, loaded, Asking(client, CHANGED if trace.provenance.edits else 0), [])


def _of_trace(arguments: argparse.Namespace, trace: Trace) -> None:
    provenance = trace.provenance
    if not provenance.words_chosen:
        _write(arguments, spread(trace), None, None, ["What needs the network itself is left out: it was recorded where it ran."])
        return
    if arguments.model == DEFAULT_MODEL and provenance.model:  # what a file names is no path to open
        if not is_shipped(provenance.model):
            _write(arguments, trace, None, None, ["What needs the model is left out: the trace was recorded by "
                                                  f"“{text_name(provenance.model)}”; name its checkpoint with --model."])
            return
        arguments.model = provenance.model
    try:
        with backend(arguments) as (client, loaded):
            why_not = taken_up(client, loaded, trace)
            notes = [f"What needs the model is left out: {why_not}"] if why_not else []
            _write(arguments, trace, loaded, None if why_not else Asking(client, CHANGED), notes)
            return
    except BackendError as error:
        if "There is no" in str(error) and ("step" in str(error) or "unit" in str(error)):
            raise
        reason = str(error)
    _write(arguments, trace, None, None, [f"What needs the model is left out: {reason}"])


def _write(arguments: argparse.Namespace, trace: Trace, loaded: Loaded | None, ask: Asking | None, notes: list[str]) -> None:
    import numpy as np

    from unrolled.viewer.report.analysis import as_json
    from unrolled.viewer.report.collecting import collect
    from unrolled.viewer.report.page import page

    tell(*notes)
    description = loaded.description if loaded is not None else None
    end = description.words[description.end_token] if description is not None and description.end_token >= 0 else "<end>"
    with np.errstate(invalid="ignore", over="ignore"):  # a trace may hold whatever a number can be
        found = collect(trace, file=title_of_input(arguments), ask=ask, notes=notes, units=arguments.unit, steps=arguments.step,
                        end_word=end, vocabulary=description.words if description is not None else (), say=tell_doing)
        tell_doing()
        data = as_json(found) if arguments.output.suffix.lower() == ".json" else page(found, trace, _picture_of(trace))
    _write_file(arguments.output, data)


def _write_file(output: Path, data: bytes) -> None:
    try:
        with atomic_write(output) as file:
            file.write(data)
    except OSError as error:
        raise CommandError(writing_sentence(output, error)) from error


def _picture_of(trace: Trace) -> Image.Image | None:
    if trace.provenance.input_kind != "picture" or not trace.input_bytes:
        return None
    try:
        return read_picture(trace.input_bytes, trace.provenance.input_name).image
    except ReadingError:
        return None
