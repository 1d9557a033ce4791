"""What a word depended on: the bars and maps of one step, and what masking says of its attention."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
import scripted
import scripted_answers
import scripted_traces
from attributed import follow, mask, session_of
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QPoint, Qt

from unrolled.models.analysis.occlusion import summarise, verdict
from unrolled.models.protocol.questions import GradientRows, Occluded, OccludeStep
from unrolled.models.trace.numbers import brief, precise
from unrolled.viewer.state.appearance import AppearanceValues
from unrolled.viewer.state.attributions import GRADIENTS, OCCLUSION
from unrolled.viewer.theme.themes import LIGHT
from unrolled.viewer.views.attribution.contribution_bars import ContributionBars
from unrolled.viewer.views.attribution.contributions import WordsRead, places_of

STEPS = len(scripted.CAPTION)


def click_name(qtbot, bars, row):
    surface = bars.plots[0].surface
    qtbot.mouseClick(surface, Qt.MouseButton.LeftButton, pos=QPoint(20, round(bars.plots[0].place_of(0, row).y())))


def test_a_click_on_a_word_that_was_read_goes_to_the_step_that_wrote_it(qtbot, session, open_panel):
    panel = open_panel(session, height=900)
    session.playhead.seek(5)
    follow(session)
    assert panel.words.names == ("START", *scripted.CAPTION[:5])
    click_name(qtbot, panel.words, 0)
    assert session.playhead.step == 5  # START has no step
    click_name(qtbot, panel.words, 3)
    assert session.playhead.step == 2
    panel.words.setFocus()
    for key in (Qt.Key.Key_Down, Qt.Key.Key_Down, Qt.Key.Key_Return):
        qtbot.keyClick(panel.words, key)
    assert session.playhead.step in (0, 1)


def test_the_bars_are_the_answers_numbers(session, open_panel):
    panel = open_panel(session)
    follow(session)
    part = scripted_answers.gradient_rows(0, STEPS, 0, STEPS - 1)
    for step in range(STEPS):
        session.playhead.seek(step)
        np.testing.assert_array_equal(panel.words.values, part.table(part.words)[step, : step + 1])
        np.testing.assert_array_equal(panel.attributions.inputs.values, part.table(part.places)[step])
        np.testing.assert_array_equal(panel.attributions.attention.values, session.trace.column("attention")[step].ravel())


@given(st.lists(st.floats(-3, 3, width=32), min_size=1, max_size=60))
def test_the_strongest_are_kept_in_order_and_nothing_is_lost(values):
    read = WordsRead(tuple(map(str, range(len(values)))), tuple(range(len(values))), np.array(values, np.float32))
    kept = read.strongest(8)
    assert len(kept.names) == len(kept.steps) == len(kept.values) == min(len(values), 8)
    assert float(kept.values.sum()) == pytest.approx(float(read.values.sum()), abs=1e-3)
    own = [step for step in kept.steps if step >= 0]
    assert own == sorted(own)
    left_out = sorted(set(range(len(values))) - set(own))
    assert all(abs(values[place]) <= min(abs(values[step]) for step in own) for place in left_out)


def test_of_many_words_the_table_has_those_too_that_no_bar_has(qtbot):
    shown = ContributionBars(LIGHT)
    qtbot.addWidget(shown)
    values = np.linspace(-1, 1, 40, dtype=np.float32)
    shown.show_words(WordsRead(tuple(map(str, range(40))), tuple(range(40)), values), "words read")
    assert len(shown.words.names) < 40
    recorded = shown.words._table()
    assert recorded.columns[1] == tuple(map(str, range(40)))
    np.testing.assert_array_equal(recorded.columns[2], values)


def test_masking_follows_the_playhead_while_it_is_on(qtbot, session, open_panel):
    panel = open_panel(session)
    follow(session)
    assert session.questions.get(OCCLUSION) is None
    assert not panel.drops.isVisible()
    qtbot.mouseClick(panel.masking, Qt.MouseButton.LeftButton, pos=QPoint(8, panel.masking.height() // 2))
    for step in (0, 6):
        session.playhead.seek(step)
        assert session.questions.get(OCCLUSION).question == OccludeStep(step)
        assert not panel.drops.isVisible()  # those of another step are not shown
        mask(session)
        np.testing.assert_array_equal(panel.drops.values, scripted_answers.occluded(step).drops())
        weights = session.trace.column("attention")[step].ravel()
        assert panel.verdict.text() == verdict(summarise(scripted_answers.occluded(step).drops(), weights))
    panel.masking.setChecked(False)
    assert not panel.drops.isVisible()
    assert not panel.verdict.isVisible()


def occluded(step, drops, **values):
    taken = drops.astype("<f4")
    return Occluded(step=step, **{"log_prob": -0.7, "logit": 2.0, "margin": 0.5, "runner_up": 3} | values,
                    log_prob_drops=taken.tobytes(), logit_drops=(2 * taken).tobytes(), margin_drops=(3 * taken).tobytes())


def test_drops_that_are_next_to_nothing_give_no_verdict_and_a_sure_word_has_its_logit(session, open_panel):
    panel = open_panel(session)
    panel.masking.setChecked(True)
    asked = session.questions.get(OCCLUSION)
    drops = np.linspace(-0.01, 0.02, scripted_answers.PLACES)
    session.questions.take_part(asked.number, occluded(0, drops, log_prob=-0.01), done=True)
    assert "too little for a verdict" in panel.verdict.text()
    assert "0.02 nats" in panel.verdict.text()
    assert "look at its logit" in panel.verdict.text()
    measures = panel.attributions.measures
    measures.setCurrentIndex(measures.findData("margin"))
    measures.activated.emit(measures.currentIndex())
    assert "too little" not in panel.verdict.text()
    np.testing.assert_allclose(panel.drops.values, 3 * drops.astype("<f4"))
    assert panel.drops.title == "drop in margin when masked"
    assert panel.attributions.numbers.text() == "log p −0.01 · logit 2.00 · margin 0.50 over “brown”"


def test_a_sentence_has_a_line_for_each_source_word(session, open_panel):
    trace = scripted_traces.translation_trace()
    session = session_of(trace)
    session.playhead.seek(3)
    panel = open_panel(session, height=800)
    places = len(scripted_traces.SOURCE)
    asked = session.questions.get(GRADIENTS)
    rows = len(trace)
    inputs = np.random.default_rng(0).normal(size=(rows, places)).astype("<f4")
    norms = np.tril(np.ones((rows, rows), "<f4"))
    session.questions.take_part(asked.number, GradientRows(row=0, rows=rows, column=0, columns=rows, hidden=norms.tobytes(),
                                                           words=norms.tobytes(), places=inputs.tobytes()), done=True)
    panel.masking.setChecked(True)
    drops = np.arange(places, dtype="<f4")
    session.questions.take_part(session.questions.get(OCCLUSION).number,
                                occluded(3, drops), done=True)
    bars = panel.attributions.sources
    assert bars.isVisible()
    assert not panel.attributions.attention.isVisible()
    assert bars.names[:3] == ("a", "brown", "dog")
    assert [column.title for column in bars.columns] == ["attention α", "gradient × input", "drop in log p when masked"]
    np.testing.assert_array_equal(bars.columns[1].values, inputs[3])
    np.testing.assert_array_equal(bars.columns[2].values, drops)
    assert bars.columns[0].largest == 1.0  # the absolute scale
    assert "drop in log p when masked 2.0000" in bars.reading(2)
    session.appearance.update(attention_scale="stretched")
    panel.refresh()
    assert bars.columns[0].largest == pytest.approx(trace.column("attention")[3].max())


def test_a_clips_frames_are_numbered_and_have_no_masking(session, open_panel):
    session = session_of(scripted_traces.clip_trace(count=12))
    session.playhead.seek(4)
    panel = open_panel(session)
    follow(session)
    assert panel.words.names == tuple(f"frame {number}" for number in range(1, 6))
    assert panel.words.steps == (0, 1, 2, 3, 4)
    assert panel.map.headings[:2] == ("1", "2")
    assert not panel.masking.isVisible()


# ── The whole of it ───────────────────────────────────────────────────────────────────────────────────────────────

@given(st.floats(-1e8, 1e8, width=32))
def test_numbers_of_any_size_can_be_read(value):
    def read(text):
        base, _, power = text.replace("−", "-").partition("·10")
        superscripts = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")
        return float(base) * 10.0 ** int(power.translate(superscripts) or 0)

    assert read(precise(value)) == pytest.approx(value, rel=0.051, abs=1e-44)
    assert read(brief(value)) == pytest.approx(value, rel=0.051, abs=1e-44)


@pytest.mark.parametrize(("detokenization", "source", "shown"), [
    ("words", ("hello", "you"), ("hello", "you")), ("pieces", ("▁hel", "lo"), ("hel", "·lo"))])
def test_places_are_called_as_their_run_has_its_tokens(detokenization, source, shown):
    trace = scripted_traces.translation_trace(source)
    trace.provenance = msgspec.structs.replace(trace.provenance, detokenization=detokenization)
    assert places_of(trace, None, 0, drops=None, appearance=AppearanceValues()).names == shown
