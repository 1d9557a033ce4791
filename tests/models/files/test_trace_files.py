"""A trace survives being saved in each format, and nothing else is believed."""

from __future__ import annotations

import contextlib
import csv
import errno
import json
import os
import stat
import warnings

import msgspec
import numpy as np
import pytest
import scripted
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from unrolled.models.trace import Candidate, Channel, Provenance, StepResult, Trace
from unrolled.models.trace import files as trace_files
from unrolled.models.trace.edits import ClampUnits, ForceToken
from unrolled.models.trace.files import TraceError, load_trace, save_trace

SUFFIXES = (".safetensors", ".npz", ".json", ".csv")

floats = st.floats(width=32, allow_nan=True, allow_infinity=True)
words = st.text(max_size=12)
CHANNELS = (
    Channel(name="hidden", role="hidden", symbol="h", axes=("unit",), shape=(2,), low=-1, high=1),
    Channel(name="attention", role="attention", symbol="α", axes=("row", "column"), shape=(1, 2), low=0, high=1),
    Channel(name="attention_entropy", role="attention_entropy", symbol="H", axes=(), shape=(), low=0, high=1),
)


def assert_equal(one: Trace, other: Trace, *, picture: bool = True) -> None:
    assert tuple(one.channels.values()) == tuple(other.channels.values())
    assert list(one.words) == list(other.words)
    assert list(one.tokens) == list(other.tokens)
    assert one.log_probs.tobytes() == other.log_probs.tobytes()
    assert list(one.candidates) == list(other.candidates)
    assert one.provenance == other.provenance
    assert one.ended == other.ended
    for name in one.channels:
        expected, found = one.column(name), other.column(name)
        assert expected.shape == found.shape
        # NaN has many bit patterns and stays NaN; every other number keeps its bits.
        number = ~np.isnan(expected)
        assert np.array_equal(number, ~np.isnan(found))
        assert expected[number].tobytes() == found[number].tobytes()
    if picture:
        assert one.input_bytes == other.input_bytes


EDITS = (ForceToken(first=3, token=1, word="dog"), ClampUnits(first=0, last=4, channel="hidden", units=(1,), value=-0.5))


@pytest.mark.parametrize("suffix", SUFFIXES)
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.tuples(words, st.lists(floats, min_size=5, max_size=5), words), max_size=4), ended=st.booleans(),
       name=words, data=st.binary(max_size=20))
def test_every_format_gives_the_trace_back(tmp_path, suffix, steps, ended, name, data):
    trace = Trace(CHANNELS, provenance=Provenance(model="m", input_name=name, seed=7, edits=EDITS), input_bytes=data,
                  ended=ended)
    for step, (word, values, other) in enumerate(steps):
        numbers = np.array(values, np.float32)
        trace.append(StepResult(
            step=step, token=step, word=word, log_prob=-0.1 * step, candidates=(
                Candidate(step, other, -1.25, step == 1, -2.5 if step > 1 else None),),
            values={"hidden": numbers[:2], "attention": numbers[2:4].reshape(1, 2), "attention_entropy": numbers[4]}))
    path = tmp_path / f"trace{suffix}"
    save_trace(trace, path)
    assert_equal(trace, load_trace(path), picture=suffix != ".csv")


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_loaded_trace_can_go_on(tmp_path, suffix):
    trace = scripted.trace(scripted.CAPTION[:3])
    save_trace(trace, tmp_path / f"a{suffix}")
    loaded = load_trace(tmp_path / f"a{suffix}")
    for grown in (trace, loaded):
        grown.append(scripted.step_result(3, "is"))
    assert_equal(trace, loaded, picture=suffix != ".csv")


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_file_cut_off_anywhere_is_refused_in_a_sentence(tmp_path, suffix):
    whole = tmp_path / f"whole{suffix}"
    save_trace(scripted.trace(units=4, grid=(2, 2)), whole)
    data = whole.read_bytes()
    cut = tmp_path / f"cut{suffix}"
    for length in {0, 1, 9, len(data) // 3, len(data) // 2, len(data) * 9 // 10}:
        cut.write_bytes(data[:length])
        if suffix == ".csv" and data[:length].endswith(b"\n"):
            continue
        with pytest.raises(TraceError, match="cut"):
            load_trace(cut)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.binary(max_size=200), suffix=st.sampled_from(SUFFIXES))
