"""What is told while a model is had or a clip decoded, which may take minutes: whoever asks listens, and gives up by raising."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

Listen = Callable[[str, float], None]
"""What is going on, and how far it is from 0 to 1, or -1. What it raises ends it."""

_LISTENS: ContextVar[Listen] = ContextVar("listens", default=lambda text, fraction: None)


@contextmanager
def told_to(listen: Listen) -> Iterator[None]:
    """What is told within is told to `listen`."""
    before = _LISTENS.set(listen)
    try:
        yield
    finally:
        _LISTENS.reset(before)


def tell(text: str, fraction: float = -1.0) -> None:
    """Say what is going on; often, since it is here that nobody may wait any more."""
    _LISTENS.get()(text, fraction)
