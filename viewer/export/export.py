"""Export a run: the suffix says what is made. The file is there whole, or not at all."""

from pathlib import Path

from unrolled.models.trace import Trace
from unrolled.models.trace.atomic import atomic_path
from unrolled.models.trace.files import TraceError, writing_sentence
from unrolled.viewer.export.contents import content_of
from unrolled.viewer.export.failure import Cancelled, ExportError
from unrolled.viewer.export.formats import IsCancelled, Makes, OnProgress, format_of
from unrolled.viewer.export.settings import ExportSettings, check
from unrolled.viewer.export.subject import Subject


def export(run: Trace | Subject, path: Path, settings: ExportSettings | None = None, *, what: str = "",
           on_progress: OnProgress = lambda fraction: None, cancelled: IsCancelled = lambda: False) -> None:
    """Write a run, with its search, branches and gradients where they are given, as a picture, a film, or as it is: the suffix is
    one of `formats`.

    Parameters
    ----------
    what : str
        The name of one of `CONTENTS`; without it what the suffix is for.
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
    subject = Subject(trace=run) if isinstance(run, Trace) else run
    chosen = format_of(path.name, path.suffix)
    look = settings or ExportSettings()
    if chosen.makes is not Makes.TRACE:
        check(look)
    content = content_of(subject, what, chosen)
    if chosen.makes is Makes.TRACE and subject.board is None:
        try:
            chosen.write(subject.trace, path)
        except TraceError as error:
            raise ExportError(str(error)) from error
        on_progress(1.0)
        return
    from unrolled.viewer.export.scenes.board import BoardScene  # they need Qt, which a list of formats does not
    from unrolled.viewer.export.scenes.registry import scene_of

    try:
        scene = scene_of(subject, content)
        with atomic_path(path) as temporary:
            if isinstance(scene, BoardScene) and chosen.makes is Makes.TRACE:
                temporary.write_text(scene.numbers, "utf-8", newline="")
            else:
                chosen.write(scene, temporary, look, on_progress, cancelled)
            if cancelled():
                raise Cancelled
    except OSError as error:
        raise ExportError(writing_sentence(path, error)) from error
    except MemoryError as error:
        raise ExportError("There is not enough memory for an export of this size; choose a smaller width.") from error
