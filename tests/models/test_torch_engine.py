"""The engine behind the backend, on a tiny checkpoint: runs, forced words, going back, bad input."""

from __future__ import annotations

import io
from pathlib import Path

import msgspec
import numpy as np
import pytest
import tiny_captioner as tiny

from unrolled.models.backend.engine import EngineError
from unrolled.models.backend.run_service import TorchEngine
from unrolled.models.checkpoints.files import FORMAT_VERSION, Card, Header, save_checkpoint
from unrolled.models.families.captioning.encoder import ENCODERS
from unrolled.models.protocol.decoding import Decoding
from unrolled.models.protocol.stepping import Ended, Stepped
from unrolled.models.trace.edits import ForceToken


def quiet(text: str, fraction: float = -1.0) -> None:
    """Nobody listens."""


def always() -> bool:
    return True


def jpeg(colour: str = "red", shape: str = "circle") -> bytes:
    file = io.BytesIO()
    tiny.drawing(colour, shape).save(file, "JPEG")
    return file.getvalue()


@pytest.fixture
def engine(tmp_path: Path) -> TorchEngine:
    tiny.add_encoder()
    path = tmp_path / "tiny.safetensors"
    header = Header(version=FORMAT_VERSION, model="caption-attend-lstm",
                    config=msgspec.structs.asdict(tiny.config()), words=tiny.WORDS, encoder=tiny.ENCODER, encoder_hash="0" * 64,
                    card=Card(title="Tiny", task="captioning"))
    save_checkpoint(path, header, tiny.network().state_dict())
    assert tiny.ENCODER in ENCODERS
    engine = TorchEngine()
    engine.load(str(path), "cpu", quiet)
    return engine


def steps(engine: TorchEngine, decoding: Decoding, *, first: int = 0, branch: int = 0) -> list[Stepped]:
    found: list[Stepped] = []
    for step in range(first, 100):
        report = engine.advance(branch, step, decoding, always)
        if isinstance(report, Ended):
            return found
        found.append(report)
    raise AssertionError("a run ends")


@pytest.mark.parametrize("method", ["greedy", "beam", "sampling"])
def test_a_run_and_again_from_its_middle(engine: TorchEngine, method: str) -> None:
    decoding = Decoding(method=method, seed=3)
    engine.open(1, jpeg(), "a.jpg", decoding, quiet, always)
    whole = steps(engine, decoding)
    assert whole
    assert [step.step for step in whole] == list(range(len(whole)))
    middle = len(whole) // 2
    again = steps(engine, decoding, first=middle)
    assert [(s.token, s.values) for s in again] == [(s.token, s.values) for s in whole[middle:]]


def test_a_beam_of_one_runs_greedily(engine: TorchEngine) -> None:
    tokens = []
    for decoding in (Decoding(), Decoding(method="beam", beam_width=1)):
        engine.open(1, jpeg("blue", "square"), "a.jpg", decoding, quiet, always)
        tokens.append([step.token for step in steps(engine, decoding)])
    assert tokens[0] == tokens[1]


def test_a_forced_word_changes_what_follows(engine: TorchEngine) -> None:
    decoding = Decoding()
    engine.open(1, jpeg(), "a.jpg", decoding, quiet, always)
    whole = steps(engine, decoding)
    suppressed = tiny.stepper().description.suppressed_tokens
    other = next(candidate.token for candidate in whole[0].candidates if candidate.token not in (whole[0].token, *suppressed))
    engine.fork(1, 0, 0, (ForceToken(first=0, token=other),), ())
    forced = steps(engine, decoding, branch=1)
    assert (forced[0].token, forced[0].values) == (other, whole[0].values)
    assert forced[0].log_prob < whole[0].log_prob
    assert forced[1].values != whole[1].values


def test_what_is_sent_fits_the_description(engine: TorchEngine) -> None:
    decoding = Decoding()
    engine.open(1, jpeg(), "a.jpg", decoding, quiet, always)
    channels = tiny.stepper().description.channels
    for step in steps(engine, decoding):
        result = step.result(channels)
        assert np.isclose(result.values["attention"].sum(), 1.0)
        log_probs = [candidate.log_prob for candidate in step.candidates]
        assert log_probs == sorted(log_probs, reverse=True)
        assert len(log_probs) <= 10


def test_what_cannot_be_done_is_said_in_a_sentence(engine: TorchEngine, tmp_path: Path) -> None:
    decoding = Decoding()
    with pytest.raises(EngineError, match="Nothing is open"):
        engine.advance(0, 0, decoding, always)
    with pytest.raises(EngineError, match="not a picture"):
        engine.open(1, b"just some text", "a.jpg", decoding, quiet, always)
    engine.open(2, jpeg(), "a.jpg", decoding, quiet, always)
    with pytest.raises(EngineError, match="not there yet"):
        engine.advance(0, 5, decoding, always)
    with pytest.raises(EngineError, match="no word 999"):
        engine.fork(1, 0, 0, (ForceToken(first=0, token=999),), ())
    with pytest.raises(EngineError, match="no device"):
        engine.load(str(tmp_path / "tiny.safetensors"), "cuda:99", quiet)
    with pytest.raises(EngineError, match="no checkpoint"):
        engine.load(str(tmp_path / "nothing.safetensors"), "cpu", quiet)
    assert steps(engine, decoding)  # and the run goes on as if nothing had happened
