"""The program `unrolled`: with a file or nothing it opens the window, with a verb it works without a screen.

Nothing slow is imported before it is known what is wanted.
"""

# ruff: noqa: E402
import signal

_interrupt = signal.getsignal(signal.SIGINT)
if _interrupt is signal.default_int_handler:  # an exception amid imports would be said with its traceback
    signal.signal(signal.SIGINT, signal.SIG_DFL)

import argparse
import os
import sys
import traceback
from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any

# The arrays here are small: NumPy's threads would only wait for one another, and for the model's. It reads this once.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from unrolled.models.inputs.files import ReadingError
from unrolled.models.protocol.client import BackendError
from unrolled.models.store.layout import StoreError, UnreachableError
from unrolled.models.trace.files import TraceError
from unrolled.models.trace.names import PlainParser
from unrolled.models.trace.plugins import own_version
from unrolled.models.trace.streams import ending_tidily, printing, tell_doing
from unrolled.viewer.cli import analyze, bench, caption, computing, corpus, doctor, export, models, trace, window
from unrolled.viewer.cli.telling import FAILURE, INTERRUPTED, CommandError, tell
from unrolled.viewer.export.failure import ExportError
from unrolled.viewer.state.session_file import SessionFileError

if _interrupt is signal.default_int_handler:
    signal.signal(signal.SIGINT, _interrupt)

VERBS: dict[str, Any] = {"caption": caption, "trace": trace, "export": export, "analyze": analyze, "corpus": corpus,
                         "models": models, "bench": bench, "doctor": doctor}
SENTENCES = (CommandError, BackendError, ExportError, SessionFileError, StoreError, TraceError, UnreachableError,
             ReadingError)
DESCRIPTION = "A microscope for recurrent and attention models: open a photograph, press Space, watch the words come."


def verb_parser() -> argparse.ArgumentParser:
    parser = PlainParser(prog="unrolled", description=DESCRIPTION)
    parser.add_argument("--version", action="version", version=f"unrolled {own_version()}")
    parser.add_argument("--debug", action="store_true", help="show the traceback of a failure")
    verbs = parser.add_subparsers(title="verbs", metavar="VERB")
    for module in VERBS.values():
        module.add(verbs)
    for name, explained in computing.VERBS.items():
        verbs.add_parser(name, help=f"{explained}; see unrolled {name} --help")
    for verb in verbs.choices.values():
        verb.add_argument("--debug", action="store_true", default=argparse.SUPPRESS, help="show the traceback of a failure")
    return parser


def window_parser() -> argparse.ArgumentParser:
    verbs = ", ".join((*VERBS, *computing.VERBS))
    parser = PlainParser(
        prog="unrolled", description=DESCRIPTION,
        epilog=f"With a verb it works without a screen: {verbs}. “unrolled VERB --help” says more.")
    parser.add_argument("--version", action="version", version=f"unrolled {own_version()}")
    parser.add_argument("--debug", action="store_true", help="show the traceback of a failure")
    window.add_window_arguments(parser)
    return parser


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
        with ending_tidily() if verb in VERBS else nullcontext():  # the window ends in its own way
            return int(arguments.do(arguments))
    except KeyboardInterrupt:
        tell_doing()
        return INTERRUPTED
    except BrokenPipeError:
        raise
    except Exception as error:
        if arguments.debug:
            traceback.print_exc()
        reason = str(error).strip() or type(error).__name__
        sentence = reason if isinstance(error, SENTENCES) else f"{reason.splitlines()[0]} (--debug shows where)"
        tell(sentence)
        return error.status if isinstance(error, CommandError) else FAILURE


if __name__ == "__main__":
    sys.exit(main())
