"""The window on somebody's own step function, which is in another thread of this process behind a socket."""

from __future__ import annotations

from contextlib import contextmanager

import pytest
import torch
from PySide6.QtWidgets import QPlainTextEdit

import unrolled
from unrolled.models.inputs.inputs import typed
from unrolled.models.protocol.decoding import Decoding
from unrolled.models.trace.edits import ClampUnits
from unrolled.models.trace.files import save_trace
from unrolled.viewer.client.backend_client import BackendProcess
from unrolled.viewer.state import commands as c
from unrolled.viewer.window.application import make_window
from unrolled.viewer.window.settings import WindowSettings

WORDS = ("<start>", "<end>", "a", "dog", "runs")


def stepping():
    """A GRU's step, which raises for the last word."""
    torch.manual_seed(1)
    embed, cell, out = torch.nn.Embedding(5, 6), torch.nn.GRUCell(6, 8), torch.nn.Linear(8, 5)

    def next_token(token, h):
        if token == 4:
            raise LookupError("no dog runs here")
        h = cell(embed(torch.tensor([token])), h)
        return out(h) - torch.tensor([9.0, 9.0, 0.0, 0.0, 9.0]), h

    return next_token


@contextmanager
def window_on(qtbot, tmp_path, given):
    """A window on it that has run to its end; `given` is its text."""
    model = unrolled.step(stepping(), torch.zeros(1, 8), vocabulary=WORDS, input=given, window=False, maximum_steps=6)
    window = make_window(WindowSettings(tmp_path / "settings.ini"), BackendProcess(endpoint=model.endpoint), model="next_token")
    window.remembers = False
    window.controller.messages = []
    window.controller.voice.said.connect(window.controller.messages.append)
    window.controller.start()
    window.show()
    if given:
        window.do(c.OpenText(typed(given)))
    qtbot.waitUntil(lambda: window.controller.run.is_open)
    window.do(c.RunToEnd())
    qtbot.waitUntil(lambda: window.session.trace is not None and window.session.trace.ended)
    yield window
    window.close()
    window.deleteLater()
    model.close()


@pytest.fixture
def stepped(qtbot, tmp_path):
    """Without any input."""
    with window_on(qtbot, tmp_path, None) as window:
        yield window


@pytest.fixture
def reading(qtbot, tmp_path):
    """With a sentence beside it."""
    with window_on(qtbot, tmp_path, "A dog sleeps.") as window:
        yield window


def test_it_runs_by_itself_branches_and_survives_what_the_function_raises(qtbot, stepped):
    session = stepped.session
    assert len(session.trace) == 6
    assert set(session.trace.channels) == {"hidden", "reset_gate", "update_gate", "candidate"}
    assert session.description.title == "next_token, in the notebook"
    stepped.coordinator.flush()
    assert not stepped.layout_.sections["written"].isHidden()
    first = session.trace
    stepped.do(c.Seek(1))
    stepped.do(c.ChooseToken(1, 4))
    qtbot.waitUntil(lambda: any(message.action == "Details" for message in stepped.controller.messages))
    assert session.trace is not first
    assert session.trace.words == [first.words[0], "runs"]
    said = next(message for message in stepped.controller.messages if message.action == "Details")
    assert "raised LookupError in line" in said.text
    assert "no dog runs here" in said.text
    said.act()
    dialog = next(own for own in stepped.findChildren(QPlainTextEdit) if own.accessibleName() == "Traceback")
    assert 'raise LookupError("no dog runs here")' in dialog.toPlainText()
    dialog.window().close()
    stepped.do(c.Undo())
    qtbot.waitUntil(lambda: len(session.trace) == 6)


