"""`unrolled bench`: the figures, each with what it is compared with."""

import argparse
import json
import os
import sys
from collections.abc import Callable
from functools import partial
from typing import Any

from unrolled.viewer.benchmarks.process import figures_of, last_words, measuring
from unrolled.viewer.cli.telling import FAILURE, SUCCESS, WRONG_USE, CommandError, tell

Figures = dict[str, Any]


def add(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = verbs.add_parser("bench", help="how fast it is here, each figure with what it is compared with")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--only", nargs="+", choices=sorted(BENCHMARKS), metavar="PART",
                        help="of " + ", ".join(sorted(BENCHMARKS)))
    parser.set_defaults(do=bench)


def _stepping(*more: str) -> Figures:
    child = measuring("unrolled.models", "bench", "--json", *more)
    if child.returncode != 0:
        raise CommandError(last_words(child))
    figures: Figures = json.loads(child.stdout)
    return figures


def _animation() -> Figures:
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
    from unrolled.viewer.cli.screen import gui_application

    application = gui_application()
    from unrolled.viewer.benchmarks.export import gif_speedup

    figures: Figures = gif_speedup()
    del application
    return figures


def _window() -> Figures:
    from unrolled.viewer.benchmarks.window import measure_window

    return measure_window()


def _corpus() -> Figures:
    tracing, asking = _stepping("--corpus"), figures_of("unrolled.viewer.benchmarks.stores")
    return {**tracing, **asking, "details": tracing["details"] | asking["details"]}


BENCHMARKS: dict[str, Callable[[], Figures]] = {
    "stepping": _stepping, "animation": _animation, "window": _window,
    "long": partial(figures_of, "unrolled.viewer.benchmarks.long_runs"),
    "million": partial(figures_of, "unrolled.viewer.benchmarks.million"), "corpus": _corpus,
}


def bench(arguments: argparse.Namespace) -> int:
    unknown = set(arguments.only or ()) - set(BENCHMARKS)
    if unknown:
        raise CommandError(f"There is no benchmark {', '.join(unknown)}.", WRONG_USE)
    figures: Figures = {}
    details: Figures = {}
    status = SUCCESS
    for name in arguments.only or BENCHMARKS:
        if sys.stderr.isatty():
            print(f"measuring {name}…", file=sys.stderr)
        try:
            part = BENCHMARKS[name]()
        except RuntimeError as error:  # of one part, such as stores where there is no zarr
            tell(f"{name} was not measured: {error}")
            status = FAILURE
            continue
        details[name] = part.pop("details", {})
        figures |= part
    if arguments.json:
        print(json.dumps({**figures, "details": details}))
        return status
    for key, value in figures.items():
        print(f"{key:<24} {_shown(value)}")
    for name, part in details.items():
        print(f"\n{name}: " + "; ".join(f"{key.replace('_', ' ')}: {value}" for key, value in part.items()))
    return status


def _shown(value: float | dict[str, float]) -> str:
    if isinstance(value, dict) and "median" not in value:
        return ", ".join(f"{name} {own:.2f}" for name, own in value.items())
    if isinstance(value, dict):
        return f"median {value['median']:.2f}, p95 {value['p95']:.2f}, {value['of_reference']:.2f} of the reference"
    return f"{value:.2f}"
