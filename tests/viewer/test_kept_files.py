"""Files that earlier versions wrote are opened, with everything that is in them; names within the code may change."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import scripted

from unrolled.models.trace.files import load_trace
from unrolled.viewer.state.session_file import branches_of, load_session

KEPT = Path(__file__).parent.parent / "kept"


def test_a_trace_of_version_0_1_is_read():
    trace = load_trace(KEPT / "run.safetensors")
    assert tuple(trace.words) == scripted.CAPTION
    assert trace.provenance.model == scripted.trace().provenance.model
    assert trace.provenance.detokenization == scripted.trace().provenance.detokenization
    for name in scripted.trace().channels:
        np.testing.assert_array_equal(trace.column(name), scripted.trace().column(name))


def test_a_session_of_version_0_1_is_read():
    saved = load_session(KEPT / "session.unrolled")
    layout = saved.layout
    assert (layout.input_name, layout.step, layout.pinned, layout.current) == ("ein Hünd.png", 2, (3, 5), 1)
    assert layout.decoding.beam_width == 5
    assert layout.appearance.theme == "dark"
    assert saved.input_bytes == scripted.picture().data
    first, other = branches_of(saved).all.values()
    assert (first.name, other.name, other.parent, other.step) == ("The run", "another word", 0, 1)
    assert [placed.edit.token for placed in other.edits] == [3]
    assert tuple(other.trace.words) == scripted.CAPTION
