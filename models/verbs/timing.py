"""Measures things that are compared by turns, so that they see the same noise."""

import statistics
from collections.abc import Callable


def in_turns(*runs: Callable[[], object], rounds: int, warm_up: int, clock: Callable[[], float]) -> list[float]:
    """The median of each, in seconds of the clock; the first rounds do not count."""
    seconds: list[list[float]] = [[] for _ in runs]
    for _ in range(rounds):
        for own, run in zip(seconds, runs, strict=True):
            started = clock()
            run()
            own.append(clock() - started)
    return [statistics.median(own[warm_up:]) for own in seconds]
