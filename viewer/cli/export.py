"""`unrolled export INPUT-or-TRACE -o OUT`: an animation, a picture of a run, or the trace in another format."""

import argparse
import os
from dataclasses import fields
from pathlib import Path

from unrolled.viewer.cli.running import add_one_input, add_running_arguments, check_one_input, check_output
from unrolled.viewer.cli.telling import SUCCESS, WRONG_USE, CommandError
from unrolled.viewer.export.contents import CONTENTS, content_named
from unrolled.viewer.export.failure import ExportError
from unrolled.viewer.export.formats import Makes, format_of, formats
from unrolled.viewer.export.settings import ExportSettings, check
from unrolled.viewer.export.steps import parse_steps

FIRST_STEP = 0  # of the command line
USUAL = ExportSettings()


def add(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    listed = {makes: ", ".join(row.suffix[1:] for row in formats().values() if row.makes is makes) for makes in Makes}
    parser = verbs.add_parser(
        "export", help=f"an animation ({listed[Makes.ANIMATION]}) or a picture ({listed[Makes.STILL]})",
        epilog="; ".join((*(f"{row.suffix}: {row.title}" for row in formats().values()),
                          *(f"--what {content.name}: {content.about}" for content in CONTENTS))))
    add_one_input(parser, "INPUT-or-TRACE", "or a session, whose branches are drawn")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="OUT",
                        help="a file ending in " + ", ".join(formats()))
    parser.add_argument("--what", choices=[content.name for content in CONTENTS], default="", metavar="CONTENT",
                        help=f"{', '.join(content.name for content in CONTENTS)} (default: what the run is, as OUT ends)")
    _add_look(parser.add_argument_group("how it looks"))
    add_running_arguments(parser, written=0)
    parser.set_defaults(do=export)


def _add_look(look: argparse._ArgumentGroup) -> None:
    look.add_argument("--width", type=int, default=USUAL.width, metavar="PX",
                      help=f"in pixels, 96 of them an inch (default: {USUAL.width})")
    look.add_argument("--dpi", type=int, default=USUAL.dpi, metavar="N",
                      help="pixels an inch of a .png, which has the more of them: 640 wide at 300 dpi are 2000 "
                           f"(default: {USUAL.dpi})")
    look.add_argument("--type-size", dest="type_points", type=float, default=0.0, metavar="PT",
                      help="of the words, in points (default: what fits)")
    look.add_argument("--columns", type=int, default=0, metavar="N",
                      help="pictures, words or steps side by side (default: as many as fit)")
    look.add_argument("--steps", default="", metavar="LIST", help="those that are drawn, counted from 0: 0-4,7 (default: all)")
    look.add_argument("--without-end", dest="end", action="store_false", help="leave out the step that wrote END")
    look.add_argument("--seconds-per-word", type=float, default=USUAL.seconds_per_word, metavar="S",
                      help=f"(default: {USUAL.seconds_per_word})")
    look.add_argument("--style", choices=("dimmed", "colours"), default=USUAL.style,
                      help=f"the rest of the picture dimmed, or colours over what is attended to (default: {USUAL.style})")
    look.add_argument("--colour-map", default=USUAL.colour_map, metavar="NAME", help=f"(default: {USUAL.colour_map})")
    look.add_argument("--scale", choices=("absolute", "stretched"), default=USUAL.scale,
                      help="the same for the same weights everywhere, or each map from its least to its greatest")
    look.add_argument("--cells", dest="smooth", action="store_false", help="draw the grid's cells in place of a smooth map")
    look.add_argument("--opacity", type=float, default=USUAL.opacity, metavar="A",
                      help=f"of colours, or of what dims; from 0 to 1 (default: {USUAL.opacity})")
    look.add_argument("--dark", action="store_true", help="on a dark ground, or for one")
    look.add_argument("--clear", action="store_true", help="no ground: it is seen through")
    look.add_argument("--svg-text", dest="outlines", action="store_false",
                      help="leave the words of an .svg text, for which a reader needs the fonts; else they are outlines")


def export(arguments: argparse.Namespace) -> int:
    check_one_input(arguments)
    check_output(arguments.output, tuple(formats()))
    try:
        settings = _settings(arguments)
        check(settings)
        chosen = format_of(arguments.output.name, arguments.output.suffix)
        if settings.clear and chosen.makes is not Makes.TRACE and "clear" not in chosen.takes:
            raise ExportError(f"A {chosen.suffix} file has no transparent background: choose .webp or .gif, or no --clear.")
        content_named(arguments.what, chosen)
    except ExportError as error:
        raise CommandError(str(error), WRONG_USE) from error
    from unrolled.viewer.cli.subject import subject_of

    subject = subject_of(arguments)
    os.environ["QT_QPA_PLATFORM"] = "offscreen"  # it paints pictures and shows none
    from unrolled.viewer.cli.screen import gui_application

    application = gui_application()
    from unrolled.viewer.export import export as write

    write(subject, arguments.output, settings, what=arguments.what)
    del application
    return SUCCESS


def _settings(arguments: argparse.Namespace) -> ExportSettings:
    """How it is to look. Raises `ExportError` where the steps are no steps."""
    chosen = {one.name: getattr(arguments, one.name) for one in fields(ExportSettings) if hasattr(arguments, one.name)}
    return ExportSettings(**(chosen | {"steps": parse_steps(arguments.steps, first=FIRST_STEP)}))
