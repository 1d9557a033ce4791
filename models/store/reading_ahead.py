"""Reading side by side, and before it is asked for: a server that answers late has many questions at once."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import TypeVar

from unrolled.models.store.layout import UnreachableError
from unrolled.models.store.location import Location

FAR_AT_ONCE = 8      # questions to a store that is far away
FAR_BYTES = 2**28    # that all of them may bring

Task = TypeVar("Task")
Made = TypeVar("Made")


def at_once(location: Location, size: int = 1) -> int:
    """How many things of so many bytes are read side by side: of a store on this machine one after another."""
    return 1 if location.folder is not None else min(max(FAR_BYTES // (2 * size), 2), FAR_AT_ONCE)


def ahead(make: Callable[[Task], Made], tasks: Iterable[Task], threads: int) -> Iterator[Callable[..., Made]]:
    """For each task, in their order, what gives what was made of it, or raises what that raised.

    As many are made at once as there are threads, and one more waits; one thread is the caller's own, in which nothing is done
    before it is asked for. What gives it takes a limit in seconds, after which it raises `TimeoutError`. After an
    `UnreachableError` none is begun any more: each would wait as long.
    """
    if threads == 1:
        yield from (partial(make, task) for task in tasks)
        return
    waiting: deque[Future[Made]] = deque()
    gone: list[UnreachableError] = []

    def one(task: Task) -> Made:
        if gone:
            raise gone[0]
        try:
            return make(task)
        except UnreachableError as error:
            gone.append(error)
            raise

    pool = ThreadPoolExecutor(threads)
    try:
        for task in tasks:
            waiting.append(pool.submit(one, task))
            if len(waiting) > threads:
                yield waiting.popleft().result
        while waiting:
            yield waiting.popleft().result
    finally:
        pool.shutdown(wait=False, cancel_futures=True)  # nobody waits for what is still read
