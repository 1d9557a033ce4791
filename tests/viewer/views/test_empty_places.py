"""What is said where nothing is shown yet is true of the model on screen, and of what is to be done."""

from __future__ import annotations

import msgspec
import pytest
import scripted

from unrolled.models.inputs.inputs import NO_INPUT
from unrolled.models.trace.edits import EditError
from unrolled.viewer.state.edit_text import token_of
from unrolled.viewer.state.session import Session
from unrolled.viewer.theme.themes import LIGHT
from unrolled.viewer.views.catalogue import BUILT_IN
from unrolled.viewer.views.view import ViewContext
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
