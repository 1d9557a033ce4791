"""`unrolled trace INPUT -o OUT`: run, and save everything that was recorded."""

import argparse
from pathlib import Path

from unrolled.models.trace.files import SUFFIXES, save_trace
from unrolled.viewer.cli.running import add_one_input, add_running_arguments, check_one_input, check_output, one_input
from unrolled.viewer.cli.telling import SUCCESS


def add(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
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
    save_trace(recorded, arguments.output)
    return SUCCESS
