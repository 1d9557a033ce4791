"""Export a trace: the suffix says what is made. The file is there whole, or not at all."""

from __future__ import annotations

from pathlib import Path

from unrolled.models.trace import Trace
from unrolled.models.trace.atomic import atomic_path
from unrolled.models.trace.files import TraceError, writing_sentence
from unrolled.viewer.export.failure import ExportError
from unrolled.viewer.export.formats import IsCancelled, Makes, OnProgress, format_of
from unrolled.viewer.export.settings import ExportSettings

NARROWEST, WIDEST = 64, 8192  # pixels
LONGEST_SECONDS = 60.0


def export(trace: Trace, path: Path, settings: ExportSettings | None = None, *,
           on_progress: OnProgress = lambda fraction: None, cancelled: IsCancelled = lambda: False) -> None:
    """Write a trace as a picture, a film, or as it is.

    Parameters
    ----------
    trace : Trace
    path : Path
        Its suffix is one of `formats`.
    settings : ExportSettings, optional
        How pictures and films look.
    on_progress : callable
        Called with a fraction.
    cancelled : callable
        Asked between frames; when it answers True, `Cancelled` is raised and nothing is left behind.

    Raises
    ------
    ExportError
        With a sentence for people.
    Cancelled
    """
    chosen = format_of(path.name, path.suffix)
    if chosen.makes is Makes.TRACE:
        try:
            chosen.write(trace, path)
        except TraceError as error:
            raise ExportError(str(error)) from error
        on_progress(1.0)
        return
    look = settings or ExportSettings()
    _check(look)
    from unrolled.viewer.export.scenes.registry import scene_of  # needs Qt, which a list of formats does not

    scene = scene_of(trace)
    try:
        with atomic_path(path) as temporary:
            chosen.write(scene, temporary, look, on_progress, cancelled)
    except OSError as error:
        raise ExportError(writing_sentence(path, error)) from error
    except MemoryError as error:
        raise ExportError("There is not enough memory for an export of this size; choose a smaller width.") from error


def _check(settings: ExportSettings) -> None:
    from unrolled.viewer.theme.colour_maps import colour_table

    if not NARROWEST <= settings.width <= WIDEST:
        raise ExportError(f"A width of {settings.width} pixels cannot be drawn; choose one from {NARROWEST} to {WIDEST}.")
    for seconds in (settings.seconds_per_word, settings.last_seconds):
        if not 0 < seconds <= LONGEST_SECONDS:  # so written that NaN is refused too
            raise ExportError(f"A word cannot stand for {seconds:g} seconds; choose more than 0 and up to {LONGEST_SECONDS:g}.")
    if settings.scale not in ("absolute", "stretched"):
        raise ExportError(f"There is no scale “{settings.scale}”; there are absolute and stretched.")
    try:
        colour_table(settings.colour_map)
    except (ValueError, TypeError, KeyError) as error:
        raise ExportError(f"There is no colour map “{settings.colour_map}”; try inferno, viridis or cividis.") from error
