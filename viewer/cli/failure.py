"""How the command line fails: one sentence, and an exit status."""

from __future__ import annotations

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
