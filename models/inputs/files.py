"""The bytes of an input's file, or one sentence that says why they cannot be had."""

from pathlib import Path

from unrolled.models.trace.names import file_name, text_name

LARGEST_FILE = 200 * 2**20  # bytes


class ReadingError(ValueError):
    """An input that cannot be read: one sentence for people, with the name of its file."""


def read_file(path: Path, *, most: int = LARGEST_FILE) -> bytes:
    """A file's bytes. Raises `ReadingError` when it is missing, a folder, unreadable, empty, or far too large."""
    name = file_name(path)
    try:
        if path.is_dir():
            raise ReadingError(f"“{name}” is a folder; open one of the files in it.")
        size = path.stat().st_size
        if not path.is_file():
            raise ReadingError(f"“{name}” is not a file.")  # a device or a pipe never ends
        if size > most:
            raise ReadingError(f"“{name}” is {size / 2**20:,.0f} MiB; {most / 2**20:,.0f} MiB are the most that can be opened.")
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise ReadingError(f"There is no file “{text_name(str(path))}”.") from error
    except PermissionError as error:
        raise ReadingError(f"“{name}” cannot be read: its permissions do not allow it.") from error
    except OSError as error:
        raise ReadingError(f"“{name}” cannot be read: {error.strerror or error}.") from error
    if not data:
        raise ReadingError(f"“{name}” is empty.")
    return data
