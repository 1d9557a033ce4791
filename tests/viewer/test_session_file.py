"""A session is read as it was written, on any machine; whatever else is in such a file is refused with a sentence."""

from __future__ import annotations

import json
import zipfile

import numpy as np
import pytest
import scripted

from unrolled.models.protocol.decoding import Decoding
from unrolled.viewer.client.backend_client import BackendProcess
from unrolled.viewer.state import commands as c
from unrolled.viewer.state.appearance import AppearanceValues
from unrolled.viewer.state.session import Session
from unrolled.viewer.state.session_file import (
    SavedSession,
    SessionFileError,
    SessionLayout,
    load_session,
    save_session,
)


@pytest.fixture
def saved():
    layout = SessionLayout(input_name="ein Hünd.png", step=4, pinned=(3, 17), model="scripted", device="cpu",
                           decoding=Decoding(method="beam", beam_width=5), appearance=AppearanceValues(theme="dark"))
    return SavedSession(layout, scripted.picture().data, (scripted.trace(),))


@pytest.fixture
def path(tmp_path, saved):
    path = tmp_path / "a sessiön.unrolled"
    save_session(path, saved)
    return path


def test_it_is_read_as_it_was_written(path, saved):
    read = load_session(path)
    assert read.layout.step == 4
    assert read.layout.pinned == (3, 17)
    assert read.layout.decoding == saved.layout.decoding
    assert read.layout.appearance == saved.layout.appearance
    assert read.input_bytes == saved.input_bytes
    (trace,) = read.traces
    assert tuple(trace.words) == scripted.CAPTION
    for name in saved.traces[0].channels:
        np.testing.assert_array_equal(trace.column(name), saved.traces[0].column(name))


def test_a_session_without_a_trace_or_an_input(tmp_path):
    path = tmp_path / "empty.unrolled"
    save_session(path, SavedSession(SessionLayout(), b"", ()))
    read = load_session(path)
    assert read.traces == ()
    assert read.input_bytes == b""


def test_a_failure_to_write_leaves_the_old_file(path, saved, monkeypatch):
    before = path.read_bytes()

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("unrolled.viewer.state.session_file.save_trace", full)
    with pytest.raises(SessionFileError, match="No space left"):
        save_session(path, saved)
    assert path.read_bytes() == before
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def rewritten(path, **members):
    """The session with some of its members replaced; None leaves one out."""
    with zipfile.ZipFile(path) as archive:
        kept = {name: archive.read(name) for name in archive.namelist()}
    kept.update({name.replace("__", "/").replace("_json", ".json"): data for name, data in members.items()})
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in kept.items():
            if data is not None:
                archive.writestr(name, data)
    return path


@pytest.mark.parametrize("layout", [
    b"not json", b"[]", json.dumps({"step": "four"}).encode(), json.dumps({"version": 99}).encode(),
    json.dumps({"traces": 7}).encode(), json.dumps({"pinned": [-1]}).encode(),
    json.dumps({"decoding": {"method": "guessing"}}).encode(), None,
])
def test_a_layout_that_does_not_fit_is_a_sentence(path, layout):
    with pytest.raises(SessionFileError) as caught:
        load_session(rewritten(path, session_json=layout))
    assert path.name in str(caught.value)
    assert str(caught.value).endswith(".")


def test_a_bomb_is_refused_before_it_is_unpacked(path):
    with pytest.raises(SessionFileError, match="far more"):
        load_session(rewritten(path, input__bomb=b"\0" * (32 * 1024 * 1024)))


def test_cut_off_empty_missing_and_folder_are_sentences(path, tmp_path):
    whole = path.read_bytes()
    for data in (b"", whole[: len(whole) // 2], b"These are words."):
        path.write_bytes(data)
        with pytest.raises(SessionFileError, match=r"\.$"):
            load_session(path)
    for other in (tmp_path / "missing.unrolled", tmp_path):
        with pytest.raises(SessionFileError):
            load_session(other)


def test_a_damaged_trace_is_a_sentence(path):
    with zipfile.ZipFile(path) as archive:
        kept = {name: archive.read(name) for name in archive.namelist()}
    kept["traces/0.safetensors"] = kept["traces/0.safetensors"][:100]
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in kept.items():
            archive.writestr(name, data)
    with pytest.raises(SessionFileError, match="trace"):
        load_session(path)


@pytest.fixture
def controller(qtbot, scripted_command):
    from unrolled.viewer.control.control import Control

    made = Control(Session(), BackendProcess(scripted_command))
    yield made
    made.close()


def test_the_controller_opens_it_without_a_model(controller, path):
    controller.do(c.Open(path))
    session = controller.session
    assert tuple(session.trace.words) == scripted.CAPTION
    assert session.picture.name == "ein Hünd.png"
    assert session.playhead.step == 4
    assert session.selection.units == (3, 17)
    assert controller.decoding.beam_width == 5


def test_what_was_open_is_kept_and_a_lost_window_is_known(qtbot, controller, tmp_path):
    from unrolled.viewer.control.autosave import Autosave

    first = Autosave(tmp_path, controller.session, controller)
    assert not first.was_lost
    controller.opener.show_trace(scripted.trace(), scripted.picture())
    second = Autosave(tmp_path, controller.session, controller)
    assert not second.save()  # one window at a time
    assert first.save()
    first._lock.unlock()  # as if the process were gone
    third = Autosave(tmp_path, controller.session, controller)
    assert third.was_lost
    assert tuple(load_session(third.path).traces[0].words) == scripted.CAPTION
    third.close()
    fourth = Autosave(tmp_path, controller.session, controller)
    assert not fourth.was_lost
    fourth.close()
    for one in (first, second, third, fourth):
        one._timer.stop()
