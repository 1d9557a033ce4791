"""Which version this package is, and what other packages bring: values that they name by entry points."""

import logging
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, entry_points, version
from typing import Any

from unrolled.models.trace.names import first_line


@dataclass(frozen=True, slots=True)
class Plugin:
    """An entry point of another package."""

    name: str
    package: str       # with its version; empty where that is not told
    value: Any = None  # what it names; None where it cannot be had
    error: str = ""    # why it cannot be had


def own_version() -> str:
    try:
        return version("unrolled")
    except PackageNotFoundError:
        return "unknown"


@cache
def brought(group: str) -> tuple[Plugin, ...]:
    """All entry points of a group; a package that is broken is logged, and costs only what it brings."""
    found = []
    for point in entry_points(group=group):
        package = f"{point.dist.name} {point.dist.version}" if point.dist is not None else ""
        try:
            found.append(Plugin(point.name, package, point.load()))
        except Exception as error:
            logging.getLogger(__name__).exception("“%s” of another package cannot be used.", point.name)
            found.append(Plugin(point.name, package, error=f"{type(error).__name__}: {first_line(error)}"))
    return tuple(found)


def plugins(group: str) -> tuple[Any, ...]:
    """The values of those that can be had."""
    return tuple(own.value for own in brought(group) if not own.error)
