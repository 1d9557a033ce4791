"""Unrolled, a microscope for recurrent and attention models. `import unrolled` loads neither torch nor Qt."""

from __future__ import annotations

from typing import TYPE_CHECKING

__version__: str

if TYPE_CHECKING:
    from unrolled.models.notebook.opening import open as open
    from unrolled.models.notebook.recording import record as record
    from unrolled.models.notebook.showing import show as show
    from unrolled.models.notebook.stepping import step as step
    from unrolled.models.notebook.watching import watch as watch
else:  # else every misspelled name would be a string
    _MODULES = {"open": "opening", "record": "recording", "show": "showing", "step": "stepping", "watch": "watching"}

    def __dir__() -> list[str]:
        """What a notebook completes."""
        return sorted((*globals(), "__version__", *_MODULES))

    def __getattr__(name: str) -> object:
        """What is looked up when it is first asked for."""
        if name == "__version__":
            from importlib.metadata import version

            return version("unrolled")
        if name in _MODULES:
            from importlib import import_module

            return getattr(import_module(f"unrolled.models.notebook.{_MODULES[name]}"), name)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
