"""Texts to train and judge character models on: the files of a folder, decoded."""

import sysconfig
from collections.abc import Iterator, Sequence
from pathlib import Path

from unrolled.models.data.errors import DataError
from unrolled.models.inputs.files import ReadingError
from unrolled.models.inputs.sniffing import media_of_file
from unrolled.models.inputs.texts import read_text
from unrolled.models.trace.names import text_name

STANDARD_LIBRARY = "stdlib"
LEFT_OUT = ("site-packages", "dist-packages", "test", "tests", "idle_test", "idlelib", "lib2to3", "__pycache__",
            "lib-dynload", "_pyrepl", "pydoc_data")
LARGEST_FILE = 4_000_000  # bytes


def source_texts(data: Path) -> list[str]:
    """The texts of all files below a folder, in the order of their names; of one file, that one.

    Line ends become ``\\n``; what is no text, is hidden, empty or over 4 MB is left out.

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
    is_library = str(data) == STANDARD_LIBRARY
    texts = list(_texts(root, LEFT_OUT if is_library else ("__pycache__",), "*.py" if is_library else "*"))
    if not texts:
        raise DataError(f"“{root}” holds no texts that can be read.")
    return texts


def title_of(data: Path) -> str:
    """What the texts are, for people: the folder's name."""
    if str(data) == STANDARD_LIBRARY:
        return "Python code"
    data = data.resolve()
    return text_name(data.name if data.is_dir() else data.stem).replace("_", " ")


def _texts(root: Path, left_out: Sequence[str], pattern: str) -> Iterator[str]:
    paths = sorted(root.rglob(pattern)) if root.is_dir() else [root]
    for path in paths:
        if any(part in left_out or part.startswith(".") for part in path.relative_to(root).parts):
            continue
        try:
            if not path.is_file() or not 0 < path.stat().st_size <= LARGEST_FILE or "text" not in media_of_file(path):
                continue
            yield read_text(path.read_bytes(), path.name).text
        except (OSError, ReadingError):
            continue
