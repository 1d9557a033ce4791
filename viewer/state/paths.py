"""Where settings, recovery files and caches are kept on each system.

The variable ``UNROLLED_HOME`` puts them all into one folder, for tests and for carrying Unrolled on a stick.
"""

import os
from contextlib import suppress
from pathlib import Path

import platformdirs

HOME_VARIABLE = "UNROLLED_HOME"


def _folder(kind: str, usual: str) -> Path:
    home = os.environ.get(HOME_VARIABLE)
    folder = Path(home) / kind if home else Path(usual)
    with suppress(OSError):  # a home that cannot be written to costs only what would be kept in it
        folder.mkdir(parents=True, exist_ok=True)
    return folder


def config_dir() -> Path:
    return _folder("config", platformdirs.user_config_dir("unrolled", appauthor=False))


def data_dir() -> Path:
    """The folder of what is worth keeping."""
    return _folder("data", platformdirs.user_data_dir("unrolled", appauthor=False))


def cache_dir() -> Path:
    """The folder of what can be made again."""
    return _folder("cache", platformdirs.user_cache_dir("unrolled", appauthor=False))


def settings_file() -> Path:
    return config_dir() / "settings.ini"


def log_file() -> Path:
    """Where what went wrong is written down."""
    return data_dir() / "unrolled.log"


def autosave_dir() -> Path:
    """The folder of the sessions that are kept by themselves."""
    return _folder("data/autosave", str(data_dir() / "autosave"))
