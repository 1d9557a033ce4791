"""Unrolled, a microscope for recurrent and attention models. `import unrolled` loads neither torch nor Qt."""

from __future__ import annotations

from typing import TYPE_CHECKING

__version__: str

if not TYPE_CHECKING:  # else every misspelled name would be a string
    def __getattr__(name: str) -> str:
        """What is looked up when it is first asked for."""
        if name == "__version__":
            from importlib.metadata import version

            return version("unrolled")
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
