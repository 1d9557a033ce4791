"""A document of a store is changed at once where a person looks: its model reads it again beside it, and nothing moves."""

from __future__ import annotations

import os
import signal

import numpy as np
import pytest
import scripted_backend
from stores import HIDDEN, drawn

from unrolled.models.store.store import open_store
from unrolled.models.store.stored_trace import stored_run
from unrolled.models.trace.edits import ForceToken
from unrolled.viewer.client.backend_client import BackendProcess
from unrolled.viewer.control.control import Control
from unrolled.viewer.state import commands as c
from unrolled.viewer.state.session import Session

MODEL = scripted_backend.other_description("scripted-text")
AT = 123


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    made = drawn(tmp_path_factory.mktemp("again") / "store", [700, 40], channels=(HIDDEN,), model=MODEL)
    made.titles[:] = ["folder/0000.py", "slow.py"]
    made.write()
    return made


@pytest.fixture
def control(qtbot, scripted_command, written):
    made = Control(Session(), BackendProcess(scripted_command))
    made.messages, made.stayed = [], []
    made.voice.said.connect(made.messages.append)
    made.start()
    qtbot.waitUntil(lambda: made.session.description is not None)
    made.session.open_store.set_store(open_store(written.location.folder))
    yield made
    made.close()


def opened(qtbot, control, *, step=AT, number=0):
    """At a step, its model brought."""
    control.do(c.OpenDocument(number, step))
    qtbot.waitUntil(lambda: control.session.can_change)
    session = control.session
    session.playhead.moved.connect(control.stayed.append)
    assert stored_run(session.trace) is not None
    assert not session.questions.possible
    return session


def forced(step):
    return ForceToken(first=step, last=step, token=MODEL.words.index("z"), word="z")


def is_live(session):
    return stored_run(session.trace) is None and session.questions.possible


def test_a_change_is_made_where_it_was_asked_for(qtbot, control, written):
    session = opened(qtbot, control)
    session.time_axis.show(100.0, 150.0)
    sight = session.time_axis.start, session.time_axis.stop
    control.do(c.ApplyEdit(forced(AT)))
    assert stored_run(session.trace) is not None  # what was shown stays until the other has come as far
    qtbot.waitUntil(lambda: len(session.branches.all) == 2 and not control.run.busy)
    first, made = session.branches.all.values()
    assert list(first.trace.tokens) == written.tokens[0].tolist()
    assert made.step == AT
    assert session.branch is made
    assert session.playhead.step == AT
    assert set(control.stayed) <= {AT - 1, AT}  # as whenever a branch is made
    assert (session.time_axis.start, session.time_axis.stop) == sight
    control.do(c.Undo())
    assert session.branch is first


def test_all_changes_that_were_asked_for_meanwhile_are_made(qtbot, control):
    session = opened(qtbot, control)
    for step in (AT, AT - 5):
        control.do(c.ApplyEdit(forced(step)))
    qtbot.waitUntil(lambda: len(session.branches.all) == 3)
    assert [placed.edit.first for placed in session.branch.edits] == [AT, AT - 5]


def test_run_it_keeps_the_step_and_brings_exact_numbers(qtbot, control, written):
    session = opened(qtbot, control)
    rounded = np.array(session.trace.column("hidden")[AT])
    control.do(c.RunDocument())
    qtbot.waitUntil(lambda: is_live(session))
    assert session.playhead.step == AT
    assert control.stayed == []
    assert session.trace.column("hidden")[AT, 0] == np.float32(np.sin(AT))  # the script's own
    assert rounded.shape == session.trace.column("hidden")[AT].shape
    assert len(session.branches.all) == 1


def test_it_can_be_stopped_and_is_what_it_was(qtbot, control, written, monkeypatch):
    monkeypatch.setattr("unrolled.viewer.control.stored_runs.input_of_stored", slowly)
    session = opened(qtbot, control)
    shown = session.trace
    control.do(c.ApplyEdit(forced(AT)))
    assert (control.messages[-1].action, control.messages[-1].act.args) == ("Stop", (c.StopReadingAgain(),))
    with qtbot.waitSignal(control.voice.status_changed, check_params_cb=lambda text, _: "Reading it again" in text, timeout=5000):
        pass
    control.do(c.StopReadingAgain())
    qtbot.wait(300)
    assert session.trace is shown
    assert len(session.branches.all) == 1
    assert session.can_change
    control.do(c.RunDocument())
    qtbot.waitUntil(lambda: is_live(session))
    assert len(session.branches.all) == 1  # the change was given up


def slowly(store, trace):
    from unrolled.models.inputs.kinds import decode_input

    return decode_input(trace.input_bytes, "slow.txt", "text")[0]


def test_another_model_of_that_name_does_not_take_its_place(qtbot, control, tmp_path):
    import msgspec

    made = drawn(tmp_path / "other", [50], channels=(HIDDEN,), model=msgspec.structs.replace(MODEL, weights_hash="f00"))
    made.write()
    control.session.open_store.set_store(open_store(made.location.folder))
    control.do(c.OpenDocument(0, 7))
    qtbot.waitUntil(lambda: control.session.description.name == MODEL.name and not control.run.state.loading)
    assert not control.session.can_change
    control.do(c.RunDocument())
    qtbot.waitUntil(lambda: "other weights" in control.messages[-1].text)
    assert stored_run(control.session.trace) is not None
    assert control.session.playhead.step == 7


def test_a_model_that_is_not_here_is_named(qtbot, control, tmp_path):
    made = drawn(tmp_path / "nobodys", [50], channels=(HIDDEN,))
    made.write()
    control.session.open_store.set_store(open_store(made.location.folder))
    control.do(c.OpenDocument(0, 7))
    qtbot.waitUntil(lambda: control.session.trace is not None)
    control.do(c.RunDocument())
    assert "Drawn, which traced this document, is not here" in control.messages[-1].text
    control.do(c.ApplyEdit(forced(7)))
    assert len(control.session.branches.all) == 1


def test_the_model_dies_meanwhile(qtbot, control, monkeypatch):
    monkeypatch.setattr("unrolled.viewer.control.stored_runs.input_of_stored", slowly)
    session = opened(qtbot, control)
    shown = session.trace
    control.do(c.RunDocument())
    qtbot.wait(150)
    os.kill(control.backend._process.processId(), signal.SIGKILL)
    qtbot.waitUntil(lambda: any("ended from outside" in said.text for said in control.messages))
    control.do(c.RestartBackend())
    qtbot.waitUntil(lambda: session.can_change and not control.run.state.loading and control.backend.alive)
    qtbot.wait(200)
    assert session.trace is shown
