"""`unrolled trace INPUT -o OUT`: run, and save everything that was recorded."""

from __future__ import annotations

import argparse
from pathlib import Path

from unrolled.models.trace.files import SUFFIXES, TraceError, save_trace
from unrolled.viewer.cli.failure import SUCCESS, CommandError
from unrolled.viewer.cli.output import check_output
from unrolled.viewer.cli.running import add_one_input, add_running_arguments, check_one_input, one_input


def add(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = verbs.add_parser("trace", help="run, and save the whole trace")
    add_one_input(parser, "INPUT")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="OUT", help="a file ending in " + ", ".join(SUFFIXES))
    add_running_arguments(parser, written=0)
    parser.set_defaults(do=trace)


def trace(arguments: argparse.Namespace) -> int:
    check_one_input(arguments)
    check_output(arguments.output, SUFFIXES)
    with one_input(arguments) as (_, _, run):
        recorded = run()
    try:
        save_trace(recorded, arguments.output)
    except TraceError as error:
        raise CommandError(str(error)) from error
    return SUCCESS
