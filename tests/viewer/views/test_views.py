"""Views are chosen by what there is to look at; one from outside needs a description and a class."""

from __future__ import annotations

import sys
import types
from importlib.metadata import EntryPoint

import pytest
import scripted
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QMenu, QVBoxLayout

from unrolled.models.trace import Channel, Trace
from unrolled.viewer.client.backend_client import BackendProcess
from unrolled.viewer.control.control import Control
from unrolled.viewer.state.commands import OpenView, Seek
from unrolled.viewer.state.session import Session
from unrolled.viewer.views import catalogue
from unrolled.viewer.views.catalogue import BUILT_IN
from unrolled.viewer.views.spec import Place, Subject, ViewSpec, has
from unrolled.viewer.views.view import View
from unrolled.viewer.window.main_window import MainWindow
from unrolled.viewer.window.settings import WindowSettings


class WordCountView(View):
    """A view of a package of somebody else's."""

    def __init__(self, ctx, parent=None):
        super().__init__(ctx, parent)
        self.text = QLabel()
        QVBoxLayout(self).addWidget(self.text)

    def refresh(self):
        self.text.setText(f"{len(self.session.trace or ())} words")

    def seek(self, step):
        self.setAccessibleDescription(f"step {step}")


@pytest.fixture
def package(monkeypatch):
    """An installed package with an entry point ``unrolled.views``."""
    module = types.ModuleType("word_count")
    module.WordCountView = WordCountView
    module.SPEC = ViewSpec("word count", "Word count", Place.DRAWER, "word_count:WordCountView", shortcut="Ctrl+Alt+W",
                           hint="How many words there are", accepts=has("hidden"))
    module.BROKEN = "no view at all"
    monkeypatch.setitem(sys.modules, "word_count", module)
    points = [EntryPoint("word count", "word_count:SPEC", catalogue.ENTRY_POINTS),
              EntryPoint("broken", "word_count:BROKEN", catalogue.ENTRY_POINTS),
              EntryPoint("missing", "not_there_at_all:SPEC", catalogue.ENTRY_POINTS)]
    monkeypatch.setattr(catalogue, "entry_points", lambda group: points if group == catalogue.ENTRY_POINTS else [])
    return module


@pytest.fixture
def window(qtbot, package, tmp_path):
    session = Session()
    controller = Control(session, BackendProcess())
    made = MainWindow(session, controller, WindowSettings(tmp_path / "settings.ini"))
    made.remembers = False
    qtbot.addWidget(made)
    made.show()
    yield made
    made.close()


def in_menu(window, menu):
    return [action.text() for own in window.menuBar().findChildren(QMenu) if own.title() == f"&{menu}"
            for action in own.actions()]


def test_a_view_from_outside_is_in_the_drawer_the_menu_and_by_its_shortcut(qtbot, window):
    assert window.layout_.drawer.buttons["word count"].text() == "Word count"
    assert "Ctrl+Alt+W" in window.layout_.drawer.buttons["word count"].toolTip()
    assert "Word count" in in_menu(window, "Explain")
    window.session.set_trace(scripted.trace())
    assert "word count" not in window.host.views  # made when it is first shown
    qtbot.keyClick(window, Qt.Key.Key_W, Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier)
    assert window.layout_.drawer.open_name == "word count"
    view = window.host.views["word count"]
    assert view.isVisible()
    window.do(Seek(2))
    window.coordinator.flush()
    assert view.text.text() == f"{len(scripted.CAPTION)} words"
    assert view.accessibleDescription() == "step 2"


def test_it_goes_where_it_has_nothing_to_show(window):
    window.session.set_trace(scripted.trace())
    window.do(OpenView("word count"))
    button = window.layout_.drawer.buttons["word count"]
    assert not button.isHidden()
    window.session.set_trace(Trace(tuple(own for own in scripted.channels() if own.role != "hidden")))
    assert button.isHidden()
    assert window.layout_.drawer.open_name == ""
    window.do(OpenView("word count"))
    assert window.layout_.drawer.open_name == ""


def test_what_cannot_be_loaded_costs_itself_alone(package, caplog):
    names = [spec.name for spec in catalogue.catalogue()]
    assert names == [*(spec.name for spec in BUILT_IN), "word count"]
    assert "“broken”" in caplog.text
    assert "“missing”" in caplog.text


def test_every_built_in_view_can_be_made_and_has_a_name_of_its_own(qtbot):
    from contexts import context

    session = Session()
    session.set_trace(scripted.trace())
    assert len({spec.name for spec in BUILT_IN}) == len(BUILT_IN)
    shortcuts = [spec.shortcut for spec in BUILT_IN if spec.shortcut]
    assert len(set(shortcuts)) == len(shortcuts)
    for spec in BUILT_IN:
        view = spec.made(context(session))
        qtbot.addWidget(view)
        view.refresh()
        view.seek(0)
        view.close()


def channel(role, axes):
    return Channel(name=role, role=role, symbol="x", axes=axes, shape=(3,) * len(axes), low=0.0, high=1.0)


@pytest.mark.parametrize(("accepts", "channels", "there"), [
    (has("*_gate", axes=("unit",)), (channel("forget_gate", ("unit",)),), True),
    (has("*_gate", axes=("unit",)), (channel("hidden", ("unit",)),), False),
    (has(axes=("row", "column")), (channel("attention", ("row", "column")),), True),
    (has(axes=("row", "column")), (channel("attention", ("source",)),), False),
    (has("attention"), (), True),
    (lambda s: s.records(axes=("label",)), (channel("label_probability", ("label",)),), True),
    (lambda s: s.records(axes=("label",)), (channel("hidden", ("unit",)),), False),
    (lambda s: s.records(axes=("label",)), (), False),
])
def test_predicates_look_at_roles_and_axes(accepts, channels, there):
    assert accepts(Subject(channels=channels)) is there


@pytest.mark.parametrize(("subject", "shown"), [
    (Subject(), ["picture", "written", "film strip"]),
    (Subject(input_kind="sentence"), ["text", "written", "alignment"]),
    (Subject(input_kind="text"), ["text", "reader"]),
    (Subject(input_kind="clip"), ["clip", "written"]),
    (Subject(comparing=True), ["picture", "written", "beside"]),
    (Subject(input_kind="clip", comparing=True), ["clip", "beside clip", "written"]),
    (Subject(input_kind="sentence", comparing=True), ["text", "written", "beside sentence"]),
    (Subject(channels=(channel("hidden", ("unit",)),)), ["picture", "written"]),
])
def test_the_left_part_goes_by_the_kind_of_input(subject, shown):
    assert [spec.name for spec in BUILT_IN if spec.place is Place.LEFT and spec.accepts(subject)] == shown
