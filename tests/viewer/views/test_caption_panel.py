"""The caption's words: to be read, clicked and walked through by keys."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scripted
import scripted_traces
from contexts import context, on_screen
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QScrollArea

from unrolled.models.trace import Trace
from unrolled.viewer.state.playhead import NOWHERE
from unrolled.viewer.state.session import Session
from unrolled.viewer.state.wording import is_end, shown
from unrolled.viewer.theme.themes import DARK, LIGHT
from unrolled.viewer.views.text.caption import CaptionView
from unrolled.viewer.window.key_guard import KeyGuard


def words_of(panel):
    return tuple(chip.text() for chip in panel.chips)


def step_of(panel):
    return next(chip.step for chip in panel.chips if chip.current)


@pytest.fixture
def panel(qtbot, session):
    return on_screen(qtbot, CaptionView(context(session)), 400, 100)


def test_the_words_are_the_traces(session, panel):
    assert words_of(panel) == (*scripted.CAPTION[:-1], "END")


def test_the_outlined_word_is_the_playheads(session, panel):
    for step in np.random.default_rng(2).integers(0, len(session.trace), 40):
        session.playhead.seek(int(step))
        assert [chip.step for chip in panel.chips if chip.current] == [step]
        assert [chip.reached for chip in panel.chips] == [at <= step for at in range(len(panel.chips))]
        assert sum(chip.current for chip in panel.chips) == 1


def test_a_click_goes_to_the_word_and_leaves_the_keyboard_alone(qtbot, session, panel):
    qtbot.mouseClick(panel.chips[6], Qt.MouseButton.LeftButton)
    assert session.playhead.step == 6
    assert not any(chip.hasFocus() for chip in panel.chips)  # Space stays the next word


def test_keys_walk_and_the_focus_walks_along(qtbot, session, panel):
    panel.chips[0].setFocus(Qt.FocusReason.TabFocusReason)
    qtbot.keyClick(panel.chips[0], Qt.Key.Key_Right)
    assert session.playhead.step == 1
    assert panel.chips[1].hasFocus()
    qtbot.keyClick(panel.chips[1], Qt.Key.Key_End)
    assert session.playhead.step == len(session.trace) - 1
    qtbot.keyClick(panel.chips[-1], Qt.Key.Key_Home)
    assert session.playhead.step == 0


def test_of_a_long_text_the_words_around_the_playhead_are_widgets(qtbot, session, panel, monkeypatch):
    monkeypatch.setattr("unrolled.viewer.views.text.caption.MOST_CHIPS", 4)
    session.playhead.seek(0)
    panel.refresh()
    assert words_of(panel) == scripted.CAPTION[:4]
    session.playhead.seek(6)
    assert (words_of(panel), step_of(panel)) == (tuple(map(shown, scripted.CAPTION[4:8])), 6)
    assert [chip.step for chip in panel.chips] == [4, 5, 6, 7]
    qtbot.mouseClick(panel.chips[1], Qt.MouseButton.LeftButton)
    assert session.playhead.step == 5
    session.playhead.seek(1)
    assert (words_of(panel), step_of(panel)) == (scripted.CAPTION[:4], 1)


def test_only_the_current_word_is_in_the_tab_order(session, panel):
    session.playhead.seek(3)
    assert [chip.step for chip in panel.chips if chip.focusPolicy() == Qt.FocusPolicy.TabFocus] == [3]


def test_every_word_has_a_name_with_its_probability(session, panel):
    for step, chip in enumerate(panel.chips):
        assert chip.accessibleName().startswith(f"{shown(session.trace.words[step])}, word {step + 1}, ")
        assert chip.probability == pytest.approx(math.exp(session.trace.log_probs[step]))
        assert "log-probability" in chip.toolTip()


def luminance(colour: QColor) -> float:
    parts = [
        part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4
        for part in (colour.redF(), colour.greenF(), colour.blueF())
    ]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=lambda theme: theme.name)
@pytest.mark.parametrize("probability", [0.0, 0.5, 1.0])
def test_words_are_legible_whatever_their_probability(qtbot, session, theme, probability):
    panel = CaptionView(context(session, theme))
    qtbot.addWidget(panel)
    chip = panel.chips[0]
    chip.probability = probability
    for reached, text in ((True, theme.text), (False, theme.muted)):
        chip.set_state(current=False, reached=reached)
        light, dark = sorted((luminance(chip.ground()), luminance(QColor(text))), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= (4.5 if reached else 3.0)


def test_words_appear_as_they_are_written(qtbot, session, panel):
    growing = Trace(scripted.channels())
    session.set_trace(growing)
    panel.refresh()
    panel.seek(NOWHERE)
    assert words_of(panel) == ()
    assert panel.chips == []
    first_places = []
    for step, word in enumerate(scripted.CAPTION):
        growing.append(scripted.step_result(step, word))
        session.grew()
        panel.refresh()
        session.playhead.seek(step)
        assert words_of(panel)[-1] == shown(word)
        assert panel.caret.isVisible()
        qtbot.wait(1)
        first_places.append(panel.chips[0].geometry())
    assert len({(place.x(), place.y(), place.width()) for place in first_places}) == 1  # nothing jumps
    session.end()
    panel.refresh()
    assert not panel.caret.isVisible()


def test_another_way_takes_words_back(session, panel):
    other = session.trace.truncated(3)
    other.append(scripted.step_result(3, "cat"))
    session.set_trace(other)
    panel.refresh()
    assert words_of(panel) == ("a", "brown", "dog", "cat")


@pytest.mark.parametrize(
    ("word", "end"),
    [
        ("<end>", True),
        ("</s>", True),
        ("[END]", True),
        ("<eos>", True),
        ("end", False),
        ("s", False),
        ("the", False),
        ("<unk>", False),
    ],
)
def test_the_end_is_known_by_its_mark(word, end):
    assert is_end(word) is end


def test_a_translation_stands_as_a_sentence_too(qtbot):
    session = Session()
    session.set_trace(scripted_traces.translation_trace())
    panel = CaptionView(context(session))
    qtbot.addWidget(panel)
    panel.show()
    panel.refresh()
    assert panel.sentence.text() == "un chien marron court dans l'herbe."
    assert panel.sentence.textInteractionFlags() & Qt.TextInteractionFlag.TextSelectableByMouse
    session.set_trace(scripted.trace())
    panel.refresh()
    assert not panel.sentence.isVisible()


@pytest.fixture
def translated(qtbot):
    session = Session()
    session.set_trace(scripted_traces.translation_trace())
    panel = CaptionView(context(session))
    return on_screen(qtbot, panel, 90, panel.minimumHeight())


@pytest.mark.parametrize("height", [0, 20, 60])
def test_lines_and_rows_below_a_long_sentence_are_whole(qtbot, translated, height):
    translated.resize(90, translated.minimumHeight() + height)
    qtbot.wait(20)
    line, scrolls = translated.sentence.fontMetrics().lineSpacing(), translated.findChildren(QScrollArea)
    sentence, rows = sorted(scrolls, key=lambda area: area.mapTo(translated, QPoint()).y())
    assert translated.sentence.height() >= translated.sentence.heightForWidth(sentence.viewport().width()) > 2 * line
    qtbot.waitUntil(lambda: sentence.height() % line == 0)  # it is laid out once more when its words are known to wrap
    assert rows.mapTo(translated, QPoint(0, rows.height())).y() <= translated.height()
    for step in (len(translated.chips) - 1, 2, 5, 0):
        translated.session.playhead.seek(step)
        translated.seek(step)
        heights = {chip.visibleRegion().boundingRect().height() for chip in translated.chips}
        assert heights == {0, translated.chips[0].height()}
        assert not translated.chips[step].visibleRegion().isEmpty()


@pytest.mark.parametrize("words", [("▁silh", *("ouette",) * 9), ("▁実行", "する", "▁пр", "ог", "\n", "gyp")])
def test_a_sentence_of_any_script_is_seen_whole(qtbot, words):
    session = Session()
    session.set_trace(scripted_traces.layered_trace(words, places=()))
    panel = on_screen(qtbot, CaptionView(context(session)), 300, 140)
    seen = panel.sentence.visibleRegion().boundingRect()
    assert seen.height() >= panel.sentence.heightForWidth(seen.width())
    assert panel.sentence.minimumSizeHint().width() <= seen.width()


def test_what_is_selected_of_the_sentence_is_copied_and_not_its_picture(qtbot, qapp, translated):
    KeyGuard(translated)
    translated.activateWindow()
    translated.sentence.setFocus()
    qtbot.waitUntil(translated.sentence.hasFocus)
    translated.sentence.setSelection(0, len("un chien"))
    qtbot.keyClick(translated.sentence, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    assert qapp.clipboard().text() == "un chien"


def test_the_piece_at_the_playhead_is_in_sight_after_all_came_at_once_and_after_a_resize(qtbot):
    session = Session()
    panel = on_screen(qtbot, CaptionView(context(session)), 300, 80)
    session.set_trace(scripted_traces.translation_trace())
    session.playhead.seek(len(session.trace) - 1)
    panel.resize(90, panel.minimumHeight())
    panel.refresh()
    panel.seek(session.playhead.step)
    last = panel.chips[-1]
    qtbot.waitUntil(lambda: last.visibleRegion().boundingRect() == last.rect())
    for step, width, more in ((len(session.trace) // 2, 300, 0), (len(session.trace) // 2, 90, 0),
                              (len(session.trace) - 1, 90, 90), (len(session.trace) - 1, 90, 0)):
        session.playhead.seek(step)
        panel.resize(width, panel.minimumHeight() + more)
        qtbot.wait(20)
        chip = panel.chips[step]
        assert chip.visibleRegion().boundingRect() == chip.rect(), (step, width, more)
