"""The file that a verb writes: looked at before anything slow is begun, and written whole or not at all."""

from __future__ import annotations

from pathlib import Path

from unrolled.models.trace.atomic import atomic_write
from unrolled.models.trace.files import writing_sentence
from unrolled.viewer.cli.failure import WRONG_USE, CommandError


def check_output(output: Path, suffixes: tuple[str, ...]) -> None:
    """Say what is wrong with a name. Raises `CommandError`."""
    if output.suffix.lower() not in suffixes:
        raise CommandError(f"“{output.name}” should end in one of {', '.join(suffixes)}.", WRONG_USE)
    if output.is_dir():
        raise CommandError(f"“{output}” is a folder; name a file.")
    if not output.parent.is_dir():
        raise CommandError(f"There is no folder “{output.parent}” to write to.")


def write_output(output: Path, data: bytes) -> None:
    """Raises `CommandError` when it cannot be written."""
    try:
        with atomic_write(output) as file:
            file.write(data)
    except OSError as error:
        raise CommandError(writing_sentence(output, error)) from error
