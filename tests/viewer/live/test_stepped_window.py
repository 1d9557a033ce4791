"""The window on somebody's own step function, which is in another thread of this process behind a socket."""

from __future__ import annotations

import pytest
import torch
from PySide6.QtWidgets import QPlainTextEdit

import unrolled
from unrolled.models.protocol.decoding import Decoding
from unrolled.models.trace.edits import ClampUnits
from unrolled.viewer.client.backend_client import BackendProcess
from unrolled.viewer.state import commands as c
from unrolled.viewer.window.application import make_window
from unrolled.viewer.window.settings import WindowSettings

WORDS = ("<start>", "<end>", "a", "dog", "runs")


@pytest.fixture
def stepped(qtbot, tmp_path):
    """A window on a GRU without any input, whose function raises for the last word; and the words that it writes."""
    torch.manual_seed(1)
    embed, cell, out = torch.nn.Embedding(5, 6), torch.nn.GRUCell(6, 8), torch.nn.Linear(8, 5)

    def next_token(token, h):
        if token == 4:
            raise LookupError("no dog runs here")
        h = cell(embed(torch.tensor([token])), h)
        return out(h) - torch.tensor([9.0, 9.0, 0.0, 0.0, 9.0]), h

    model = unrolled.step(next_token, torch.zeros(1, 8), vocabulary=WORDS, window=False, maximum_steps=6)
    window = make_window(WindowSettings(tmp_path / "settings.ini"), BackendProcess(endpoint=model.endpoint), model="next_token")
    window.remembers = False
    window.controller.messages = []
    window.controller.voice.said.connect(window.controller.messages.append)
    window.controller.start()
    window.show()
    qtbot.waitUntil(lambda: window.controller.run.is_open, timeout=10_000)
    yield window
    window.close()
    window.deleteLater()
    model.close()


def test_it_runs_by_itself_branches_and_survives_what_the_function_raises(qtbot, stepped):
    session = stepped.session
    stepped.do(c.RunToEnd())
    qtbot.waitUntil(lambda: session.trace is not None and session.trace.ended, timeout=5000)
    assert len(session.trace) == 6
    assert set(session.trace.channels) == {"hidden", "reset_gate", "update_gate", "candidate"}
    assert session.description.title == "next_token, in the notebook"
    stepped.coordinator.flush()
    assert not stepped.layout_.sections["written"].isHidden()
    first = session.trace
    stepped.do(c.Seek(1))
    stepped.do(c.ChooseToken(1, 4))
    qtbot.waitUntil(lambda: any(message.action == "Details" for message in stepped.controller.messages), timeout=5000)
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
    qtbot.waitUntil(lambda: len(session.trace) == 6, timeout=5000)


def test_beams_edits_comparison_and_the_badge(qtbot, stepped):
    session = stepped.session
    stepped.do(c.RunToEnd())
    qtbot.waitUntil(lambda: session.trace is not None and session.trace.ended, timeout=5000)
    first, greedy = session.branches.shown.identity, session.trace
    badge = stepped.host.views["fidelity"]
    stepped.coordinator.flush()
    qtbot.waitUntil(lambda: "verified" in badge.label.text(), timeout=5000)
    assert "its modules as they are, by next_token itself" in badge.label.toolTip()
    stepped.do(c.SetDecoding(Decoding(method="beam", beam_width=2, length_penalty=0.0)))
    stepped.do(c.RunToEnd())
    qtbot.waitUntil(lambda: session.trace is not greedy and session.trace.ended, timeout=5000)
    assert session.search is not None
    assert session.trace.log_probs.sum() >= greedy.log_probs.sum() - 1e-6
    stepped.do(c.ShowBranch(first))
    stepped.do(c.Seek(2))
    stepped.do(c.ApplyEdit(ClampUnits(channel="update_gate", units=(1,), value=0.5, first=2)))
    qtbot.waitUntil(lambda: session.trace is not greedy and len(session.trace) == 6, timeout=5000)
    assert (session.trace.column("update_gate")[2:, 1] == 0.5).all()
    assert (session.trace.column("update_gate")[:2] == greedy.column("update_gate")[:2]).all()
    stepped.do(c.CompareBranch(first))
    assert session.compared.trace is greedy
    stepped.do(c.EndComparison())
