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


def layered():
    """Two layers of an LSTM of five units, and two heads that look at the steps themselves."""
    rows = [(role, (("layer", "unit"), (2, 5))) for role in ("hidden", "cell", "input_gate", "forget_gate", "output_gate",
                                                               "cell_gate")]
    rows += [("attention_entropy", (("layer", "head"), (2, 2))), ("attention", (("layer", "head", "key"), (2, 2, 4)))]
    channels = [Channel(name=role, role=role, symbol="x", axes=axes, shape=shape, low=0 if "gate" in role else -1, high=1)
                for role, (axes, shape) in rows]
    random = np.random.default_rng(0)
    columns = {own.name: random.random((4, *own.shape)).astype(np.float32) for own in channels}
    columns["attention"] /= columns["attention"].sum(-1, keepdims=True)
    return Trace.from_columns(channels, columns, words=WORDS, tokens=[0, 1, 2, 3], log_probs=np.full(4, np.nan, np.float32),
                              candidates=[()] * 4, ended=True, provenance=Provenance(
                                  model="Net", decoding="read", input_kind="recording", agreements=(agreement(),)))


def test_a_layer_is_looked_at_in_every_view(qtbot, captioned, tmp_path):
    trace = layered()
    opened(captioned, tmp_path, trace)
    qtbot.waitUntil(lambda: captioned.session.trace.provenance.model == "Net")
    captioned.coordinator.flush()
    picker = captioned.host.views["layer and head"]
    assert [picker.layer.itemText(index) for index in range(picker.layer.count())] == ["layer 1", "layer 2"]
    assert captioned.host.views["alignment"].isVisible()
    offered = [name for name, button in captioned.layout_.drawer.buttons.items() if not button.isHidden()]
    assert offered == ["gates", "attention", "heads", "similar"]
    for layer in (1, 0):
        captioned.do(c.LookAt("layer", str(layer)))
        captioned.do(c.Pin((3,)))
        captioned.do(c.Seek(2))
        for name in offered:
            captioned.do(c.OpenView(name))
            captioned.coordinator.flush()
            captioned.host.views[name].refresh()
            assert captioned.host.views[name].isVisible()
        drawn = captioned.host.views["tracks"].track(f"hidden[layer={layer}]").recorded
        np.testing.assert_array_equal(captioned.session.trace.column(drawn.name), trace.column("hidden")[:, layer])


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