def test_random_bytes_give_a_sentence(tmp_path, data, suffix):
    path = tmp_path / f"x{suffix}"
    path.write_bytes(data)
    with pytest.raises(TraceError):
        load_trace(path)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_damaged_file_is_refused_or_read_but_never_a_traceback(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    save_trace(scripted.trace(units=4, grid=(2, 2)), path)
    data = path.read_bytes()
    random = np.random.default_rng(0)
    for _ in range(150):
        damaged = bytearray(data)
        damaged[random.integers(len(data))] = random.integers(256)
        path.write_bytes(damaged)
        with warnings.catch_warnings(), contextlib.suppress(TraceError):
            warnings.simplefilter("ignore")  # a digit more in an exponent is a number too large
            load_trace(path)


def test_a_table_cut_at_any_byte_is_refused(tmp_path):
    path = tmp_path / "a.csv"
    save_trace(scripted.trace(("a", "dog"), units=1, grid=(1, 2)), path)
    data = path.read_bytes()
    last_row = data.rstrip().rindex(b"\n") + 1
    for length in range(last_row - 3, len(data)):  # also in the last number, and between two rows
        path.write_bytes(data[:length])
        if data[:length].endswith(b"\r") and length == len(data) - 1:
            continue  # all is there but half of the last line's end
        with pytest.raises(TraceError, match="cut"):
            load_trace(path)


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("log_prob", [-np.inf, np.nan])
def test_what_json_has_no_number_or_letter_for_comes_back(tmp_path, suffix, log_prob):
    name = "caf\udce9.jpg"  # Python's name for a file whose name is not UTF-8
    trace = Trace(CHANNELS[2:], provenance=Provenance(input_name=name))
    trace.append(StepResult(step=0, token=3, word="a\n,\"", log_prob=-1.0, candidates=(Candidate(1, "b", float(log_prob)),),
                            values={"attention_entropy": np.float32(0.5).reshape(())}))
    save_trace(trace, tmp_path / f"a{suffix}")
    loaded = load_trace(tmp_path / f"a{suffix}")
    assert loaded.provenance.input_name == name
    assert loaded.words == trace.words
    assert np.array_equal([loaded.candidates[0][0].log_prob], [log_prob], equal_nan=True)


def test_shapes_that_do_not_fit_are_refused(tmp_path):
    path = tmp_path / "a.json"
    save_trace(scripted.trace(units=4, grid=(2, 2)), path)
    path.write_text(path.read_text().replace('"shape": [4]', '"shape": [5]', 1))
    with pytest.raises(TraceError):
        load_trace(path)


@pytest.mark.parametrize("without", [{}, {"input": None}])
def test_one_without_its_picture_opens(tmp_path, without):
    save_trace(scripted.trace(), tmp_path / "a.json")
    whole = json.loads((tmp_path / "a.json").read_text())
    del whole["input"]
    (tmp_path / "a.json").write_text(json.dumps(whole | without))
    assert_equal(load_trace(tmp_path / "a.json"), scripted.trace(), picture=False)


def test_an_unknown_suffix_names_those_that_are_known(tmp_path):
    for call in (lambda path: save_trace(scripted.trace(), path), load_trace):
        with pytest.raises(TraceError, match=r"\.safetensors, \.npz, \.json, \.csv"):
            call(tmp_path / "trace.txt")


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_what_is_too_long_is_neither_written_nor_read(tmp_path, monkeypatch, suffix):
    path, trace = tmp_path / f"a{suffix}", scripted.trace()
    save_trace(trace, path)
    monkeypatch.setattr(trace_files, "MOST_STEPS", len(trace) - 1)
    for call in (lambda: load_trace(path), lambda: save_trace(trace, path)):
        with pytest.raises(TraceError, match=f"A trace of {len(trace)} steps is too long; {len(trace) - 1} are the most"):
            call()
    monkeypatch.undo()
    monkeypatch.setitem(trace_files.LARGEST_FILES, suffix, path.stat().st_size - 1)
    for call in (lambda: load_trace(path), lambda: save_trace(trace, path)):
        with pytest.raises(TraceError, match="GiB are the most"):
            call()
    monkeypatch.undo()
    assert_equal(load_trace(path), trace, picture=suffix != ".csv")


@pytest.mark.parametrize("suffix", [".safetensors", ".npz"])
def test_words_and_candidates_have_a_bound(tmp_path, monkeypatch, suffix):
    path = tmp_path / f"a{suffix}"
    save_trace(scripted.trace(), path)
    monkeypatch.setattr(trace_files, "LARGEST_HEADER", 100)
    for call in (lambda: load_trace(path), lambda: save_trace(scripted.trace(), path)):
        with pytest.raises(TraceError, match="words and candidates"):
            call()


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch, suffix):
    path = tmp_path / f"a{suffix}"
    path.write_bytes(b"old")

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("unrolled.models.trace.atomic.os.fsync", full)
    with pytest.raises(TraceError, match="no room left"):
        save_trace(scripted.trace(), path)
    assert path.read_bytes() == b"old"
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]


