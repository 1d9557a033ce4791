"""`unrolled trace INPUT -o OUT`: run, and save everything that was recorded."""

from __future__ import annotations

import argparse
from pathlib import Path

from unrolled.models.trace.files import SUFFIXES, TraceError, save_trace
from unrolled.viewer.cli.failure import SUCCESS, WRONG_USE, CommandError
from unrolled.viewer.cli.running import add_running_arguments, trace_of


def add(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = verbs.add_parser("trace", help="run, and save the whole trace")
    parser.add_argument("input", type=Path, metavar="INPUT")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="OUT", help="a file ending in " + ", ".join(SUFFIXES))
    add_running_arguments(parser, written=0)
    parser.set_defaults(do=trace)


def check_output(output: Path, suffixes: tuple[str, ...]) -> None:
    """Say what is wrong with a name before anything slow is begun. Raises `CommandError`."""
    if output.suffix.lower() not in suffixes:
        raise CommandError(f"“{output.name}” should end in one of {', '.join(suffixes)}.", WRONG_USE)
    if output.is_dir():
        raise CommandError(f"“{output}” is a folder; name a file.")
    if not output.parent.is_dir():
        raise CommandError(f"There is no folder “{output.parent}” to write to.")


def trace(arguments: argparse.Namespace) -> int:
    check_output(arguments.output, SUFFIXES)
    recorded = trace_of(arguments, arguments.input)
    try:
        save_trace(recorded, arguments.output)
    except TraceError as error:
        raise CommandError(str(error)) from error
    return SUCCESS
