"""Labels over time: what is drawn, named and read out is what was recorded."""

from __future__ import annotations

import numpy as np
import pytest
import scripted_traces
from contexts import context, on_screen
from PySide6.QtCore import QPoint
from PySide6.QtGui import QColor

from unrolled.viewer.state.session import Session
from unrolled.viewer.theme.label_colours import lab, label_colours
from unrolled.viewer.theme.themes import DARK, LIGHT
from unrolled.viewer.views.tracks import TracksView
from unrolled.viewer.views.tracks.label_track import LabelTrack


@pytest.fixture
def session():
    made = Session()
    made.set_trace(scripted_traces.clip_trace())
    return made


@pytest.fixture
def panel(qtbot, session):
    return on_screen(qtbot, TracksView(context(session)), 800, 600)


@pytest.fixture
def track(panel):
    found = panel.track("label_probability")
    assert isinstance(found, LabelTrack)
    return found


def test_there_is_a_line_for_each_of_ten_labels(session, track):
    values = session.trace.column("label_probability")
    lines = track.lines()
    assert len(lines) == 10
    for label, (_, line) in enumerate(lines):
        assert np.array_equal(line, values[:, label])


def test_the_answer_of_every_step_has_a_dot_in_its_colour_below_the_names(session, track):
    seen = track.canvas.grab().toImage()
    values, plot = session.trace.column("label_probability"), track.canvas
    for step in range(len(session.trace)):
        answer = int(values[step].argmax())
        x, y = round(plot.x_of(step + 0.5)), round(track.y_of(float(values[step, answer])))
        assert seen.pixelColor(x, y) == QColor(track.label_colour(answer))
    assert track.y_of(1.0) > 15
    assert track.y_of(0.0) < plot.height()


def test_hovering_reads_out_labels_and_probabilities(qtbot, session, panel, track):
    values, plot = session.trace.column("label_probability"), track.canvas
    for step in np.random.default_rng(1).integers(0, len(session.trace), 12):
        qtbot.mouseMove(plot.viewport(), QPoint(round(plot.x_of(step + 0.5)), plot.height() // 2))
        best = int(values[step].argmax())
        text = panel.note
        assert text.startswith(f"frame {step + 1}  “{session.trace.words[step]}”")
        assert f"{scripted_traces.LABELS[best]} {values[step, best]:.0%}" in text


def test_another_clip_of_the_same_length_is_drawn_anew(session, panel, track):
    before = track.grab().toImage()
    session.set_trace(scripted_traces.clip_trace(seed=7))
    panel.refresh()
    assert track.grab().toImage() != before
    panel.set_theme(DARK)
    track.grab()


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=lambda theme: theme.name)
@pytest.mark.parametrize(("count", "least"), [(8, 20), (12, 20), (20, 20), (30, 20), (60, 15)])
def test_no_two_labels_share_a_colour(theme, count, least):
    """Nor are two alike: in CIE L*a*b* two colours that are 2.3 apart can just be told; and all are seen on the panel."""
    places = lab(list(label_colours(theme, count)))
    assert (np.linalg.norm(places[:, None] - places, axis=-1) + 1000 * np.eye(count)).min() >= least
    lightness = lab([theme.panel])[0, 0]
    assert np.abs(places[:, 0] - lightness).min() > 25
    assert label_colours(theme, count) == label_colours(theme, 200)[:count]
