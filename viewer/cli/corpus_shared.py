"""What the questions to a store share on the command line."""

from __future__ import annotations

from unrolled.models.store.layout import is_searched
from unrolled.models.store.store import Store
from unrolled.models.trace.names import text_name
from unrolled.viewer.cli.failure import CommandError


def channel_of(store: Store, name: str) -> str:
    found = name or next((channel.name for channel in store.description.channels if is_searched(channel)), "")
    if not found:
        raise CommandError(f"“{text_name(store.title)}” keeps no channel by unit.")
    return found
