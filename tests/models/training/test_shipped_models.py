"""Every shipped model: it loads, steps offline, and gives a known output on a known input."""

from __future__ import annotations

import io
import math

import numpy as np
import pytest
from serving import asked

from unrolled import assets
from unrolled.models.adapters.registry import listings, recipes, shipped
from unrolled.models.analysis.fidelity import Fidelity
from unrolled.models.backend.run_service import RunService
from unrolled.models.data.drawn_clips import LABELS, draw_clip
from unrolled.models.data.drawn_scenes import draw_scene
from unrolled.models.protocol.decoding import Decoding
from unrolled.models.protocol.loading import Loaded, LoadModel
from unrolled.models.protocol.questions import (
    Answer,
    AnswerPart,
    Ask,
    Explained,
    ExplainStep,
    FollowGradients,
    GradientRows,
    Occluded,
    OccludeStep,
    Question,
    Replay,
    Replayed,
)
from unrolled.models.protocol.recorder import Recorder
from unrolled.models.protocol.stepping import Advance, DrawInput, Ended, InputDrawn, Opened, OpenInput, Stepped, SteppedBlock
from unrolled.models.runs.errors import EngineError
from unrolled.models.trace import Trace
from unrolled.models.trace.detokenization import text_of

CAPTIONERS = ("caption-attend-lstm", "caption-attend-rnn", "caption-lstm", "caption-rnn")


def run(model: str, data: bytes, name: str, *, write: int = 0) -> tuple[Trace, Opened, str]:
    """Run an input through a model as the window does: its trace, what was said of the input, and what it wrote."""
    service = RunService()
    (loaded,) = asked(service, LoadModel(model, "cpu"))
    (opened,) = asked(service, OpenInput(0, data, name))
    assert isinstance(loaded, Loaded)
    assert isinstance(opened, Opened)
    recorder = Recorder(loaded=loaded, opened=opened, name=name, data=data)
    trace, description = recorder.trace(Decoding()), loaded.description
    most = opened.prompt_tokens + write if opened.prompt_tokens else recorder.maximum_steps
    for report in asked(service, Advance(0, 0, most)):
        assert isinstance(report, Stepped | SteppedBlock | Ended)
        recorder.add(report, trace)
    explain(service, trace)
    end = description.words[description.end_token] if description.end_token >= 0 else ""
    return trace, opened, text_of(trace.words[opened.prompt_tokens :], description.detokenization, without=(end,))


def answers(service: RunService, question: Question) -> list[AnswerPart]:
    return [report.part for report in asked(service, Ask(0, 1, question)) if isinstance(report, Answer)]


def explain(service: RunService, trace: Trace) -> None:
    """Ask everything about a run: it is what torch's own modules give, and every answer holds together."""
    last = len(trace) - 1
    fidelity = Fidelity()
    for part in answers(service, Replay(max(last - 40, 0), last)):
        assert isinstance(part, Replayed)
        assert fidelity.take(part, trace)
    assert fidelity.agrees, fidelity.where
    assert set(fidelity.by_channel) == {*trace.channels, "state_gap", "log_probs", "candidate_log_probs"}
    assert fidelity.computed_by
    (found,) = answers(service, ExplainStep(last, 3))
    assert isinstance(found, Explained)
    for equation in found.equations:
        assert sum(part.value for part in equation.parts) == pytest.approx(equation.total, abs=1e-6)
        assert equation.value == float(trace.column(equation.channel)[last, 3])
        assert not equation.edited
    first = max(last - 7, 0)
    for rows in answers(service, FollowGradients(first, last)):
        assert isinstance(rows, GradientRows)
        assert np.isfinite(rows.table(rows.hidden)).all()
        assert rows.table(rows.hidden).any()
    if trace.with_role("attention") is not None:
        (occluded,) = answers(service, OccludeStep(last))
        assert isinstance(occluded, Occluded)
        assert np.isfinite(occluded.drops()).all()


def sample(name: str) -> bytes:
    return assets.path("samples", name).read_bytes()


