"""A session is read as it was written, on any machine; whatever else is in such a file is refused with a sentence."""

from __future__ import annotations

import json
import os
import zipfile

import msgspec
import numpy as np
import pytest
import scripted

from unrolled.models.protocol.decoding import Decoding
from unrolled.viewer.client.backend_client import BackendProcess
from unrolled.viewer.state import commands as c
from unrolled.viewer.state.appearance import AppearanceValues
from unrolled.viewer.state.branches import Branch, first_branch
from unrolled.viewer.state.session import Session
from unrolled.viewer.state.session_file import (
    SavedSession,
    SessionFileError,
    SessionLayout,
    branches_of,
    load_session,
    save_session,
    saved_branches,
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

    monkeypatch.setattr("unrolled.viewer.state.session_file.write_trace", full)
    with pytest.raises(SessionFileError, match="no room left"):
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
def controller(qtbot, served):
    from unrolled.viewer.control.control import Control

    made = Control(Session(), BackendProcess(endpoint=served))
    yield made
    made.close()


def test_the_controller_opens_it_without_a_model(qtbot, controller, path):
    controller.do(c.Open(path))
    session = controller.session
    qtbot.waitUntil(lambda: session.trace is not None)
    assert tuple(session.trace.words) == scripted.CAPTION
    assert session.picture.name == "ein Hünd.png"
    assert session.playhead.step == 4
    assert session.selection.units == (3, 17)
    assert controller.decoding.beam_width == 5


def test_what_is_written_can_be_read(tmp_path, saved):
    """Long names and many branches with many pictures: the bounds are the same on both sides."""
    branches = first_branch(scripted.trace())
    for number in range(1, 300):
        branches = branches.with_branch(Branch(identity=number, wire_id=number, name="long " * 300, trace=scripted.trace(),
                                               parent=0, step=number % 8))
    layout = msgspec.structs.replace(saved.layout, branches=saved_branches(branches), input_name="caf\udce9.png")
    path = tmp_path / "many.unrolled"
    others = tuple((f"{number}.png", b"picture") for number in range(100))
    save_session(path, SavedSession(layout, b"x", tuple(branch.trace for branch in branches.all.values()), others))
    read = load_session(path)
    assert len(branches_of(read).all) == 300
    assert len(read.others) == 100
    assert read.layout.input_name == "caf\N{REPLACEMENT CHARACTER}.png"
    assert read.layout.branches[1].name == ("long " * 300)[:1000]


def test_what_could_not_be_read_is_not_written(path, saved):
    before = path.read_bytes()
    with pytest.raises(SessionFileError, match=r"\.$"):
        save_session(path, SavedSession(msgspec.structs.replace(saved.layout, pinned=(-1,)), b"", ()))
    assert path.read_bytes() == before


@pytest.mark.parametrize("packing", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_corrupt_packed_members_are_a_sentence(tmp_path, path, packing):
    with zipfile.ZipFile(path) as archive:
        kept = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w", packing) as archive:
        for name, data in kept.items():
            archive.writestr(name, data)
    whole = bytearray(path.read_bytes())
    for place in range(40, 400, 3):  # in the first member
        whole[place] ^= 0x5A
    path.write_bytes(whole)
    with pytest.raises(SessionFileError, match=r"\.$"):
        load_session(path)


def test_what_is_left_half_written_is_removed_later(tmp_path, saved):
    left = tmp_path / ".a.unrolled-abcd.unrolled"
    left.write_bytes(b"half")
    others = tmp_path / ".a.mine.unrolled"
    others.write_bytes(b"not ours")
    save_session(tmp_path / "a.unrolled", saved)
    assert left.exists()  # another window may be writing it
    os.utime(left, (0, 0))
    os.utime(others, (0, 0))
    save_session(tmp_path / "a.unrolled", saved)
    assert not left.exists()
    assert others.exists()
