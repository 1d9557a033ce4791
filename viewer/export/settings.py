"""How an export looks, and whether it can be drawn so."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

from unrolled.viewer.drawing.resolution import PIXELS_PER_INCH, POINTS_PER_PIXEL
from unrolled.viewer.export.failure import ExportError
from unrolled.viewer.theme.attention_colours import STYLES

NARROWEST, WIDEST = 64, 8192  # pixels
LEAST_DPI, MOST_DPI = 36, 2400
LEAST_POINTS, MOST_POINTS = 4.0, 96.0
MOST_COLUMNS = 400
LONGEST_SECONDS = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportSettings:
    """What a person can choose."""

    width: int = 640  # pixels, of an animation or a picture; a picture is laid out for 96 of them an inch
    dpi: int = PIXELS_PER_INCH  # of a .png: it has the more pixels, says so, and is printed in the same size
    type_points: float = 0.0  # the size of the words, in 1/72 inch, to whole pixels; lesser type goes with it. 0: what fits
    columns: int = 0  # how many pictures, words or steps stand side by side; 0: as many as fit
    steps: tuple[int, ...] = ()  # that are drawn, counted from 0 and in their order; all, if none is named
    end: bool = True  # the step that wrote END too
    seconds_per_word: float = 0.6
    last_seconds: float = 1.6  # how long the finished caption stands
    colour_map: str = "inferno"
    scale: str = "absolute"  # or 'stretched'; see `unrolled.viewer.theme.attention_colours`
    style: str = "dimmed"  # a veil over what is not looked at; or 'colours' over what is
    smooth: bool = True  # interpolated between cells, or the cells as they are
    opacity: float = 0.55  # 0 to 1
    dark: bool = False  # words for a dark ground, and the ground
    clear: bool = False  # no ground at all
    words: bool = True  # the caption under the photograph
    outlines: bool = True  # the type of an .svg as outlines; else as text, for which a reader needs the fonts

    def type_pixels(self, otherwise: float) -> float:
        """The size of the words in pixels of the layout: as chosen, or else what fits."""
        return self.type_points / POINTS_PER_PIXEL if self.type_points else otherwise


def faults(settings: ExportSettings) -> Iterator[tuple[str, str]]:
    """What cannot be drawn: the setting’s name, and a sentence."""
    if not NARROWEST <= settings.width <= WIDEST:
        yield "width", f"A width of {settings.width} pixels cannot be drawn; choose one from {NARROWEST} to {WIDEST}."
    if not LEAST_DPI <= settings.dpi <= MOST_DPI:
        yield "dpi", f"{settings.dpi} dpi cannot be drawn; choose from {LEAST_DPI} to {MOST_DPI}."
    if settings.type_points and not LEAST_POINTS <= settings.type_points <= MOST_POINTS:
        yield "type_points", (f"Type of {settings.type_points:g} points cannot be set; choose from {LEAST_POINTS:g} to "
                              f"{MOST_POINTS:g}, or 0 for what fits.")
    if not 0 <= settings.columns <= MOST_COLUMNS:
        yield "columns", f"{settings.columns} columns cannot be drawn; choose up to {MOST_COLUMNS}, or 0 for as many as fit."
    for name, seconds in (("seconds_per_word", settings.seconds_per_word), ("last_seconds", settings.last_seconds)):
        if not 0 < seconds <= LONGEST_SECONDS:  # so written that NaN is refused too
            yield name, f"A word cannot stand for {seconds:g} seconds; choose more than 0 and up to {LONGEST_SECONDS:g}."
    if settings.scale not in ("absolute", "stretched"):
        yield "scale", f"There is no scale “{settings.scale}”; there are absolute and stretched."
    if settings.style not in STYLES:
        yield "style", f"Attention is not drawn as “{settings.style}”; there are {' and '.join(STYLES)}."
    if not (math.isfinite(settings.opacity) and 0 <= settings.opacity <= 1):
        yield "opacity", f"An opacity of {settings.opacity:g} cannot be drawn; choose from 0 to 1."
    if not _is_colour_map(settings.colour_map):
        yield "colour_map", f"There is no colour map “{settings.colour_map}”; try inferno, viridis or cividis."


def check(settings: ExportSettings) -> None:
    """Raise `ExportError` for the first fault."""
    for _, sentence in faults(settings):
        raise ExportError(sentence)


def _is_colour_map(name: str) -> bool:
    from unrolled.viewer.theme.colour_maps import colour_table

    try:
        colour_table(name)
    except (ValueError, TypeError, KeyError):
        return False
    return True
