"""Makes traces of what a backend reports: for the window, the command line and a notebook."""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timezone

import msgspec

from unrolled.models.inputs.kinds import kind_named
from unrolled.models.protocol.decoding import Decoding
from unrolled.models.protocol.loading import Loaded
from unrolled.models.protocol.stepping import Ended, Opened, Stepped, SteppedBlock
from unrolled.models.trace import Provenance, Trace
from unrolled.models.trace.edits import Edit


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Recorder:
    loaded: Loaded
    opened: Opened
    name: str
    data: bytes

    @property
    def maximum_steps(self) -> int:
        """Where the run is stopped that has not ended by itself."""
        return self.opened.maximum_steps or self.loaded.description.maximum_steps

    def trace(self, decoding: Decoding, edits: tuple[Edit, ...] = ()) -> Trace:
        """A trace without steps, with room for those whose tokens the input gives."""
        description, opened = self.loaded.description, self.opened
        provenance = Provenance(
            model=description.name, weights_hash=description.weights_hash, input_name=self.name,
            input_hash=hashlib.sha256(self.data).hexdigest(), region=opened.region, device=self.loaded.device,
            input_kind=description.input_kind, detokenization=description.detokenization, source=opened.source,
            prompt_tokens=opened.prompt_tokens, suppressed_tokens=description.suppressed_tokens,
            convention=kind_named(description.input_kind).convention)
        trace = Trace(opened.channels or description.channels, provenance=written_as(provenance, decoding, edits),
                      input_bytes=self.data)
        trace.reserve(opened.prompt_tokens)
        return trace

    def add(self, report: Stepped | SteppedBlock | Ended, trace: Trace) -> None:
        """Add what was reported to a trace. Raises `ValueError` when it does not follow the trace or does not fit its
        channels; nothing is added then.
        """
        channels = tuple(trace.channels.values())
        if isinstance(report, SteppedBlock):
            trace.append_block(report.block(channels, self.loaded.description.words))
        elif isinstance(report, Stepped):
            trace.append(report.result(channels))
            trace.ended = self.loaded.description.ends(report.token) and len(trace) > trace.provenance.prompt_tokens
        else:
            trace.ended = True


def written_as(provenance: Provenance, decoding: Decoding, edits: tuple[Edit, ...]) -> Provenance:
    """The same origin, from now on written in this way."""
    return msgspec.structs.replace(
        provenance, decoding=decoding.in_words, seed=decoding.seed if decoding.method == "sampling" else 0, edits=edits,
        created=datetime.now(timezone.utc).isoformat(timespec="seconds"))
