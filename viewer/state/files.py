"""What opening a file leads to. It knows no Qt."""

from __future__ import annotations

from enum import Enum
from pathlib import Path

from unrolled.models.inputs.inputs import Input
from unrolled.models.inputs.kinds import INPUT_ERRORS, decode_input, kind_named
from unrolled.models.inputs.sniffing import head_of, media_of_file
from unrolled.models.trace import Trace
from unrolled.models.trace.files import SUFFIXES as TRACE_SUFFIXES

__all__ = ["CHECKPOINT_SUFFIXES", "SESSION_SUFFIX", "TRACE_SUFFIXES", "Kind", "input_of_trace", "kind_of"]

SESSION_SUFFIX = ".unrolled"
CHECKPOINT_SUFFIXES = (".pth", ".pt", ".tar", ".pkl", ".ckpt")  # of other programs; ours have that of traces
TRACE_MARK = b'"unrolled-trace"'


class Kind(Enum):
    """What a file holds."""

    INPUT = "input"
    TRACE = "trace"
    SESSION = "session"
    CHECKPOINT = "checkpoint"


def kind_of(path: Path) -> Kind:
    """Judged by the name's suffix; of what other programs write too, by its first bytes."""
    suffix = path.suffix.lower()
    if path.is_dir():
        return Kind.INPUT
    if suffix == SESSION_SUFFIX or b"session.json" in head_of(path)[:64]:
        return Kind.SESSION
    if suffix in CHECKPOINT_SUFFIXES:
        return Kind.CHECKPOINT
    if suffix in (".json", ".csv"):
        return Kind.TRACE if TRACE_MARK in head_of(path) or not media_of_file(path) else Kind.INPUT
    return Kind.TRACE if suffix in TRACE_SUFFIXES else Kind.INPUT


def input_of_trace(trace: Trace, name: str) -> Input | None:
    """What a trace was made from, where the trace holds it and it can be read."""
    if not trace.input_bytes:
        return None
    medium = kind_named(trace.provenance.input_kind).medium
    try:
        return decode_input(trace.input_bytes, trace.provenance.input_name or name, medium)[0]
    except INPUT_ERRORS:
        return None
