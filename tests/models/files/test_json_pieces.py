"""JSON that is read a piece at a time is what Python's own reader makes of it."""

from __future__ import annotations

import json

import pytest
import scripted
from hypothesis import given, settings
from hypothesis import strategies as st

from unrolled.models.trace import json_pieces
from unrolled.models.trace.files import TraceError, load_trace, save_trace
from unrolled.models.trace.json_pieces import JsonPieces

VALUES = st.recursive(st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
                      lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=12)


def untold(_):
    pass


@settings(max_examples=15)
@given(st.dictionaries(st.text(), VALUES), st.sampled_from([None, 0, 3]))
def test_an_object_is_the_same(value, indent):
    pieces = JsonPieces(json.dumps(value, indent=indent), untold)
    assert {name: pieces.value() for name in pieces.members()} == value


@settings(max_examples=40)
@given(st.lists(VALUES), st.sampled_from([None, 0, 3]))
def test_an_array_is_the_same(value, indent):
    assert list(JsonPieces(json.dumps(value, indent=indent), untold).array()) == value


@pytest.mark.parametrize("text", ["", "[1, 2", "[1 2]", "[1,]", "[", "{}", "null"])
def test_what_is_no_array_is_refused(text):
    with pytest.raises(ValueError, match=r"character|value"):
        list(JsonPieces(text, untold).array())


def test_an_object_of_any_number_of_members_is_not_read_to_its_end():
    pieces = JsonPieces("{" + '"a":1,' * 5000 + '"b":2}', untold)
    with pytest.raises(ValueError, match="far too many members"):
        [pieces.value() for _ in pieces.members()]


@settings(max_examples=30)
@given(VALUES, st.integers(1, 9))
def test_a_value_is_the_same_however_little_is_looked_at_first(value, first):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_pieces, "MOST", first)
        assert JsonPieces(json.dumps({"one": value, "two": [value]}), untold).value() == {"one": value, "two": [value]}
        pieces = JsonPieces(json.dumps([value, 12345, value]), untold)
        assert list(pieces.array()) == [value, 12345, value]


def test_what_is_too_long_is_not_read(monkeypatch, tmp_path):
    """Of small things that are nested there are many times as many bytes in memory as in the file."""
    monkeypatch.setattr(json_pieces, "MOST", 16)
    path = tmp_path / "trace.json"
    save_trace(scripted.trace(), path)
    whole = json.loads(path.read_text())
    longest = max(len(json.dumps(whole[name])) for name in ("channels", "provenance")) + 1
    monkeypatch.setattr(json_pieces, "LONGEST", longest)
    assert len(whole["words"]) == len(load_trace(path))
    for name, sentence in (("another", "“another” of this trace is longer than is read there"),
                           ("provenance", "“provenance” of this trace is longer than is read there")):
        path.write_text(json.dumps({name: [[]] * longest, **whole} if name == "another" else {**whole, name: [[]] * longest}))
        with pytest.raises(TraceError, match=sentence):
            load_trace(path)
    for name, nested in (("words", [[]] * 9), ("tokens", [[[]], {}]), ("input", [[]])):
        path.write_text(json.dumps({**whole, name: nested}))
        with pytest.raises(TraceError, match="not a trace of Unrolled"):
            load_trace(path)
    path.write_text(json.dumps({"another": {"of": ["somebody"]}, **whole}))
    assert list(load_trace(path).words) == whole["words"]


@pytest.mark.parametrize("suffix", [".json", ".csv", ".npz", ".safetensors"])
def test_reading_a_trace_says_how_far_it_is_and_can_be_given_up(tmp_path, suffix):
    path, heard = tmp_path / f"trace{suffix}", []
    save_trace(scripted.trace(), path)
    load_trace(path, heard.append)
    assert heard
    assert heard == sorted(heard)
    assert 0 <= heard[0] <= heard[-1] <= 1

    class GivenUp(BaseException):
        pass

    def give_up(_):
        raise GivenUp

    with pytest.raises(GivenUp):
        load_trace(path, give_up)
