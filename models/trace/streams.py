"""Standard output and errors of a program that is a part of a shell's pipe."""

import io
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

INTERRUPTED = 130  # as a shell says it
CLEARED = "\r\x1b[K"  # an empty line of a terminal


def printing(act: Callable[[], int]) -> int:
    """Do what prints, and give its exit status: 0 where the reader of standard output left, since it has read enough.

    Both streams take whatever is printed: what the terminal has no sign for costs that sign alone, and a stream that was
    closed before the start takes all.
    """
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115, PTH123
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    try:
        try:
            return act()
        finally:
            sys.stdout.flush()  # a buffer's rest too: at the interpreter's end it would be complained about
    except BrokenPipeError:
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()
            except BrokenPipeError:
                os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
        return 0


def tell_errors(line: str) -> None:
    """A line on standard error, where somebody reads it, in place of what was going on."""
    with suppress(BrokenPipeError):
        print(CLEARED * sys.stderr.isatty() + line, file=sys.stderr, flush=True)


def tell_doing(text: str = "") -> None:
    """What is going on, where somebody looks: on a line that the next text takes, and an empty one clears."""
    if sys.stderr.isatty():
        print(f"{CLEARED}{text}{'…' if text else ''}", end="", file=sys.stderr, flush=True)


@contextmanager
def libraries_silent() -> Iterator[None]:
    """What a library in C writes on standard error by itself is not shown beside the sentence that is said of it."""
    try:
        kept = os.dup(2)
    except OSError:  # it was closed before the start
        yield
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


@contextmanager
def ending_at_once() -> Iterator[None]:
    """Ctrl+C while libraries are imported or Qt is set up: an exception within their own code would abort the process, be said
    as something else, or be lost.
    """
    before = signal.getsignal(signal.SIGINT)
    if before is not signal.default_int_handler:  # somebody else's, or none
        yield
        return

    def leave(*_: object) -> None:
        os.write(2, b"Interrupted.\n")
        os._exit(INTERRUPTED)

    signal.signal(signal.SIGINT, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


class _Ended(BaseException):
    """A signal asked this process to end."""


@contextmanager
def ending_tidily() -> Iterator[None]:
    """A signal that ends this process ends what it began first, other processes and files half written; then it ends by that
    signal itself.
    """
    def end(number: int, _: object) -> None:
        raise _Ended(number)

    numbers = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    before = [signal.signal(number, end) for number in numbers]
    try:
        yield
    except _Ended as ended:
        signal.signal(ended.args[0], signal.SIG_DFL)
        os.kill(os.getpid(), ended.args[0])
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)
