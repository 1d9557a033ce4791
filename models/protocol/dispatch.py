"""From a message's type to the one method that deals with it; messages between the processes and the window's commands."""

from collections.abc import Callable, Iterable, Iterator
from inspect import getmembers, isfunction
from typing import Any, TypeVar

Method = TypeVar("Method", bound=Callable[..., Any])
Kind = TypeVar("Kind")


def handles(*kinds: type) -> Callable[[Method], Method]:
    """Mark a method as the one that deals with messages of these types."""

    def mark(method: Method) -> Method:
        method.handled_kinds = kinds  # type: ignore[attr-defined]
        return method

    return mark


class Dispatch:
    """Hands each message to the method that was marked for its type. `*parts`: whose marked methods are called; another
    `Dispatch` brings all of its own. Raises `ValueError` when two methods are marked for one type.
    """

    def __init__(self, *parts: object) -> None:
        self._handlers: dict[type, Callable[..., Any]] = {}
        for part in parts:
            for kind, handler in _handlers_of(part):
                self.on(kind, handler)

    def on(self, kind: type[Kind], handler: Callable[[Kind], object]) -> None:
        """Have messages of one more type dealt with. Raises `ValueError` as for the others."""
        if kind in self._handlers:
            raise ValueError(f"{kind.__name__} is handled twice: by {_name(self._handlers[kind])} and {_name(handler)}.")
        self._handlers[kind] = handler

    def __call__(self, message: object, *arguments: Any) -> Any:
        """Have a message dealt with. Raises `LookupError` when nothing is marked for its type."""
        handler = self._handlers.get(type(message))
        if handler is None:
            raise LookupError(f"Nothing handles {type(message).__name__}.")
        return handler(message, *arguments)

    def offer(self, message: object) -> bool:
        """Have a message dealt with, where something is marked for its type; whether it was."""
        handler = self._handlers.get(type(message))
        if handler is not None:
            handler(message)
        return handler is not None

    def missing(self, kinds: Iterable[type]) -> tuple[type, ...]:
        """Those of the types that nothing is marked for."""
        return tuple(kind for kind in kinds if kind not in self._handlers)


def _handlers_of(part: object) -> Iterator[tuple[type, Callable[..., Any]]]:
    if isinstance(part, Dispatch):
        yield from part._handlers.items()
        return
    for name, method in getmembers(type(part), isfunction):
        for kind in getattr(method, "handled_kinds", ()):
            yield kind, getattr(part, name)


def _name(handler: Callable[..., Any]) -> str:
    return getattr(handler, "__qualname__", repr(handler))
