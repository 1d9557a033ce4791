"""The logit lens: what it asks, what it draws of the answer, and where a click goes."""

from __future__ import annotations

import numpy as np
import scripted_traces
from contexts import context
from PySide6.QtCore import Qt

from unrolled.models.protocol.questions import LensRead, ReadLens
from unrolled.models.trace import ModelDescription
from unrolled.viewer.state.session import Session
from unrolled.viewer.views.lens.lens import PART, LogitLensView

WORDS = ("<unk>", "<s>", "</s>", *scripted_traces.WRITTEN)
LAYERS = 3


def answer(step, best):
    """Three layers, of which the last has the word that was written first."""
    tokens = np.array([[best, 3], [best, 4], [step + 3, 5]], "<i4")
    log_probs = np.log(np.array([[0.2, 0.1], [0.5, 0.1], [0.9, 0.05]], "<f4"))
    written = np.log(np.array([0.01, 0.1, 0.9], "<f4"))
    return LensRead(step=step, layers=LAYERS, tokens=tokens.tobytes(), log_probs=log_probs.tobytes(), written=written.tobytes(),
                    ranks=np.array([6, 1, 0], "<i4").tobytes())


def test_it_asks_draws_and_goes_where_it_is_clicked(qtbot):
    session = Session()
    trace = scripted_traces.layered_trace()
    session.set_trace(trace)
    session.set_model(ModelDescription(
        name="scripted", title="Scripted", task="captioning", words=WORDS, start_token=1, end_token=2,
        channels=tuple(trace.channels.values()), detokenization="pieces"))
    session.questions.possible = True
    asked = []
    session.questions.asked.connect(asked.append)
    view = LogitLensView(context(session))
    qtbot.addWidget(view)
    view.resize(400, 200)
    view.refresh_wanted.connect(view.refresh)  # as the window's coordinator does
    with qtbot.waitExposed(view):
        view.show()
    session.questions.answered.connect(lambda _: view.refresh())
    session.playhead.moved.connect(view.seek)
    session.selection.changed.connect(view.refresh)
    qtbot.waitUntil(lambda: bool(asked))
    assert asked[0].question == ReadLens(0, min(PART, len(trace)) - 1)
    for step in range(4):
        session.questions.take_part(asked[0].number, answer(step, 7), done=step == 3)
    canvas = view.canvas
    assert [column.step for column in canvas.columns] == [0, 1, 2, 3]
    assert canvas.columns[1].words == ("court", "court", "chien")
    assert canvas.columns[1].written == "chien"
    np.testing.assert_allclose(canvas.columns[1].chances, [0.2, 0.5, 0.9], rtol=1e-6)
    assert "rank 7" in canvas.columns[1].texts[0]
    qtbot.mouseClick(canvas, Qt.MouseButton.LeftButton, pos=canvas.box(2, 1).center().toPoint())
    assert session.playhead.step == 2
    assert session.selection.at == {"layer": "1"}
    assert (canvas.step, canvas.layer) == (2, 1)
    canvas.zoom.zoom(2.0)
    qtbot.mouseClick(canvas, Qt.MouseButton.LeftButton, pos=(canvas.box(1, 2).center() * 2).toPoint())
    assert (session.playhead.step, session.selection.at) == (1, {"layer": "2"})
    table = view._table()
    assert table is not None
    assert table.names[:4] == ["step", "written", "layer_0", "probability_0"]
    assert len(asked) == 1


def test_without_the_model_it_says_what_it_needs(qtbot):
    session = Session()
    session.set_trace(scripted_traces.layered_trace())
    view = LogitLensView(context(session))
    qtbot.addWidget(view)
    view.show()
    assert "weights" in view._empty.text()
    assert view._content.isHidden()
