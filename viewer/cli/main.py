"""The program `unrolled`: with a file or nothing it opens the window, with a verb it works without a screen.

Nothing slow is imported before it is known what is wanted.
"""

# ruff: noqa: E402
from __future__ import annotations

import signal

_interrupt = signal.getsignal(signal.SIGINT)
if _interrupt is signal.default_int_handler:  # an exception amid imports would be said with its traceback
    signal.signal(signal.SIGINT, signal.SIG_DFL)

import argparse
import os
import sys
import traceback
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version

# The arrays here are small: NumPy's threads would only wait for one another, and for the model's. It reads this once.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from unrolled.models.trace.names import PlainParser
from unrolled.models.trace.streams import printing
from unrolled.viewer.cli import analyze, bench, caption, computing, corpus, doctor, export, models, trace, window
from unrolled.viewer.cli.failure import FAILURE, INTERRUPTED, CommandError
from unrolled.viewer.cli.telling import tell

if _interrupt is signal.default_int_handler:
    signal.signal(signal.SIGINT, _interrupt)

DESCRIPTION = "A microscope for recurrent and attention models: open a photograph, press Space, watch the words come."


def _version() -> str:
    try:
        return version("unrolled")
    except PackageNotFoundError:
        return "unknown"


def verb_parser() -> argparse.ArgumentParser:
    parser = PlainParser(prog="unrolled", description=DESCRIPTION)
    parser.add_argument("--version", action="version", version=f"unrolled {_version()}")
    parser.add_argument("--debug", action="store_true", help="show the traceback of a failure")
    verbs = parser.add_subparsers(title="verbs", metavar="VERB")
    for module in (caption, trace, export, analyze, corpus, models, bench, doctor):
        module.add(verbs)
    verbs.add_parser("train", help="train a model; see unrolled train --help")
    verbs.add_parser("evaluate", help="judge a model by its task's metrics; see unrolled evaluate --help")
    verbs.add_parser("serve", help="compute for a window on another machine; see unrolled serve --help")
    for verb in verbs.choices.values():
        verb.add_argument("--debug", action="store_true", default=argparse.SUPPRESS, help="show the traceback of a failure")
    return parser


def window_parser() -> argparse.ArgumentParser:
    verbs = "caption, trace, export, analyze, corpus, models, train, evaluate, serve, bench, doctor"
    parser = PlainParser(
        prog="unrolled", description=DESCRIPTION,
        epilog=f"With a verb it works without a screen: {verbs}. “unrolled VERB --help” says more.")
    parser.add_argument("--version", action="version", version=f"unrolled {_version()}")
    parser.add_argument("--debug", action="store_true", help="show the traceback of a failure")
    window.add_window_arguments(parser)
    return parser


VERBS = ("caption", "trace", "export", "analyze", "corpus", "models", "bench", "doctor")


def main(words: Sequence[str] | None = None) -> int:
    """Do what the words ask, and give the exit status: 0, 1 for a failure, 2 for wrong use."""
    return printing(lambda: _act(list(sys.argv[1:] if words is None else words)))


def _act(words: list[str]) -> int:
    verb = next((word for word in words if word != "--debug"), "")
    if verb in computing.VERBS or [word for word in words if word != "--debug"][:2] == ["corpus", "trace"]:
        return computing.hand_over([word for word in words if word != "--debug"] + ["--debug"] * ("--debug" in words))
    parser = verb_parser() if verb in VERBS else window_parser()
    arguments = parser.parse_args(words)
    try:
        return int(arguments.do(arguments))
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        raise
    except Exception as error:
        if arguments.debug:
            traceback.print_exc()
        reason = str(error).strip() or type(error).__name__
        sentence = reason if isinstance(error, CommandError) else f"{reason.splitlines()[0]} (--debug shows where)"
        tell(sentence)
        return error.status if isinstance(error, CommandError) else FAILURE


if __name__ == "__main__":
    sys.exit(main())
