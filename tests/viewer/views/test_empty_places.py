"""What is said where nothing is shown yet is true of the model on screen, and of what is to be done."""

from __future__ import annotations

import msgspec
import pytest
import scripted
from PySide6.QtCore import Qt

from unrolled.models.inputs.inputs import NO_INPUT
from unrolled.models.trace.edits import EditError
from unrolled.viewer.client.backend_client import BackendProcess
from unrolled.viewer.state import commands as c
from unrolled.viewer.state.edit_text import token_of
from unrolled.viewer.state.session import Session
from unrolled.viewer.theme.themes import LIGHT
from unrolled.viewer.views.catalogue import BUILT_IN
from unrolled.viewer.views.view import ViewContext
from unrolled.viewer.window.application import make_application, make_window
from unrolled.viewer.window.settings import WindowSettings
from unrolled.viewer.window.view_host import subject_of

KINDS = [  # task, kind of input, how what is written makes a text → what is said of what will be written, and its title
    ("captioning", "picture", "words", "The caption appears here, word by word.", "Caption"),
    ("captioning", "picture", "pieces", "The caption appears here, piece by piece.", "Caption"),
    ("translation", "sentence", "pieces", "The translation appears here.", "Translation"),
    ("conversation", "sentence", "words", "The reply appears here.", "Reply"),
    ("text to text", "sentence", "pieces", "What is written appears here, piece by piece.", "Output"),
    ("language model", "text", "pieces", "What is written appears here, piece by piece.", "Prompt and continuation"),
    ("frames", "clip", "labels", "The label of each frame appears here.", "Labels"),
    ("clip", "clip", "last label", "What the clip is after each frame appears here: the last label is the answer.", "Labels"),
    ("step function", NO_INPUT, "words", "What is written appears here, word by word.", "Written"),
]
SPECS = {spec.name: spec for spec in BUILT_IN}
BEGIN = {"picture": "Open a photograph to begin.", "sentence": "Enter a sentence to begin.",
         "text": "Open or enter a text to begin.", "clip": "Open a clip to begin.", NO_INPUT: "Press Space for the first step."}


@pytest.fixture
def shown(qtbot):
    def show(task, kind, detokenization):
        session = Session()
        session.set_model(msgspec.structs.replace(scripted.description(), task=task, input_kind=kind,
                                                  detokenization=detokenization), "cpu")
        return session

    return show


def view_of(qtbot, session, name):
    view = SPECS[name].made(ViewContext(session, lambda command: None, LIGHT))
    qtbot.addWidget(view)
    view.refresh()
    return view


@pytest.mark.parametrize(("task", "kind", "detokenization", "what", "title"), KINDS)
def test_what_will_be_written_is_what_this_model_writes(qtbot, shown, task, kind, detokenization, what, title):
    session = shown(task, kind, detokenization)
    caption = view_of(qtbot, session, "written")
    assert caption._empty.text() == f"{what} {BEGIN[kind]}"
    assert SPECS["written"].title_for(subject_of(session)) == title
    noun = {"last label": "label"}.get(detokenization, detokenization.rstrip("s"))
    candidates = view_of(qtbot, session, "candidates")
    assert candidates._empty.text() == f"The most probable {noun}s of this step appear here. {BEGIN[kind]}"
    attribution = view_of(qtbot, session, "attribution")
    assert attribution._empty.text() == f"What each {noun} depended on. {BEGIN[kind]}"
    form = view_of(qtbot, session, "edits").form
    assert (form.kind.itemText(0), form.word.placeholderText()) == (f"a {noun}", f"type a {noun}")
    with pytest.raises(EditError, match=f"Type the {noun} first"):
        token_of("", session.description)


def test_space_is_spoken_of_as_soon_as_there_is_something_to_run(qtbot, shown):
    session = shown("captioning", "picture", "words")
    names = ("gates", "similar", "equations", "attention", "heads", "lens", "candidates", "attribution", "written")
    views = {name: view_of(qtbot, session, name) for name in names}
    assert {view._empty.text().partition(". ")[2] for view in views.values()} == {BEGIN["picture"]}
    session.set_input(scripted.picture())
    for view in views.values():
        view.refresh()
    assert {view._empty.text().partition(". ")[2] for view in views.values()} == {"Press Space for the first step."}


