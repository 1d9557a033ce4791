"""What the command line tells a person on standard error, beside what it gives on standard output, and how it fails: one
sentence, and an exit status.
"""

from collections.abc import Callable

from unrolled.models.trace.names import printable
from unrolled.models.trace.streams import tell_doing, tell_errors

SUCCESS, FAILURE, WRONG_USE, INTERRUPTED = 0, 1, 2, 130


class CommandError(RuntimeError):
    """What was asked for could not be done: one sentence for people.

    Parameters
    ----------
    sentence : str
    status : int
        1 for a failure, 2 for wrong use.
    """

    def __init__(self, sentence: str, status: int = FAILURE) -> None:
        super().__init__(sentence)
        self.status = status


def tell(*sentences: str) -> None:
    """A line each."""
    for sentence in sentences:
        tell_errors(f"unrolled: {printable(sentence)}")


def progress(doing: str) -> Callable[[int, int], None]:
    """What tells how far something is, in percent; nothing when it is done."""
    shown_before = -1

    def told(done: int, of: int) -> None:
        nonlocal shown_before
        share = 100 * done // max(of, 1)
        if share != shown_before:
            shown_before = share
            tell_doing(f"{doing}: {share} %" if done < of else "")

    return told
