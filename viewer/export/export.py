"""Export a trace: the suffix says what is made. The file is there whole, or not at all."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from unrolled.models.trace import Trace
from unrolled.models.trace.atomic import atomic_path
from unrolled.models.trace.files import TraceError, save_trace, writing_sentence
from unrolled.viewer.export import animation, stills
from unrolled.viewer.export.animation import IsCancelled, OnProgress
from unrolled.viewer.export.failure import ExportError
from unrolled.viewer.export.scenes.registry import AnyScene, scene_of
from unrolled.viewer.export.settings import ExportSettings

Writer = Callable[[AnyScene, Path, ExportSettings, OnProgress, IsCancelled], None]

PICTURE_WRITERS: dict[str, Writer] = {
    ".gif": animation.write_gif, ".mp4": animation.write_mp4, ".webp": animation.write_webp, **stills.WRITERS}
TRACE_SUFFIXES = (".safetensors", ".npz", ".json", ".csv")

NARROWEST, WIDEST = 64, 8192  # pixels
LONGEST_SECONDS = 60.0


def export(trace: Trace, path: Path, settings: ExportSettings | None = None, *,
           on_progress: OnProgress = lambda fraction: None, cancelled: IsCancelled = lambda: False) -> None:
    """Write a trace as a picture, a film, or as it is.

    Parameters
    ----------
    trace : Trace
    path : Path
        Its suffix is one of `PICTURE_WRITERS` or `TRACE_SUFFIXES`.
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
    suffix = path.suffix.lower()
    if suffix in TRACE_SUFFIXES:
        try:
            save_trace(trace, path)
        except TraceError as error:
            raise ExportError(str(error)) from error
        on_progress(1.0)
        return
    writer = PICTURE_WRITERS.get(suffix)
    if writer is None:
        raise ExportError(f"“{path.name}” should end in one of {', '.join((*PICTURE_WRITERS, *TRACE_SUFFIXES))}.")
    chosen = settings or ExportSettings()
    _check(chosen)
    scene = scene_of(trace)
    try:
        with atomic_path(path) as temporary:
            writer(scene, temporary, chosen, on_progress, cancelled)
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
