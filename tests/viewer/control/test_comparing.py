"""Two runs side by side: branches, other inputs, other models, recorded traces."""

from __future__ import annotations

import gc

import pytest
import scripted
from windows import said, two_branches, words

from unrolled.viewer.client.backend_client import BackendProcess
from unrolled.viewer.state import commands as c


@pytest.fixture
def window(captioned):
    return captioned


def tracks(window):
    return {track.name: track for track in window.host.views["tracks"].tracks}


def test_two_branches_side_by_side(qtbot, window):
    two_branches(qtbot, window)
    window.do(c.CompareBranch(0))
    window.coordinator.flush()
    there = tracks(window)
    assert {"cell", "other cell", "difference cell", "words", "other words"} <= set(there)
    assert [there[name].title for name in ("cell", "other cell", "difference cell")] == ["A cell", "B cell", "A−B cell"]
    own, other = window.session.trace, window.session.branches.all[0].trace
    assert there["other cell"].trace is other
    difference = there["difference cell"].trace.column("difference cell")
    assert (difference == own.column("cell")[: len(difference)] - other.column("cell")[: len(difference)]).all()
    bar = window.host.views["tracks"].compare_bar
    assert "they diverge at step 3: “cat” / “dog”" in bar.text.text()
    assert all(track.first_divergence == 2 for track in there.values())
    plot = there["words"].canvas
    assert plot._playhead.pen.style() != plot._divergence.pen.style()  # not told apart by their colours alone
    largest = window.host.views["tracks"].differences.largest
    bar.text.linkActivated.emit(f"{largest.step}:{largest.place}")
    assert window.session.playhead.step == largest.step == 5
    assert largest.place in window.session.selection.units
    beside = window.layout_.sections["beside"]
    assert beside.isVisible()
    assert "dog" in beside.content.words.words
    assert window.grab().width()
    window.actions_by_name["compare_end"].trigger()
    window.coordinator.flush()
    assert "other cell" not in tracks(window)
    assert not beside.isVisible()


def test_another_picture_beside_in_the_same_process(qtbot, window, tmp_path):
    path, said_of_it = tmp_path / "other.png", []
    path.write_bytes(scripted.picture(200, 200).data)
    window.controller.voice.status_changed.connect(lambda text, _: said_of_it.append(text))
    window.do(c.CompareInput(path))
    started = [process for process in gc.get_objects() if isinstance(process, BackendProcess) and process.alive]
    assert started == [window.controller.backend]
    qtbot.waitUntil(lambda: window.session.compared is not None and window.session.compared.trace.ended)
    window.coordinator.flush()
    assert tuple(window.session.compared.trace.words) == words(window)
    assert "the same words" in window.host.views["tracks"].compare_bar.text.text()
    assert window.session.compared.input.name == "other.png"
    assert any("reads “other.png”" in text for text in said_of_it)
    assert said_of_it[-1] == ""
    window.do(c.CompareInput(path))  # once more: what was beside before is forgotten
    qtbot.waitUntil(lambda: window.session.compared is not None and window.session.compared.trace.ended)
    window.do(c.OpenData(scripted.picture().data, "again.png"))  # another run: the other one ends
    assert window.session.compared is None
    window.do(c.CompareInput(tmp_path / "nothing.png"))
    qtbot.waitUntil(lambda: "no file" in said(window))


def test_the_run_on_screen_goes_on_beside_another_one(qtbot, window, tmp_path):
    path = tmp_path / "other.png"
    path.write_bytes(scripted.picture(200, 200).data)
    window.do(c.CompareInput(path))
    qtbot.waitUntil(lambda: window.session.compared is not None and window.session.compared.trace.ended)
    window.do(c.ChooseToken(2, scripted.WORDS.index("dog")))
    qtbot.waitUntil(lambda: window.session.trace.ended and not window.controller.run.busy)
    assert words(window)[2] == "dog"
    assert window.session.compared is not None
    window.do(c.LoadModel("scripted-scene"))  # another model: nothing is left of what ran beside
    qtbot.waitUntil(lambda: window.session.description.name == "scripted-scene")
    assert window.session.compared is None


def test_another_model_beside_says_what_it_cannot_do(qtbot, window):
    ends = window.actions_by_name["compare_end"]
    window.do(c.CompareModel("scripted"))
    assert window.session.compared is None
    assert ends.isEnabled()  # while its process starts
    ends.trigger()
    assert not ends.isEnabled()
    window.do(c.CompareModel("nothing"))
    qtbot.waitUntil(lambda: "There is no model “nothing”" in said(window))
    assert window.session.compared is None
    window.do(c.CompareModel("scripted-text"))
    qtbot.waitUntil(lambda: "does not take" in said(window))


def test_a_recorded_trace_beside(qtbot, window, tmp_path):
    from unrolled.models.trace.files import save_trace

    save_trace(scripted.trace(seed=3), tmp_path / "kept.npz")
    window.do(c.CompareTrace(tmp_path / "kept.npz"))
    qtbot.waitUntil(lambda: window.session.compared is not None)
    window.coordinator.flush()
    assert window.host.views["tracks"].differences.largest is not None
    window.do(c.CompareTrace(tmp_path / "nothing.npz"))
    qtbot.waitUntil(lambda: "There is no file" in said(window))
