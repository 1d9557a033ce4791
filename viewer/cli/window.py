"""`unrolled [FILE]`: the window."""

import argparse
import os
import sys
from functools import partial
from pathlib import Path

from unrolled.models.protocol.client import Endpoint
from unrolled.models.trace.streams import ending_at_once
from unrolled.viewer.cli.telling import WRONG_USE, CommandError
from unrolled.viewer.client.ssh import SshTunnel
from unrolled.viewer.window.options import WindowOptions


def add_window_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", nargs="?", metavar="FILE", help="a photograph, a text, a clip, a trace, a session, a checkpoint; "
                        "a store of traces, also by an address such as s3://bucket/name")
    parser.add_argument("--model", default="",
                        help="a model's name, a checkpoint, a folder with one, or hf: and a name on the hub")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:1, mps, xpu (default: auto)")
    parser.add_argument("--screenshot", type=Path, metavar="OUT.png",
                        help="run to the end of the caption, save a picture of the window, leave; needs no screen")
    parser.add_argument("--size", type=_size, metavar="WxH", help="the window's size, such as 1440x900")
    parser.add_argument("--theme", choices=("light", "dark"), help="in place of the remembered one")
    parser.add_argument("--connect", default="", metavar="HOST:PORT#SECRET",
                        help="a backend that runs elsewhere: what “unrolled serve” printed")
    parser.add_argument("--ssh", default="", metavar="USER@HOST",
                        help="start the backend on another machine, through ssh; with --connect, reach one that runs there")
    parser.add_argument("--remote-program", default="unrolled", metavar="PROGRAM",
                        help="what starts Unrolled there (default: unrolled)")
    parser.add_argument("--empty", action="store_true", help=argparse.SUPPRESS)  # what it is connected to says what is shown
    parser.add_argument("--watch", action="store_true", help=argparse.SUPPRESS)  # what it is connected to is a training
    parser.add_argument("--report", type=Path, help=argparse.SUPPRESS)
    parser.set_defaults(do=window)


def _size(text: str) -> tuple[int, int]:
    width, cross, height = text.lower().partition("x")
    if not (cross and width.isdigit() and height.isdigit() and 400 <= int(width) <= 8192 and 300 <= int(height) <= 8192):
        raise argparse.ArgumentTypeError(f"“{text}” is not a size such as 1440x900")
    return int(width), int(height)


@ending_at_once()
def window(arguments: argparse.Namespace) -> int:
    """Open the window, and stay until it is closed."""
    store = arguments.file if arguments.file is not None and "://" in arguments.file else ""
    file = Path(arguments.file) if arguments.file is not None and not store else None
    if file is not None and not file.exists():
        raise CommandError(f"There is no file “{file}”.", WRONG_USE if not file.suffix else 1)
    if arguments.screenshot is not None:
        if not arguments.screenshot.parent.is_dir():
            raise CommandError(f"There is no folder “{arguments.screenshot.parent}” to save the picture in.")
        if sys.platform.startswith("linux"):
            os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    from unrolled.viewer.cli.screen import check_qt, check_screen

    check_screen()
    check_qt()
    from unrolled.viewer.window.application import Drive, run

    drive: Drive | None = None
    if arguments.report is not None:
        from unrolled.viewer.benchmarks.window import Driver

        drive = partial(Driver, arguments.report)
    connect, tunnel = _elsewhere(arguments)
    return run(WindowOptions(file=file, store=store, model=arguments.model, device=arguments.device,
                             screenshot=arguments.screenshot, size=arguments.size, theme=arguments.theme,
                             empty=arguments.empty, watch=arguments.watch, debug=arguments.debug, connect=connect,
                             tunnel=tunnel), drive)


def _elsewhere(arguments: argparse.Namespace) -> tuple[Endpoint | None, SshTunnel | None]:
    try:
        endpoint = Endpoint.written(arguments.connect) if arguments.connect else None
        if not arguments.ssh:
            return endpoint, None
        return None, SshTunnel(machine=arguments.ssh, program=arguments.remote_program, serving=endpoint)
    except ValueError as error:
        raise CommandError(str(error), WRONG_USE) from error
