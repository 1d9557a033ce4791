"""The updates of a watched training that are kept: within a limit of memory, the older the sparser."""

from __future__ import annotations

from collections.abc import Iterator

from unrolled.models.protocol.watching import WatchedUpdate

MOST_BYTES = 128 * 1024 * 1024
MOST_UPDATES = 4000


class KeptUpdates:
    """By their numbers; where there is no more room every second of the older half is let go.

    Parameters
    ----------
    most_bytes, most : int
        The limits.
    """

    def __init__(self, most_bytes: int = MOST_BYTES, most: int = MOST_UPDATES) -> None:
        self._limits = most_bytes, most
        self._updates: list[WatchedUpdate] = []
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._updates)

    def __iter__(self) -> Iterator[WatchedUpdate]:
        return iter(self._updates)

    def __getitem__(self, place: int) -> WatchedUpdate:
        return self._updates[place]

    def add(self, update: WatchedUpdate) -> bool:
        """Keep one; one that is not newer than the last is left out, and said with False."""
        if self._updates and update.update <= self._updates[-1].update:
            return False
        self._updates.append(update)
        self._bytes += update.size
        most_bytes, most = self._limits
        while len(self._updates) > 2 and (self._bytes > most_bytes or len(self._updates) > most):
            older = max(len(self._updates) // 2, 2)
            self._updates[:older] = self._updates[:older:2]
            self._bytes = sum(own.size for own in self._updates)
        return True