def test_all_models_are_there_and_small_enough() -> None:
    found = {listing.name: listing for listing in listings()}
    assert set(found) == set(recipes()) == set(shipped())
    assert all(listing.size_bytes <= 12_000_000 and listing.quality for listing in found.values())
    assert sum(path.stat().st_size for path in assets.path("checkpoints").parent.rglob("*") if path.is_file()) <= 80_000_000
    for name in found:
        assert "## Measured" in assets.path("checkpoints", f"{name}.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("model", CAPTIONERS)
def test_captioners_see_a_dog(model: str) -> None:
    trace, _, text = run(model, sample("dog.jpg"), "dog.jpg")
    assert {"dog", "shepherd"} & set(text.split())
    attends = "attend" in model
    assert ("attention" in trace.channels) == attends
    if attends:
        assert np.allclose(trace.column("attention").sum(axis=(1, 2)), 1.0, atol=1e-5)
    assert ("cell" in trace.channels) == model.endswith("lstm")


@pytest.mark.parametrize(("model", "expected"), [
    ("translate-en-fr", "deux enfants en vestes rouges courent dans la neige avec un petit chien brun."),
    ("translate-en-de", "zwei kinder in roten jacken laufen mit einem kleinen braunen hund durch den schnee."),
])
def test_translators(model: str, expected: str) -> None:
    trace, opened, text = run(model, sample("sentence.txt"), "sentence.txt")
    assert text == expected
    weights = trace.column("attention")
    assert weights.shape == (len(trace), len(opened.source))
    assert np.allclose(weights.sum(axis=1), 1.0, atol=1e-5)
    assert opened.source[int(weights[1].argmax())] == "▁children"


def test_what_a_translator_never_saw_is_said_and_kept() -> None:
    _, opened, _ = run("translate-en-fr", "A 猫 sleeps.".encode(), "typed")
    assert "猫" in "".join(opened.source)
    assert "猫" in opened.notes[0]


@pytest.mark.parametrize(("model", "most"), [("chars-lstm", 1.6), ("chars-gru", 1.7), ("chars-rnn", 2.1)])
def test_character_models_read_python_and_write_on(model: str, most: float) -> None:
    data = sample("program.txt")
    trace, opened, text = run(model, data, "program.txt", write=20)
    assert opened.prompt_tokens == len(data.decode())
    assert "".join(trace.words[: opened.prompt_tokens]) == data.decode()
    assert len(trace) == opened.prompt_tokens + 20
    assert text
    assert -trace.log_probs[: opened.prompt_tokens].mean() / math.log(2) < most  # bits a character


def test_an_unknown_character_is_said_and_kept() -> None:
    trace, opened, _ = run("chars-rnn", 'x = "猫"\n'.encode(), "typed")
    assert len(trace) == opened.prompt_tokens == 8
    assert "猫" in opened.notes[0]
    assert trace.words[5] == "<unknown>"


def test_the_scene_captioner_says_what_was_drawn() -> None:
    scene = draw_scene(3, split="test")
    stream = io.BytesIO()
    scene.picture.save(stream, "PNG")
    trace, _, text = run("shapes-attend-lstm", stream.getvalue(), "scene.png")
    assert text == " ".join(scene.caption)
    assert trace.column("attention").shape[1:] == (12, 12)


@pytest.mark.parametrize("kind", ["frames", "clip"])
def test_clip_classifiers_say_what_was_drawn(kind: str) -> None:
    right = asked = 0
    for number in range(12):
        clip = draw_clip(kind, number, split="test")
        stream = io.BytesIO()
        np.save(stream, clip.frames)
        trace, opened, _ = run(f"{kind}-lstm", stream.getvalue(), "clip.npy")
        assert len(trace) == opened.maximum_steps == len(clip.frames)
        assert np.allclose(trace.column("label_probability").sum(axis=1), 1.0, atol=1e-5)
        said = [LABELS.index(word) for word in trace.words]
        true = list(clip.labels) if kind == "frames" else [clip.label]
        right += sum(one == other for one, other in zip(said[-len(true) :], true, strict=True))
        asked += len(true)
    assert right / asked >= 0.9


@pytest.mark.parametrize(("model", "ends"), [("shapes-attend-lstm", ".png"), ("clip-lstm", ".gif"), ("frames-lstm", ".gif")])
def test_models_of_drawn_inputs_draw_some_that_they_read(model: str, ends: str) -> None:
    service = RunService()
    (loaded,) = asked(service, LoadModel(model, "cpu"))
    assert isinstance(loaded, Loaded)
    assert loaded.description.draws
    drawn = [report for number in (0, 0, 1) for report in asked(service, DrawInput(number)) if isinstance(report, InputDrawn)]
    assert drawn[0] == drawn[1] != drawn[2]
    assert drawn[0].name.endswith(ends)
    assert asked(service, OpenInput(0, drawn[2].data, drawn[2].name))
    assert asked(service, LoadModel("chars-rnn", "cpu"))
    with pytest.raises(EngineError, match="draws no inputs"):
        asked(service, DrawInput(0))
