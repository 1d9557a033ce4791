"""What opening a file leads to. It knows no Qt."""

from enum import Enum
from functools import lru_cache
from pathlib import Path

import numpy as np

from unrolled.models.inputs.files import ReadingError
from unrolled.models.inputs.inputs import Input, InputPicture
from unrolled.models.inputs.kinds import decode_input, kind_named, read_bytes
from unrolled.models.inputs.sniffing import head_of, media_of_file
from unrolled.models.store.store import Store, is_store
from unrolled.models.store.stored_trace import MOST_IN_MEMORY, StoredTrace
from unrolled.models.trace import Trace
from unrolled.models.trace.files import SUFFIXES as TRACE_SUFFIXES

__all__ = ["CHECKPOINT_SUFFIXES", "SESSION_SUFFIX", "TRACE_SUFFIXES", "Kind", "input_of_stored", "input_of_trace", "kind_of",
           "plain_ground"]

SESSION_SUFFIX = ".unrolled"
CHECKPOINT_SUFFIXES = (".pth", ".pt", ".tar", ".pkl", ".ckpt")  # of other programs; ours have that of traces, and a mark
GREY, GROUND_PIXELS = 168, 480  # of a ground that attention is seen on, bright or dark
TRACE_MARK = b'"unrolled-trace"'
CHECKPOINT_MARK = b'"__metadata__":{"unrolled":'


class Kind(Enum):
    """What a file holds."""

    INPUT = "input"
    TRACE = "trace"
    SESSION = "session"
    CHECKPOINT = "checkpoint"
    STORE = "store"


def kind_of(path: Path) -> Kind:
    """Judged by the name's suffix; of what other programs write too, and of pictures and clips, by its first bytes."""
    suffix = path.suffix.lower()
    if path.is_dir():
        return Kind.STORE if is_store(path) else Kind.CHECKPOINT if _holds_a_model(path) else Kind.INPUT
    if suffix == SESSION_SUFFIX or b"session.json" in head_of(path)[:64]:
        return Kind.SESSION
    told = media_of_file(path)
    if "picture" in told or "clip" in told:
        return Kind.INPUT
    if suffix in CHECKPOINT_SUFFIXES or CHECKPOINT_MARK in head_of(path)[:64]:
        return Kind.CHECKPOINT
    if suffix in (".json", ".csv"):
        return Kind.TRACE if TRACE_MARK in head_of(path) or not told else Kind.INPUT
    return Kind.TRACE if suffix in TRACE_SUFFIXES else Kind.INPUT


def _holds_a_model(folder: Path) -> bool:
    """Whether a folder has a checkpoint in it, or a model as the hub's library writes it; otherwise its frames are meant."""
    try:
        return (folder / "config.json").is_file() or any(own.suffix.lower() in CHECKPOINT_SUFFIXES for own in folder.iterdir())
    except OSError:
        return False


def input_of_trace(trace: Trace, name: str) -> Input | None:
    """What a trace was made from, where the trace holds it and it can be read."""
    if not trace.input_bytes:
        return None
    medium = kind_named(trace.provenance.input_kind).medium
    try:
        return decode_input(trace.input_bytes, trace.provenance.input_name or name, medium)[0]
    except ReadingError:
        return None


def input_of_stored(store: Store, trace: StoredTrace) -> Input | None:
    """What a document of a store was made from: its text, or the file that lies where the store says; None where it cannot be
    had, or is longer than a model is given.
    """
    medium = kind_named(trace.provenance.input_kind).medium
    try:
        if medium == "text":
            data = trace.input_bytes if len(trace) <= MOST_IN_MEMORY else b""
        else:
            source = Path(store.description.source).resolve()
            path = (source / trace.run.title).resolve()  # a title is anyone's words
            data = read_bytes(path, medium) if path.is_relative_to(source) else b""
        return decode_input(data, trace.provenance.input_name, medium)[0] if data else None
    except (OSError, ReadingError):
        return None


def plain_ground(trace: Trace) -> InputPicture | None:
    """What the attention of a trace is shown on that holds no picture: grey, its cells square. None where it has no map."""
    shape = next((channel.shape for channel in trace.channels.values() if channel.axes[-2:] == ("row", "column")), None)
    return None if shape is None else _grey(shape[-2], shape[-1], trace.provenance.region)


@lru_cache(maxsize=8)
def _grey(rows: int, columns: int, region: tuple[float, float, float, float]) -> InputPicture:
    left, top, right, bottom = region
    ratio = rows / max(bottom - top, 1e-3) * max(right - left, 1e-3) / columns  # of height to width
    size = (round(GROUND_PIXELS * min(ratio, 1.0)), round(GROUND_PIXELS / max(ratio, 1.0)))
    return InputPicture("", b"", np.full((max(size[0], 1), max(size[1], 1), 3), GREY, np.uint8))