def test_beams_edits_comparison_and_the_badge(qtbot, stepped):
    session = stepped.session
    first, greedy = session.branches.shown.identity, session.trace
    badge = stepped.host.views["fidelity"]
    stepped.coordinator.flush()
    qtbot.waitUntil(lambda: "verified" in badge.label.text())
    assert "its modules as they are, by next_token itself" in badge.label.toolTip()
    stepped.do(c.SetDecoding(Decoding(method="beam", beam_width=2, length_penalty=0.0)))
    stepped.do(c.RunToEnd())
    qtbot.waitUntil(lambda: session.trace is not greedy and session.trace.ended)
    assert session.search is not None
    assert session.trace.log_probs.sum() >= greedy.log_probs.sum() - 1e-6
    stepped.do(c.ShowBranch(first))
    stepped.do(c.Seek(2))
    stepped.do(c.ApplyEdit(ClampUnits(channel="update_gate", units=(1,), value=0.5, first=2)))
    qtbot.waitUntil(lambda: session.trace is not greedy and len(session.trace) == 6)
    assert (session.trace.column("update_gate")[2:, 1] == 0.5).all()
    assert (session.trace.column("update_gate")[:2] == greedy.column("update_gate")[:2]).all()
    stepped.do(c.CompareBranch(first))
    assert session.compared.trace is greedy
    stepped.do(c.EndComparison())


def test_a_shipped_model_beside_it_has_a_connection_of_its_own(qtbot, reading):
    session, own = reading.session, reading.session.trace
    reading.do(c.CompareModel("translate-en-fr"))
    qtbot.waitUntil(lambda: session.compared is not None and session.compared.trace.ended)
    assert session.compared.name == "Translation with attention, English to French"
    assert "chien" in " ".join(session.compared.trace.words)
    reading.coordinator.flush()
    assert "diverge at step 1" in reading.host.views["tracks"].compare_bar.text.text()
    reading.do(c.SetDecoding(Decoding(method="beam", beam_width=2)))  # the function still steps beside it
    reading.do(c.RunToEnd())
    qtbot.waitUntil(lambda: session.trace is not own and session.trace.ended)
    reading.do(c.CompareModel("translate-xx"))
    qtbot.waitUntil(lambda: any("no model “translate-xx”" in said.text for said in reading.controller.messages))
    assert session.compared is None


def test_another_input_beside_it_says_that_it_is_not_seen(qtbot, reading, tmp_path):
    session, other = reading.session, tmp_path / "other.txt"
    other.write_text("Another dog sleeps.")
    reading.do(c.CompareInput(other))
    qtbot.waitUntil(lambda: session.compared is not None and session.compared.trace.ended)
    assert session.compared.trace.words == session.trace.words
    assert [said.text for said in reading.controller.messages] == [
        "next_token sees no other input: it goes on from the state that it was given with its own."]


def test_a_recorded_trace_beside_it_and_no_input_to_compare_with(qtbot, stepped, tmp_path):
    save_trace(stepped.session.trace, tmp_path / "kept.safetensors")
    stepped.do(c.Seek(1))
    stepped.do(c.ChooseToken(1, 3 if stepped.session.trace.tokens[1] == 2 else 2))
    qtbot.waitUntil(lambda: stepped.session.trace.ended and len(stepped.session.trace) == 6)
    stepped.do(c.CompareTrace(tmp_path / "kept.safetensors"))
    qtbot.waitUntil(lambda: stepped.session.compared is not None)
    stepped.coordinator.flush()
    assert "diverge at step 2" in stepped.host.views["tracks"].compare_bar.text.text()
    stepped.update_actions()
    assert not stepped.actions_by_name["compare_input"].isEnabled()
    stepped.do(c.ChooseModelToCompare())
    assert stepped.controller.choice.model == "next_token"


def test_the_picker_goes_to_a_shipped_model_and_back(qtbot, reading):
    session, own = reading.session, list(reading.session.trace.words)
    reading.do(c.LoadModel("translate-en-de"))
    qtbot.waitUntil(lambda: session.description.name == "translate-en-de" and reading.controller.run.is_open)
    reading.do(c.RunToEnd())
    qtbot.waitUntil(lambda: session.trace is not None and session.trace.ended)
    assert "hund" in " ".join(session.trace.words).lower()
    reading.do(c.LoadModel("next_token"))
    qtbot.waitUntil(lambda: session.description.name == "next_token" and reading.controller.run.is_open)
    reading.do(c.RunToEnd())
    qtbot.waitUntil(lambda: session.trace is not None and session.trace.ended)
    assert session.trace.words == own
