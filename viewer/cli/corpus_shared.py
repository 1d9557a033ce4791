"""What the questions to a store share on the command line."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable

from unrolled.models.store.layout import is_searched
from unrolled.models.store.store import Store
from unrolled.models.trace.names import printable, text_name
from unrolled.viewer.cli.failure import CommandError


def progress(doing: str) -> Callable[[int, int], None]:
    """How far it is, where a person looks."""
    shown_before = -1

    def told(done: int, of: int) -> None:
        nonlocal shown_before
        share = 100 * done // max(of, 1)
        if sys.stderr.isatty() and share != shown_before:
            shown_before = share
            print(f"\r\x1b[K{doing}… {share} %" if done < of else "\r\x1b[K", end="", file=sys.stderr, flush=True)

    return told


def channel_of(store: Store, name: str) -> str:
    found = name or next((channel.name for channel in store.description.channels if is_searched(channel)), "")
    if not found:
        raise CommandError(f"“{text_name(store.title)}” keeps no channel by unit.")
    return found


def say_notes(notes: Iterable[str]) -> None:
    for note in notes:
        print(f"unrolled: {printable(note)}", file=sys.stderr)
