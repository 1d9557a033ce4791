"""A recording of somebody's own network in the window: what is shown, what is not, and how well it is said to agree."""

from __future__ import annotations

import numpy as np
import pytest

from unrolled.models.trace import Agreement, Channel, Provenance, Trace
from unrolled.viewer.state import commands as c

WORDS, SOURCE = ["le", "chat", "dort", "."], ("the", "cat", "sleeps")


def recording(*agreements, precision="float32", source=()):
    """Four steps of five units, and attention over the source words where there are any."""
    channels = [Channel(name="hidden", role="hidden", symbol="h", axes=("unit",), shape=(5,), low=-1, high=1)]
    columns = {"hidden": np.sin(np.arange(20, dtype=np.float32)).reshape(4, 5)}
    if source:
        channels.append(Channel(name="attention", role="attention", symbol="α", axes=("source",), shape=(len(source),), low=0,
                                high=1))
        columns["attention"] = np.full((4, len(source)), 1 / len(source), np.float32)
    return Trace.from_columns(
        channels, columns, words=WORDS, tokens=[0, 1, 2, 3], log_probs=np.full(4, np.nan, np.float32), candidates=[()] * 4,
        ended=True, provenance=Provenance(model="Net", decoding="read", input_kind="recording", source=source,
                                          precision=precision, agreements=agreements))


def opened(window, tmp_path, trace):
    trace.save(tmp_path / "net.safetensors")
    window.do(c.Open(tmp_path / "net.safetensors"))
    window.coordinator.flush()
    return window.host.views["fidelity"]


def agreement(channel="hidden", difference=1e-7):
    return Agreement(channel=channel, difference=difference, against="every step against what was returned")


def test_views_of_words_that_could_be_others_have_nothing_to_say(qtbot, captioned, tmp_path):
    opened(captioned, tmp_path, recording(agreement()))
    qtbot.waitUntil(lambda: captioned.session.trace.provenance.model == "Net")
    captioned.coordinator.flush()
    for name in ("candidates", "branches", "picture", "written"):
        assert not captioned.host.views[name].isVisible(), name
    for name in ("tracks", "unit", "scrub bar"):
        assert captioned.host.views[name].isVisible(), name
    for name in ("edits", "equations", "attribution", "beam"):
        assert captioned.layout_.drawer.buttons[name].isHidden(), name
    words = captioned.host.views["tracks"].tracks[0]
    assert (words.title, words.ticks()) == ("read", [])
    assert captioned.host.views["tracks"].track("hidden").recorded.shape == (5,)


def test_what_attention_looked_at_stands_in_the_alignment(qtbot, captioned, tmp_path):
    opened(captioned, tmp_path, recording(agreement(), agreement("attention"), source=SOURCE))
    qtbot.waitUntil(lambda: captioned.session.trace.provenance.model == "Net")
    captioned.coordinator.flush()
    assert captioned.host.views["alignment"].isVisible()


@pytest.mark.parametrize(("found", "precision", "text", "colour"), [
    ((agreement(),), "float32", "✓ agrees to 1.0·10⁻⁷", "good"),
    ((agreement(difference=0.01),), "float32", "✗ hidden differs by 0.01", "error"),
    ((agreement(difference=0.01),), "bfloat16", "✓ agrees to 0.01", "good"),
    ((agreement(difference=None),), "float32", "not checked", "muted"),
])
def test_the_badge_says_how_well_it_agrees(qtbot, captioned, tmp_path, found, precision, text, colour):
    badge = opened(captioned, tmp_path, recording(*found, precision=precision))
    qtbot.waitUntil(lambda: captioned.session.trace.provenance.model == "Net")
    captioned.coordinator.flush()
    assert badge.label.text() == text
    assert getattr(captioned.theme, colour) in badge.label.styleSheet()
    assert "hidden: every step against what was returned" in badge.label.toolTip()


def test_what_was_not_compared_is_said(qtbot, captioned, tmp_path):
    badge = opened(captioned, tmp_path, recording(agreement(), agreement("attention", None), source=SOURCE))
    qtbot.waitUntil(lambda: captioned.session.trace.provenance.model == "Net")
    captioned.coordinator.flush()
    assert badge.label.text() == "✓ agrees to 1.0·10⁻⁷, in part"
