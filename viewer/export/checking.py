"""Whether settings can be drawn, said of each by its name."""

import math
from collections.abc import Iterator

from unrolled.viewer.export.failure import ExportError
from unrolled.viewer.export.settings import ExportSettings
from unrolled.viewer.theme.attention_colours import STYLES

NARROWEST, WIDEST = 64, 8192  # pixels
LEAST_DPI, MOST_DPI = 36, 2400
LEAST_POINTS, MOST_POINTS = 4.0, 96.0
MOST_COLUMNS = 400
LONGEST_SECONDS = 60.0


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
