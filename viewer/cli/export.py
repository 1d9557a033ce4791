"""`unrolled export INPUT-or-TRACE -o OUT`: an animation, a film strip, or the trace in another format."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from unrolled.viewer.cli.failure import SUCCESS, WRONG_USE, CommandError
from unrolled.viewer.cli.running import add_running_arguments, trace_of
from unrolled.viewer.cli.trace import check_output
from unrolled.viewer.export.formats import Makes, formats
from unrolled.viewer.state.files import TRACE_SUFFIXES


def add(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    listed = {makes: ", ".join(row.suffix[1:] for row in formats().values() if row.makes is makes) for makes in Makes}
    parser = verbs.add_parser(
        "export", help=f"an animation ({listed[Makes.ANIMATION]}) or a film strip ({listed[Makes.STILL]})",
        epilog="; ".join(f"{row.suffix}: {row.title}" for row in formats().values()))
    parser.add_argument("input", type=Path, metavar="INPUT-or-TRACE")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="OUT",
                        help="a file ending in " + ", ".join(formats()))
    look = parser.add_argument_group("how it looks")
    look.add_argument("--width", type=int, default=640, metavar="PX", help="in pixels (default: 640)")
    look.add_argument("--seconds-per-word", type=float, default=0.6, metavar="S", help="(default: 0.6)")
    look.add_argument("--colour-map", default="inferno", metavar="NAME", help="(default: inferno)")
    look.add_argument("--scale", choices=("absolute", "stretched"), default="absolute",
                      help="the same colours for the same weights everywhere, or each map from its least to its greatest")
    look.add_argument("--cells", action="store_true", help="draw the grid's cells in place of a smooth map")
    look.add_argument("--opacity", type=float, default=0.55, metavar="A", help="from 0 to 1 (default: 0.55)")
    look.add_argument("--dark", action="store_true", help="on a dark ground")
    add_running_arguments(parser, written=0)
    parser.set_defaults(do=export)


def export(arguments: argparse.Namespace) -> int:
    check_output(arguments.output, tuple(formats()))
    if not 0 <= arguments.opacity <= 1:
        raise CommandError("--opacity lies between 0 and 1.", WRONG_USE)
    if not 64 <= arguments.width <= 8192:
        raise CommandError("--width lies between 64 and 8192 pixels.", WRONG_USE)
    if not 0.02 <= arguments.seconds_per_word <= 60:
        raise CommandError("--seconds-per-word lies between 0.02 and 60.", WRONG_USE)
    from unrolled.models.trace.files import TraceError, load_trace

    if arguments.input.suffix.lower() in TRACE_SUFFIXES:
        try:
            recorded = load_trace(arguments.input)
        except TraceError as error:
            raise CommandError(str(error)) from error
    else:
        recorded = trace_of(arguments, arguments.input)
    os.environ["QT_QPA_PLATFORM"] = "offscreen"  # it paints pictures and shows none
    from unrolled.viewer.cli.screen import gui_application

    application = gui_application()
    from unrolled.viewer.export import ExportError, ExportSettings
    from unrolled.viewer.export import export as write

    settings = ExportSettings(width=arguments.width, seconds_per_word=arguments.seconds_per_word,
                              colour_map=arguments.colour_map, scale=arguments.scale, smooth=not arguments.cells,
                              opacity=arguments.opacity, dark=arguments.dark)
    try:
        write(recorded, arguments.output, settings)
    except ExportError as error:
        raise CommandError(str(error)) from error
    del application
    return SUCCESS
