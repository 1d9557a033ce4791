"""A backend's reports become a trace that says where it comes from."""

from __future__ import annotations

import hashlib

import pytest
import scripted
from scripted_backend import LETTERS, ScriptedService
from serving import asked

from unrolled.models.protocol.decoding import Decoding
from unrolled.models.protocol.loading import Loaded, LoadModel
from unrolled.models.protocol.recorder import Recorder, written_as
from unrolled.models.protocol.stepping import Advance, Ended, Opened, OpenInput, Stepped, SteppedBlock
from unrolled.models.trace.edits import ForceToken

TEXT = b"a text of one line"


def recorder(service: ScriptedService, model: str, data: bytes, name: str) -> Recorder:
    (loaded,), (opened,) = asked(service, LoadModel(model)), asked(service, OpenInput(3, data, name))
    assert isinstance(loaded, Loaded)
    assert isinstance(opened, Opened)
    return Recorder(loaded=loaded, opened=opened, name=name, data=data)


def test_a_run_step_by_step_to_its_end() -> None:
    service, data = ScriptedService(), scripted.picture().data
    made = recorder(service, "scripted", data, "drawn.png")
    trace = made.trace(Decoding(method="sampling", seed=5))
    for report in asked(service, Advance(3, 0, 100)):
        assert isinstance(report, Stepped | Ended)
        made.add(report, trace)
    assert tuple(trace.words) == scripted.CAPTION
    assert trace.ended
    assert trace.input_bytes == data
    origin = trace.provenance
    assert (origin.model, origin.input_name, origin.device, origin.seed) == ("scripted", "drawn.png", "cpu", 5)
    assert origin.input_hash == hashlib.sha256(data).hexdigest()
    assert origin.decoding == "sampling, temperature 1, seed 5"


def test_a_text_in_blocks() -> None:
    service = ScriptedService()
    made = recorder(service, "scripted-text", TEXT, "typed")
    trace = made.trace(Decoding())
    (block,) = asked(service, Advance(3, 0, len(TEXT)))
    assert isinstance(block, SteppedBlock)
    made.add(block, trace)
    assert "".join(trace.words) == TEXT.decode()
    assert trace.provenance.prompt_tokens == len(TEXT)
    assert trace.provenance.detokenization == "characters"
    with pytest.raises(ValueError, match="does not follow"):
        made.add(block, trace)
    assert len(trace) == len(TEXT)
    assert made.maximum_steps > len(TEXT)


def test_what_is_written_in_another_way_keeps_its_origin() -> None:
    before = recorder(ScriptedService(), "scripted-text", TEXT, "typed").trace(Decoding(method="sampling", seed=5)).provenance
    edit = ForceToken(first=2, last=2, token=1, word=LETTERS[1])
    after = written_as(before, Decoding(method="beam", beam_width=4), (edit,))
    assert (after.decoding, after.seed, after.edits) == ("beam 4", 0, (edit,))
    assert (after.model, after.input_hash, after.prompt_tokens) == (before.model, before.input_hash, before.prompt_tokens)