def test_the_scrub_bar_says_at_once_that_there_is_something_to_run(qtbot, shown):
    session = shown("captioning", "picture", "words")
    bar = view_of(qtbot, session, "scrub bar")
    bar.resize(600, 52)
    bar.seek(-1)
    before = bar.grab().toImage()
    session.set_input(scripted.picture())
    bar.refresh()
    bar.seek(-1)
    assert bar.grab().toImage() != before


def test_no_explanation_is_promised_of_a_model_that_has_none(qtbot, shown):
    session = shown("step function", NO_INPUT, "words")
    session.set_model(msgspec.structs.replace(session.description, can=frozenset({"step", "edit", "search"})), "cpu")
    for name in ("equations", "attribution", "lens"):
        view = view_of(qtbot, session, name)
        assert view._empty.text().endswith("its steps cannot be explained."), name
    assert view_of(qtbot, session, "gates")._empty.text().endswith("Press Space for the first step.")


def test_while_a_model_is_loaded_for_what_is_shown_nothing_is_said_of_the_one_before(qtbot, shown):
    session = shown("translation", "sentence", "pieces")
    session.set_input(scripted.picture())
    assert view_of(qtbot, session, "written")._empty.text().startswith("The caption appears here, word by word.")
    assert "probable words" in view_of(qtbot, session, "candidates")._empty.text()


# ── While a program starts ──────────────────────────────────────────────────────────────────────────────────────────

@pytest.fixture
def start(qtbot, served, tmp_path):
    """Starts a window as the program does without a file, and closes it at the end."""
    windows = []

    def started(**given):
        make_application()
        backend = BackendProcess(endpoint=served)
        backend.start()
        window = make_window(WindowSettings(tmp_path / "settings.ini"), backend, **given)
        windows.append(window)
        window.resize(1440, 900)
        with qtbot.waitExposed(window):
            window.show()
        window.do(c.OpenSample())
        return window

    yield started
    for window in windows:
        window.close()
        window.deleteLater()


def in_sight(window):
    return {name for name, section in window.layout_.sections.items() if section.isVisible()}


@pytest.mark.parametrize(("model", "name"), [("scripted-sentence", "sentence.txt"), ("slow-scripted-text", "program.txt"),
                                             ("slow-scripted", "skier.jpg"), ("scripted-scene", "scene 1.png")])
def test_nothing_of_another_kind_of_model_is_shown_before_the_one_that_was_asked_for(qtbot, start, model, name):
    window = start(model=model)
    seen = []
    window.session.input_changed.connect(lambda: seen.append(window.session.input and window.session.input.name))
    assert "picture" not in in_sight(window)
    window.coordinator.flush()
    assert "photograph" not in window.host.views["candidates"]._empty.text()
    widths = window.layout_.columns.sizes()
    qtbot.keyClick(window.focusWidget(), Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: window.session.trace is not None and len(window.session.trace) > 0)
    assert window.layout_.columns.sizes() == widths
    assert set(seen) <= {None, name, *(["skier.jpg"] if model == "scripted-scene" else [])}
    assert window.session.input.name == name


def test_a_sample_is_shown_where_the_model_that_was_asked_for_cannot_be_loaded(qtbot, start):
    window = start(model="no-such-model")
    assert window.session.input is None
    qtbot.waitUntil(lambda: window.session.input is not None)
    assert window.session.input.name == "skier.jpg"
    assert "no-such-model" in window.layout_.said.message("model").text


def test_the_next_start_begins_with_what_the_model_of_the_last_one_takes(qtbot, start, tmp_path):
    window = start(model="scripted-sentence")
    qtbot.waitUntil(lambda: window.controller.run.is_open)
    window.close()
    window = start()
    assert window.session.input.name == "sentence.txt"
    assert in_sight(window) >= {"text", "written", "alignment"}
    assert not {"picture", "reader"} & in_sight(window)
    sections = window.layout_.sections
    qtbot.waitUntil(lambda: sections["written"].height() < 140 < sections["alignment"].height())  # as usual
