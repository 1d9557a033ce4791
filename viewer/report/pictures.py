"""The pictures of a report, as data that stands in the page: PNG from arrays, and plots as SVG. It knows neither Qt nor torch."""

import base64
import io
from collections.abc import Sequence
from html import escape

import numpy as np
from PIL import Image

from unrolled.models.trace import FloatArray
from unrolled.viewer.theme.attention_colours import attention_rgba
from unrolled.viewer.theme.colour_maps import to_colours

SEQUENTIAL, DIVERGING = "viridis", "crameri:vik"
DECADES = 5.0
SIDE = 150
PLOT, MARGIN = 200, 34


def png(image: Image.Image, alt: str) -> str:
    """A picture as an element of the page."""
    stream = io.BytesIO()
    image.save(stream, "PNG", optimize=True)
    data = base64.b64encode(stream.getvalue()).decode()
    return f'<img src="data:image/png;base64,{data}" alt="{escape(alt, quote=True)}">'


def enlarged(colours: np.ndarray[tuple[int, ...], np.dtype[np.uint8]], side: int = SIDE) -> Image.Image:
    """Cells as squares; `colours` has the shape (rows, columns, 4)."""
    image = Image.fromarray(np.ascontiguousarray(colours), "RGBA")
    scale = max(side // max(image.size), 1)
    return image.resize((image.width * scale, image.height * scale), Image.Resampling.NEAREST)


def logarithmic(table: FloatArray, *, side: int = 330) -> Image.Image:
    """Norms, on a logarithmic scale that goes five decades down from the largest."""
    top = float(np.nanmax(table)) if table.size and np.isfinite(table).any() else 0.0
    with np.errstate(divide="ignore", invalid="ignore"):
        decades = np.log10(table / (top or 1.0))
    colours = to_colours(np.maximum(decades, -DECADES).astype(np.float32), low=-DECADES, high=0.0, name=SEQUENTIAL)
    later = np.arange(table.shape[1])[None, :] > np.arange(table.shape[0])[:, None]
    colours[later] = (128, 128, 128, 40)
    return enlarged(colours, side)


def place_map(values: FloatArray, shape: tuple[int, ...], *, signed: bool) -> Image.Image:
    """Values from 0 to the largest; those on both sides of 0 from −largest to largest."""
    grid = values.reshape(shape if len(shape) == 2 else (1, -1)).astype(np.float32)
    top = (float(np.nanmax(np.abs(grid) if signed else grid)) if np.isfinite(grid).any() else 0.0) or 1.0
    return enlarged(to_colours(grid, low=-top if signed else 0.0, high=top, name=DIVERGING if signed else "inferno"))


def looked_at(picture: Image.Image, weights: FloatArray, *, width: int = 190) -> Image.Image:
    """A photograph with a step's attention over it."""
    small = picture.convert("RGB")
    small.thumbnail((width, width), Image.Resampling.LANCZOS)
    over = Image.fromarray(np.ascontiguousarray(attention_rgba(weights, size=small.size)), "RGBA")
    return Image.alpha_composite(small.convert("RGBA"), over).convert("RGB")


def scatter(x: Sequence[float], y: Sequence[float], *, x_title: str, y_title: str, alt: str) -> str:
    """Dots, both axes from 0 to 1."""
    whole = PLOT + 2 * MARGIN
    dots = "".join(f'<circle cx="{MARGIN + one * PLOT:.1f}" cy="{MARGIN + (1 - other) * PLOT:.1f}" r="2.5"/>'
                   for one, other in zip(x, y, strict=True) if np.isfinite(one) and np.isfinite(other))
    marks = "".join(
        f'<text x="{MARGIN + value * PLOT}" y="{MARGIN + PLOT + 14}" text-anchor="middle">{value:g}</text>'
        f'<text x="{MARGIN - 5}" y="{MARGIN + (1 - value) * PLOT + 4}" text-anchor="end">{value:g}</text>'
        for value in (0, 0.5, 1))
    return (f'<svg class="plot" viewBox="0 0 {whole} {whole}" width="{whole}" role="img" aria-label="{escape(alt, quote=True)}">'
            f'<rect x="{MARGIN}" y="{MARGIN}" width="{PLOT}" height="{PLOT}"/><g class="dots">{dots}</g>{marks}'
            f'<text x="{whole / 2}" y="{whole - 4}" text-anchor="middle">{escape(x_title)}</text>'
            f'<text transform="translate(10 {whole / 2}) rotate(-90)" text-anchor="middle">{escape(y_title)}</text></svg>')


def line(values: Sequence[float], *, alt: str, low: float = 0.0, high: float = 1.0) -> str:
    """A line over the steps, on a fixed range."""
    width, height = 560, 90
    across = (width - 8) / max(len(values) - 1, 1)

    def y(value: float) -> float:
        return 4 + (1 - (min(max(value, low), high) - low) / (high - low)) * (height - 8)

    points = " ".join(f"{4 + number * across:.1f},{y(value):.1f}" for number, value in enumerate(values) if np.isfinite(value))
    return (f'<svg class="plot" viewBox="0 0 {width} {height}" width="{width}" role="img" aria-label="{escape(alt, quote=True)}">'
            f'<rect x="0" y="0" width="{width}" height="{height}"/><polyline points="{points}"/></svg>')
