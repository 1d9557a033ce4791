"""Source code to train and judge character models on: the files of a folder, decoded."""

from __future__ import annotations

import sysconfig
from collections.abc import Iterator, Sequence
from pathlib import Path

from unrolled.models.data.errors import DataError

STANDARD_LIBRARY = "stdlib"
LEFT_OUT = ("site-packages", "dist-packages", "test", "tests", "idle_test", "idlelib", "lib2to3", "__pycache__",
            "lib-dynload", "_pyrepl", "pydoc_data")
LARGEST_FILE = 4_000_000  # bytes


def source_texts(data: Path) -> list[str]:
    """The texts of all Python files below a folder, in the order of their names; of one file, that one.

    Line ends become ``\\n``; what is no UTF-8, is empty or over 4 MB is left out.

    Parameters
    ----------
    data : Path
        A folder or a file; ``stdlib`` stands for the standard library of this Python, without its tests.

    Raises
    ------
    DataError
        When there is nothing.
    """
    root = Path(sysconfig.get_paths()["stdlib"]) if str(data) == STANDARD_LIBRARY else data
    if not root.exists():
        raise DataError(f"There is no folder “{root}”.")
    texts = list(_texts(root, LEFT_OUT if str(data) == STANDARD_LIBRARY else ("__pycache__",)))
    if not texts:
        raise DataError(f"“{root}” holds no Python files that can be read.")
    return texts


def _texts(root: Path, left_out: Sequence[str]) -> Iterator[str]:
    paths = sorted(root.rglob("*.py")) if root.is_dir() else [root]
    for path in paths:
        if any(part in left_out for part in path.relative_to(root).parts[:-1]):
            continue
        try:
            if not 0 < path.stat().st_size <= LARGEST_FILE:
                continue
            yield path.read_text(encoding="utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
        except (OSError, UnicodeDecodeError):
            continue
