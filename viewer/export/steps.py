"""Which steps are drawn: as a person writes them, and as a run has them. It knows no Qt."""

import re
from collections.abc import Sequence

from unrolled.viewer.export.failure import ExportError
from unrolled.viewer.export.settings import ExportSettings
from unrolled.viewer.state.wording import is_end

LARGEST = 999_999
PART = re.compile(r"(\d{1,6})(?:\s*[-–]\s*(\d{1,6}))?")  # either dash is typed


def parse_steps(text: str, *, first: int) -> tuple[int, ...]:
    """Steps such as ``1-5,8``, of which the first is number `first`, counted from 0 and in their order; none of no text.

    Raises `ExportError`, with a sentence that says what is not understood.
    """
    chosen: set[int] = set()
    for part in text.split(",") if text.strip() else ():
        found = PART.fullmatch(part.strip())
        if found is None:
            raise ExportError(f"“{part.strip()}” names no steps; write them like {first}-{first + 4},{first + 7}.")
        begin, end = int(found[1]), int(found[2] or found[1])
        if begin < first:
            raise ExportError(f"Steps are counted from {first} here; there is no step {begin}.")
        if end < begin:
            raise ExportError(f"“{part.strip()}” runs backwards; write {end}-{begin}.")
        chosen.update(range(begin - first, end - first + 1))
    return tuple(sorted(chosen))


def end_step_of(words: Sequence[str]) -> int:
    """The step that wrote END, or -1."""
    return len(words) - 1 if words and is_end(words[-1]) else -1


def steps_of(words: Sequence[str], settings: ExportSettings) -> tuple[int, ...]:
    """The steps of a run that wrote these words which are drawn; see `chosen_steps`."""
    return chosen_steps(len(words), end_step_of(words), settings)


def chosen_steps(length: int, end_step: int, settings: ExportSettings, *, first: int = 0) -> tuple[int, ...]:
    """The steps of a run that are drawn.

    Parameters
    ----------
    length : int
        Of the run.
    end_step : int
        The step that wrote END, or -1.
    first : int
        The number of the first step in what is said.

    Raises
    ------
    ExportError
        When a step is not there, or none is left.
    """
    wanted = settings.steps or tuple(range(length))
    if wanted and wanted[-1] >= length:
        raise ExportError(f"There is no step {wanted[-1] + first}: the run’s {length:,} are counted from {first}.")
    chosen = tuple(step for step in wanted if settings.end or step != end_step)
    if not chosen:
        raise ExportError("Without END no step is left to draw.")
    return chosen
