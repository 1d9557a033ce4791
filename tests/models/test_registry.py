"""What can be opened, where something of it is damaged."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import scripted

from unrolled.models.adapters import registry
from unrolled.models.checkpoints.files import CheckpointError
from unrolled.models.trace.files import save_trace
from unrolled.viewer.state.session_file import traces_of

KEPT = Path(__file__).parent.parent / "kept"


def test_a_damaged_checkpoint_costs_that_model_alone(tmp_path, monkeypatch):
    whole = registry.shipped()
    (tmp_path / "chars-rnn.safetensors").write_bytes(b"cut")
    damaged = {**whole, "chars-rnn": tmp_path / "chars-rnn.safetensors"}
    monkeypatch.setattr(registry, "shipped", lambda: damaged)
    assert {listing.name for listing in registry.listings()} == set(whole) - {"chars-rnn"}
    said, = (family for family in registry.families() if family.is_damaged)
    assert (said.name, said.error) == ("chars-rnn", "“chars-rnn.safetensors” is cut off or not a safetensors file.")


def refusal(path: Path) -> str:
    with pytest.raises(CheckpointError) as caught:
        registry.load(str(path))
    return str(caught.value)


def test_what_is_no_checkpoint_is_called_what_it_is(tmp_path):
    for suffix in (".safetensors", ".npz", ".json", ".csv"):
        path = tmp_path / f"a{suffix}"
        save_trace(scripted.trace(scripted.CAPTION[:3]), path)
        assert refusal(path).startswith(f"“a{suffix}” is a trace, not a checkpoint: the window opens it")
    assert refusal(KEPT / "session.unrolled").startswith("“session.unrolled” is a session, not a checkpoint")
    (tmp_path / "zarr.json").write_text('{"attributes": {"unrolled": {"format": "unrolled-store"}}}')
    assert "is a store of traces, not a checkpoint" in refusal(tmp_path)
    (tmp_path / "a.jpg").write_bytes(scripted.picture(16, 16).data)
    assert refusal(tmp_path / "a.jpg") == "“a.jpg” is a picture, not a checkpoint."
    for suffix in (".pt", ".bin", ".safetensors"):  # a page that says sorry, a list that calls for other files, a note
        for text in ("<!DOCTYPE html>\n<p>Not found", "version https://git-lfs.github.com/spec/v1\n", "(dear all)", "copy\nof a"):
            (tmp_path / f"a{suffix}").write_text(text)
            assert refusal(tmp_path / f"a{suffix}") == f"“a{suffix}” is a text, not a checkpoint."
    for data in (b"", bytes(range(256))):
        (tmp_path / "a.pt").write_bytes(data)
        assert refusal(tmp_path / "a.pt") == "“a.pt” is empty, cut off, or no checkpoint."


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes with names")
def test_a_pipe_is_not_waited_for(tmp_path):
    for name in ("a.pt", "a.safetensors", "a.json", "a.csv", "a.npz", "a.unrolled"):
        os.mkfifo(tmp_path / name)
        assert refusal(tmp_path / name) == f"“{name}” is not a file."
        if name != "a.pt":
            with pytest.raises(ValueError, match="is not a file"):
                traces_of(tmp_path / name)