@pytest.mark.skipif(os.name == "nt", reason="has no such permissions")
def test_what_is_written_over_keeps_its_permissions(tmp_path):
    path = tmp_path / "a.npz"
    save_trace(scripted.trace(), path)
    mask = os.umask(0)
    os.umask(mask)
    assert stat.S_IMODE(path.stat().st_mode) == 0o666 & ~mask
    path.chmod(0o640)
    save_trace(scripted.trace(), path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_no_folder_no_file(tmp_path):
    with pytest.raises(TraceError, match="no folder"):
        save_trace(scripted.trace(), tmp_path / "missing" / "a.npz")
    with pytest.raises(TraceError, match="no file"):
        load_trace(tmp_path / "a.npz")


def test_a_pickle_in_an_npz_is_not_opened(tmp_path):
    class Evil:
        def __reduce__(self):
            return (exec, ("raise SystemExit('executed')",))

    path = tmp_path / "evil.npz"
    np.savez(path, header=np.array([Evil()], dtype=object))
    with pytest.raises(TraceError):
        load_trace(path)


def test_every_suffix_is_written_and_read():
    assert tuple(trace_files._WRITERS) == tuple(trace_files._READERS) == SUFFIXES


def test_a_table_of_before_whose_channel_begins_with_an_apostrophe_opens(tmp_path):
    channel = msgspec.structs.replace(CHANNELS[2], name="'h")
    trace = Trace((channel,), provenance=Provenance())
    trace.append(StepResult(step=0, token=3, word="a", log_prob=-1.0, candidates=(), values={"'h": np.float32(0.5).reshape(())}))
    path = tmp_path / "a.csv"
    save_trace(trace, path)
    path.write_text(path.read_text().replace(",''h\n", ",'h\n"))
    assert "''" not in path.read_text()
    assert_equal(load_trace(path), trace)


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_spreadsheet_finds_no_formula_in_a_table(tmp_path, delimiter):
    trace = Trace((CHANNELS[2], msgspec.structs.replace(CHANNELS[0], name="=1+1;=2")),
                  provenance=Provenance(input_name="a,=1+1,b;=1.jpg", source=("=3", "@4", "a,-5", '"",+6', ";=7\t=8")))
    trace.append(StepResult(step=0, token=3, word='=7,=8;=9\t=10', log_prob=-1.0, candidates=(Candidate(3, "a;=1", -1.0),),
                            values={"attention_entropy": np.float32(0.5).reshape(()), "=1+1;=2": np.zeros(2, np.float32)}))
    path = tmp_path / "a.csv"
    save_trace(trace, path)
    with path.open(encoding="utf-8", newline="") as file:
        cells = [cell for row in csv.reader(file, skipinitialspace=True, delimiter=delimiter) for cell in row]
    assert [cell for cell in cells if cell.startswith(("=", "+", "@")) or (cell[:1] == "-" and not cell[1:2].isdigit())] == []
    assert load_trace(path).provenance == trace.provenance
    assert load_trace(path).words == trace.words
