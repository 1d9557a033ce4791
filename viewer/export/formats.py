"""The table of what a trace can be exported as: a row a file format."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from importlib.util import find_spec
from pkgutil import resolve_name
from typing import Any

from unrolled.models.trace.plugins import plugins
from unrolled.viewer.export.failure import ExportError

OnProgress = Callable[[float], None]
"""Told how far it is, from 0 to 1."""

IsCancelled = Callable[[], bool]

GROUP = "unrolled.exports"  # of entry points, each of which names an `ExportFormat`


class Makes(Enum):
    """What a format holds."""

    ANIMATION = "the attention step by step, as the output appears"
    STILL = "one picture: every step side by side, the finished alignment, tracks, a map or a tree"
    TRACE = "every recorded value of every step, with its provenance"


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportFormat:
    """A file format.

    Its writer takes a scene, a path, `ExportSettings`, a callable that is told of progress and one that says whether to stop; of
    a trace it takes the trace and the path.
    """

    suffix: str  # in lower case, with the dot
    title: str  # for a list to choose from
    makes: Makes
    writer: str  # ``module:function``, imported when it is first used
    # The `ExportSettings` that matter to it beside what its contents look at: ``dpi``, ``clear``, ``outlines``.
    takes: frozenset[str] = frozenset()
    needs: str = ""  # a package that the writer cannot do without and that may be missing

    def write(self, *given: Any) -> None:
        """Call the writer. Raises `ExportError` where what it needs is not installed."""
        if self.needs and find_spec(self.needs) is None:
            raise ExportError(f"A {self.suffix} file needs the package “{self.needs}”: python -m pip install {self.needs}")
        resolve_name(self.writer)(*given)


_ANIMATION, _STILLS, _TRACE = ("unrolled.viewer.export.animation", "unrolled.viewer.export.stills",
                               "unrolled.models.trace.files:save_trace")
CLEAR = frozenset({"clear"})
BUILT_IN = (
    ExportFormat(suffix=".gif", title="GIF animation", makes=Makes.ANIMATION, writer=f"{_ANIMATION}:write_gif", takes=CLEAR),
    ExportFormat(suffix=".mp4", title="MP4 video", makes=Makes.ANIMATION, writer=f"{_ANIMATION}:write_mp4", needs="av"),
    ExportFormat(suffix=".webp", title="WebP animation", makes=Makes.ANIMATION, writer=f"{_ANIMATION}:write_webp", takes=CLEAR),
    ExportFormat(suffix=".png", title="PNG picture", makes=Makes.STILL, writer=f"{_STILLS}:write_png", takes=CLEAR | {"dpi"}),
    ExportFormat(suffix=".svg", title="SVG drawing", makes=Makes.STILL, writer=f"{_STILLS}:write_svg",
                 takes=CLEAR | {"outlines"}),
    ExportFormat(suffix=".pdf", title="PDF page", makes=Makes.STILL, writer=f"{_STILLS}:write_pdf", takes=CLEAR),
    ExportFormat(suffix=".safetensors", title="Trace as safetensors", makes=Makes.TRACE, writer=_TRACE),
    ExportFormat(suffix=".npz", title="Trace as NumPy npz", makes=Makes.TRACE, writer=_TRACE),
    ExportFormat(suffix=".json", title="Trace as JSON", makes=Makes.TRACE, writer=_TRACE),
    ExportFormat(suffix=".csv", title="CSV table", makes=Makes.TRACE, writer=_TRACE),
)


def formats() -> dict[str, ExportFormat]:
    """All formats by their suffixes, those of other packages last."""
    return {row.suffix: row for row in (*BUILT_IN, *plugins(GROUP))}


def format_of(name: str, suffix: str) -> ExportFormat:
    """The format of a file's name. Raises `ExportError` where there is none."""
    row = formats().get(suffix.lower())
    if row is None:
        raise ExportError(f"“{name}” should end in one of {', '.join(formats())}.")
    return row
