"""Every figure can be copied and saved, with its numbers as they were recorded."""

from __future__ import annotations

import csv
import io
import re
from xml.etree import ElementTree

import numpy as np
import pytest
from PySide6.QtCore import QByteArray, Qt
from PySide6.QtGui import QColor, QGuiApplication, QImage, QPainter, QPaintEvent
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import QApplication, QFileDialog, QMenu, QMessageBox, QScrollArea, QWidget

from unrolled.viewer.plotting.context_menu import attach
from unrolled.viewer.plotting.figure import image_of
from unrolled.viewer.plotting.table import Table
from unrolled.viewer.theme.stylesheet import apply_theme
from unrolled.viewer.theme.themes import DARK, LIGHT

VALUES = np.array([0.1, -1e-7, 3.4e38], np.float32)


class Picture(QWidget):
    def paintEvent(self, event: QPaintEvent) -> None:
        with QPainter(self) as painter:
            painter.fillRect(self.rect().adjusted(10, 10, -10, -10), QColor("#0b6e78"))
            painter.drawText(20, 40, "hidden\x07 state")


@pytest.fixture
def picture(qtbot):
    made = Picture()
    made.resize(200, 100)
    qtbot.addWidget(made)
    made.show()
    made.setFocus()
    qtbot.waitUntil(lambda: QApplication.focusWidget() is made or not made.hasFocus())
    return made


def table() -> Table:
    return Table(("word", "=log p"), (("cat", "=1+1", "'quoted"), VALUES))


def test_numbers_are_written_exactly_and_no_text_as_a_formula():
    rows = list(csv.reader(io.StringIO(table().csv())))

    assert rows[0] == ["word", "'=log p"]
    assert [row[0] for row in rows[1:]] == ["cat", "'=1+1", "''quoted"]
    assert (np.array([row[1] for row in rows[1:]], np.float32) == VALUES).all()
    assert rows[2][1].startswith("-"), "a negative number stays a number"


@pytest.mark.parametrize("text", ["=1", "a;=1", "a\t@b", "x\n=1;-2", "\r+1", "'=1", "a;'=1", "''", "\t\t=", "a=1, -2", "plain"])
def test_no_separator_of_a_spreadsheet_makes_a_formula_and_apostrophes_give_the_text_again(text):
    written = Table(("x",), [[text]]).csv()
    for delimiter in ",;\t":
        cells = [cell for row in csv.reader(io.StringIO(written), delimiter=delimiter) for cell in row]
        assert not any(cell.startswith(("=", "+", "-", "@")) for cell in cells)
    cell = list(csv.reader(io.StringIO(written, newline="")))[1][0]
    assert re.sub(r"(?:\A|(?<=[;\t\r\n]))'(?=[=+\-@\t\r'])", "", cell) == text


def test_half_a_character_costs_no_table():
    assert Table(("x",), [["a\ud800b"]]).csv().encode().decode().splitlines() == ["x", "a\N{REPLACEMENT CHARACTER}b"]


def test_ctrl_c_copies_the_picture_larger_than_the_screen_shows_it(picture, qtbot):
    attach(picture, "A picture")

    qtbot.keyClick(picture, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)

    image = QGuiApplication.clipboard().image()
    assert image.width() == 400
    assert image.height() == 200
    assert image.pixelColor(300, 150).name() == "#0b6e78"


def test_the_menu_copies_svg_and_numbers(picture, qtbot):
    menu = attach(picture, "A <picture>", table=table).menu()
    actions = {action.text(): action for action in menu.actions()}

    actions["Copy as SVG"].trigger()
    drawing = QGuiApplication.clipboard().mimeData().data("image/svg+xml").data()
    assert ElementTree.fromstring(drawing).find("{http://www.w3.org/2000/svg}title").text == "A <picture>"
    assert QSvgRenderer(QByteArray(drawing)).isValid()
    actions["Copy data as CSV"].trigger()
    assert QGuiApplication.clipboard().text() == table().csv()


def test_a_right_click_opens_the_menu_with_what_the_widget_adds(picture, qtbot):
    attach(picture, "A picture", fill=lambda menu: menu.addAction("Reset"))

    picture.customContextMenuRequested.emit(picture.rect().center())

    shown = [menu for menu in picture.findChildren(QMenu) if menu.isVisible()]
    assert [action.text() for action in shown[0].actions() if action.text()] == [
        "Copy picture", "Copy as SVG", "Save as…", "Reset"]
    shown[0].close()


def test_it_is_saved_as_what_the_suffix_says(picture, tmp_path):
    menu = attach(picture, "A picture", table=table)

    for suffix in ("png", "svg", "pdf", "csv"):
        menu.save_to(tmp_path / f"a.{suffix}")

    assert QImage(str(tmp_path / "a.png")).width() == 400
    ElementTree.parse(tmp_path / "a.svg")
    assert (tmp_path / "a.pdf").read_bytes().startswith(b"%PDF")
    assert (tmp_path / "a.csv").read_bytes().decode() == table().csv()


@pytest.mark.parametrize("theme", [DARK, LIGHT])
def test_what_lies_in_a_scroll_area_is_saved_on_its_ground(qtbot, theme):
    apply_theme(theme)
    outer, area = QWidget(), QScrollArea()
    area.setWidget(Picture())
    area.setParent(outer)
    area.widget().resize(200, 100)
    qtbot.addWidget(outer)
    outer.show()
    assert image_of(area.widget()).pixelColor(4, 4).name() == theme.panel


def test_a_failure_is_one_sentence_and_leaves_the_old_file(picture, tmp_path, monkeypatch, qtbot):
    menu = attach(picture, "A picture", table=lambda: None)
    old = tmp_path / "a.csv"
    old.write_text("old")
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(old), "Data as CSV (*.csv)"))

    menu.save.trigger()

    box = picture.window().findChild(QMessageBox)
    assert box.text() == "There are no numbers to save yet."
    box.close()
    assert old.read_text() == "old"
    menu.save_to(tmp_path / "missing" / "a.png")
    qtbot.waitUntil(lambda: picture.window().findChild(QMessageBox) is not box)
    assert picture.window().findChild(QMessageBox).text() == f"There is no folder “{tmp_path / 'missing'}” to write to."
    picture.window().findChild(QMessageBox).close()
