"""What Jupyter draws: of a trace its words and what its units do, of a training its curves."""

import base64
import html
import io
import math
from collections.abc import Mapping, Sequence

import numpy as np
from cmap import Colormap
from PIL import Image

from unrolled.models.protocol.watching import WatchedUpdate
from unrolled.models.trace import Channel, FloatArray, Trace
from unrolled.models.trace.numbers import general
from unrolled.models.trace.spreading import spread

COLOURS = "crameri:vik", "crameri:lipari"  # for what lies around 0, and for what lies above it
STEP, LONGEST = 18, 900   # pixels of a step, and of a picture
MOST_CHANNELS, MOST_STEPS = 12, 400
STRONGEST_TINT = 0.5


def trace_as_html(trace: Trace) -> str:
    """Its words, the more probable the darker behind, and under them a strip for each of its first channels, a column a step.

    A channel of several layers or heads is a strip for each.
    """
    trace = spread(trace)
    shown = [channel for channel in trace.channels.values() if channel.axes]
    rows = "".join(
        f'<div style="display:flex;align-items:center;gap:8px;margin:2px 0"><span style="width:190px;overflow:hidden;'
        f'text-overflow:ellipsis;white-space:nowrap" title="{html.escape(channel.title)}">{html.escape(channel.title)}</span>'
        f'{heat_as_html(trace.column(channel.name)[:MOST_STEPS], channel)}</div>' for channel in shown[:MOST_CHANNELS])
    left_out = len(shown) - MOST_CHANNELS
    more = f'<div style="opacity:.7">and {left_out} more</div>' if left_out > 0 else ""
    return f'<div style="font:13px sans-serif">{_words_as_html(trace)}{rows}{more}</div>'


def heat_as_html(values: FloatArray, channel: Channel) -> str:
    """A picture of values (steps, …) on the channel's own scale, a row a unit."""
    table = values.reshape(len(values), -1).T.astype(np.float64)                       # (units, steps)
    colours = Colormap(COLOURS[0] if channel.low < 0 else COLOURS[1])
    share = np.clip((table - channel.low) / max(channel.high - channel.low, 1e-12), 0.0, 1.0)
    pixels = (colours(np.nan_to_num(share, nan=0.5))[..., :3] * 255).round().astype(np.uint8)
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    width = min(STEP * table.shape[1], LONGEST)
    height = min(max(table.shape[0], 24), 96)
    data = base64.b64encode(stream.getvalue()).decode()
    return (f'<img alt="{html.escape(channel.title)}" src="data:image/png;base64,{data}" width="{width}" height="{height}" '
            'style="image-rendering:pixelated;border:1px solid #8884">')


def _words_as_html(trace: Trace) -> str:
    words = []
    for word, log_prob in zip(trace.words[:MOST_STEPS], trace.log_probs[:MOST_STEPS], strict=True):
        probability = math.exp(min(float(log_prob), 0.0)) if math.isfinite(log_prob) else 0.0
        told = f' title="{probability:.1%}"' if math.isfinite(log_prob) else ""
        words.append(f'<span{told} style="background:rgba(88,120,220,{STRONGEST_TINT * probability:.2f});'
                     f'padding:2px 6px;border-radius:4px">{html.escape(word)}</span>')
    return f'<div style="margin-bottom:6px;line-height:2">{" ".join(words)}</div>'


def training_as_html(seen: Sequence[WatchedUpdate], losses: Mapping[int, float], dropped: int) -> str:
    """How a watched training went: loss, and the gradient's norm before clipping, each as a curve over updates."""
    updates = [own for own in seen if own.update]
    rows = [f'<div style="margin-bottom:4px">{len(updates):,} updates seen, {dropped:,} not shown</div>']
    norms = {own.update: own.norm_before for own in updates if own.norm_before >= 0}
    for title, values in (("loss", losses), ("‖g‖ before clipping", norms)):
        points = [(update, value) for update, value in values.items() if math.isfinite(value)]
        if len(points) > 1:
            rows.append(f'<div style="display:flex;align-items:center;gap:8px"><span style="width:190px">{title}: '
                        f'{general(points[-1][1], 4)}</span>{_curve(points)}</div>')
    return f'<div style="font:13px sans-serif">{"".join(rows)}</div>'


def _curve(points: Sequence[tuple[float, float]]) -> str:
    """A line through points as an SVG, from its least to its greatest value."""
    (first, *_), (last, *_) = points[0], points[-1]
    low, high = min(value for _, value in points), max(value for _, value in points)
    places = " ".join(f"{(x - first) / max(last - first, 1e-9) * 360:.1f},{60 - (y - low) / max(high - low, 1e-30) * 56:.1f}"
                      for x, y in points)
    return ('<svg width="364" height="64" viewBox="-2 -2 364 66" style="border:1px solid #8884"><polyline fill="none" '
            f'stroke="#2f6fdb" stroke-width="1.5" points="{places}"/></svg>')
