"""What other packages bring: values that they name by entry points. It knows neither torch nor Qt."""

from __future__ import annotations

import logging
from functools import cache
from importlib.metadata import entry_points
from typing import Any


@cache
def plugins(group: str) -> tuple[Any, ...]:
    """The values of all entry points of a group; a package that is broken is logged, and costs only what it brings."""
    found = []
    for point in entry_points(group=group):
        try:
            found.append(point.load())
        except Exception:
            logging.getLogger(__name__).exception("“%s” of another package cannot be used.", point.name)
    return tuple(found)
