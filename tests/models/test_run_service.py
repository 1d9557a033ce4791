"""What the backend does with a run, on a tiny checkpoint: runs, forced words, going back, bad input."""

from __future__ import annotations

import io
from pathlib import Path

import msgspec
import numpy as np
import pytest
import tiny_captioner as tiny
from serving import asked

from unrolled.models.backend.run_service import RunService
from unrolled.models.checkpoints.files import FORMAT_VERSION, Card, Header, save_checkpoint
from unrolled.models.families.captioning.encoder import ENCODERS
from unrolled.models.protocol.decoding import Decoding
from unrolled.models.protocol.loading import LoadModel
from unrolled.models.protocol.message import FIRST_BESIDE
from unrolled.models.protocol.stepping import Advance, Ended, Fork, OpenInput, Stepped
from unrolled.models.runs.errors import EngineError
from unrolled.models.trace.edits import ForceToken


def jpeg(colour: str = "red", shape: str = "circle") -> bytes:
    file = io.BytesIO()
    tiny.drawing(colour, shape).save(file, "JPEG")
    return file.getvalue()


@pytest.fixture
def service(tmp_path: Path) -> RunService:
    tiny.add_encoder()
    path = tmp_path / "tiny.safetensors"
    header = Header(version=FORMAT_VERSION, model="caption-attend-lstm",
                    config=msgspec.structs.asdict(tiny.config()), words=tiny.WORDS, encoder=tiny.ENCODER, encoder_hash="0" * 64,
                    card=Card(title="Tiny", task="captioning"))
    save_checkpoint(path, header, tiny.network().state_dict())
    assert tiny.ENCODER in ENCODERS
    service = RunService()
    assert asked(service, LoadModel(str(path), "cpu"))
    return service


def steps(service: RunService, decoding: Decoding, *, first: int = 0, branch: int = 0) -> list[Stepped]:
    *found, last = asked(service, Advance(1, first, 100, decoding, branch=branch))
    assert isinstance(last, Ended)
    assert all(isinstance(report, Stepped) for report in found)
    return found  # type: ignore[return-value]


@pytest.mark.parametrize("method", ["greedy", "beam", "sampling"])
def test_a_run_and_again_from_its_middle(service: RunService, method: str) -> None:
    decoding = Decoding(method=method, seed=3)
    asked(service, OpenInput(1, jpeg(), "a.jpg"))
    whole = steps(service, decoding)
    assert whole
    assert [step.step for step in whole] == list(range(len(whole)))
    middle = len(whole) // 2
    again = steps(service, decoding, first=middle)
    assert [(s.token, s.values) for s in again] == [(s.token, s.values) for s in whole[middle:]]


def test_a_run_beside_another_is_its_own(service: RunService) -> None:
    """What each writes is what it writes alone, though they take turns."""
    beside, decoding = FIRST_BESIDE + 1, Decoding()
    alone = []
    for colour, shape in (("red", "circle"), ("blue", "square")):
        asked(service, OpenInput(1, jpeg(colour, shape), "a.jpg"))
        alone.append([(step.token, step.values) for step in steps(service, decoding)])
    asked(service, OpenInput(2, jpeg("red", "circle"), "a.jpg"))
    asked(service, OpenInput(beside, jpeg("blue", "square"), "b.jpg"))
    assert alone[0] != alone[1]
    for step in range(2):
        for run, values in ((2, alone[0]), (beside, alone[1])):
            report = asked(service, Advance(run, step, 1, decoding))[0]
            assert (report.run, report.token, report.values) == (run, *values[step])


def test_a_beam_of_one_runs_greedily(service: RunService) -> None:
    tokens = []
    for decoding in (Decoding(), Decoding(method="beam", beam_width=1)):
        asked(service, OpenInput(1, jpeg("blue", "square"), "a.jpg"))
        tokens.append([step.token for step in steps(service, decoding)])
    assert tokens[0] == tokens[1]


def test_a_forced_word_changes_what_follows(service: RunService) -> None:
    decoding = Decoding()
    asked(service, OpenInput(1, jpeg(), "a.jpg"))
    whole = steps(service, decoding)
    suppressed = tiny.stepper().description.suppressed_tokens
    other = next(candidate.token for candidate in whole[0].candidates if candidate.token not in (whole[0].token, *suppressed))
    asked(service, Fork(1, 0, 0, (ForceToken(first=0, token=other),), branch=1))
    forced = steps(service, decoding, branch=1)
    assert (forced[0].token, forced[0].values) == (other, whole[0].values)
    assert forced[0].log_prob < whole[0].log_prob
    assert forced[1].values != whole[1].values


def test_what_is_sent_fits_the_description(service: RunService) -> None:
    decoding = Decoding()
    asked(service, OpenInput(1, jpeg(), "a.jpg"))
    channels = tiny.stepper().description.channels
    for step in steps(service, decoding):
        result = step.result(channels)
        assert np.isclose(result.values["attention"].sum(), 1.0)
        log_probs = [candidate.log_prob for candidate in step.candidates]
        assert log_probs == sorted(log_probs, reverse=True)
        assert len(log_probs) <= 10


def test_what_cannot_be_done_is_said_in_a_sentence(service: RunService, tmp_path: Path) -> None:
    decoding = Decoding()
    with pytest.raises(EngineError, match="Nothing is open"):
        asked(service, Advance(1, 0))
    with pytest.raises(EngineError, match="not a picture"):
        asked(service, OpenInput(1, b"just some text", "a.jpg"))
    asked(service, OpenInput(2, jpeg(), "a.jpg"))
    with pytest.raises(EngineError, match="not there yet"):
        asked(service, Advance(2, 5))
    with pytest.raises(EngineError, match="no word 999"):
        asked(service, Fork(2, 0, 0, (ForceToken(first=0, token=999),), branch=1))
    with pytest.raises(EngineError, match="no device"):
        asked(service, LoadModel(str(tmp_path / "tiny.safetensors"), "cuda:99"))
    with pytest.raises(EngineError, match="no checkpoint"):
        asked(service, LoadModel(str(tmp_path / "nothing.safetensors"), "cpu"))
    assert steps(service, decoding)  # and the run goes on as if nothing had happened
