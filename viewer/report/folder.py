"""Statistics of units over many runs: what a single run is too short to tell.

It knows neither Qt nor torch.
"""

from collections.abc import Iterable

import msgspec

from unrolled.models.analysis.gate_statistics import KEEPING, Saturating, gate_channels
from unrolled.models.trace import Trace
from unrolled.viewer.report.analysis import GateStatistics, plain


class FolderAnalysis(msgspec.Struct, frozen=True, kw_only=True):
    """The gates over all runs together, each run's steps counted alike."""

    files: tuple[str, ...]  # the runs, by their files' names
    model: str
    weights_hash: str  # of the model that recorded all of them
    steps: int  # of all runs
    gates: tuple[GateStatistics, ...]
    notes: tuple[str, ...]  # what was left out, and why


def collect_folder(runs: Iterable[tuple[str, Trace]]) -> FolderAnalysis:
    """Count the gates of many runs; those of other weights than the first one's are left out, and said. Raises `ValueError`
    when there is no run.
    """
    files: list[str] = []
    said: list[str] = []
    model, weights_hash, steps = "", "", 0
    counted: dict[str, tuple[int, str, Saturating]] = {}
    for name, trace in runs:
        provenance = trace.provenance
        if files and provenance.weights_hash != weights_hash:
            said.append(f"“{name}” was left out: it was recorded with other weights, whose units are others.")
            continue
        model, weights_hash = provenance.model, provenance.weights_hash
        files.append(name)
        steps += len(trace)
        for channel in gate_channels(trace.channels.values()):
            own = counted.setdefault(channel.name, (channel.layer, channel.role, Saturating(channel.size)))
            own[2].add(trace.column(channel.name))
    if not files:
        raise ValueError("there is no run in it")
    return FolderAnalysis(files=tuple(files), model=model, weights_hash=weights_hash, steps=steps, notes=tuple(said),
                          gates=tuple(_statistics(name, *own) for name, own in counted.items()))


def _statistics(name: str, layer: int, role: str, counted: Saturating) -> GateStatistics:
    found = counted.result
    lives = zip(plain(found.half_life), found.told, strict=True)
    life = [own if told else None for own, told in lives] if role in KEEPING else None
    return GateStatistics(channel=name, layer=layer, shut=plain(found.shut), open=plain(found.open), steps=found.steps,
                          half_life=life)
