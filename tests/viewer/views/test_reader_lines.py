"""The lines of the reader: they end behind words, every character stands in one, and a text that grows changes none above."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PySide6.QtGui import QColor

from unrolled.viewer.theme.colour_maps import SEQUENTIAL, colour_table
from unrolled.viewer.theme.themes import DARK, LIGHT
from unrolled.viewer.views.text.reader_view import STRENGTH, ReaderText

TEXTS = st.text(alphabet="ab \n", max_size=400)


def lines_of(view):
    return [view.text[start:stop] for start, stop in zip(view._starts, [*view._starts[1:], len(view.text)], strict=True)]


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=TEXTS, more=TEXTS)
def test_lines_end_behind_words(qtbot, text, more):
    view = ReaderText(LIGHT)
    view.resize(220, 120)
    view.set_text(text, 0)
    view.set_text(text + more, 0)
    lines = lines_of(view)
    assert "".join(lines) == text + more
    grown, view = lines, ReaderText(LIGHT)
    view.resize(220, 120)
    view.set_text(text + more, 0)
    assert lines_of(view) == grown
    for line, after in pairwise(lines):
        assert len(line) <= view._columns
        assert line.endswith(("\n", " ")) or " " not in line, (line, after)


def luminance(colours):
    """As WCAG 2 has it, of colours (…, 3) from 0 to 255."""
    shares = np.asarray(colours, float) / 255
    return np.where(shares <= 0.03928, shares / 12.92, ((shares + 0.055) / 1.055) ** 2.4) @ (0.2126, 0.7152, 0.0722)


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=lambda theme: theme.name)
@pytest.mark.parametrize("given", [0, 10_000], ids=["written", "read"])
def test_text_is_readable_on_every_colour(qtbot, theme, given):
    """In every colour map, and beyond its ends: text and ground have a contrast of 4.5 or more."""
    tables = [colour_table(name)[:, :3] for name in (*SEQUENTIAL, theme.diverging)]
    beyond = np.array([[int(colour[i : i + 2], 16) for i in (1, 3, 5)] for colour in (theme.below, theme.above, theme.panel)])
    ground = beyond[2]
    colours = (ground + (np.concatenate((*tables, beyond)) - ground) * STRENGTH).astype(np.uint8)
    view = ReaderText(theme)
    qtbot.addWidget(view)
    view.resize(700, 1400)
    view.set_text("█" * len(colours), given)  # all ink
    view.set_colours(colours, np.arange)
    view.show()
    image = view.grab().toImage()
    assert len(view._starts) * view._line_height < view.height()
    for step in range(len(colours)):
        box = view.box_of(step)
        ink = QColor(image.pixel(round(box.center().x()), round(box.center().y())))
        lower, higher = sorted((luminance(colours[step]), luminance((ink.red(), ink.green(), ink.blue()))))
        assert (higher + 0.05) / (lower + 0.05) >= 4.5, (step, colours[step])


def test_the_character_at_the_playhead_is_in_sight_after_a_resize(qtbot):
    view = ReaderText(LIGHT)
    qtbot.addWidget(view)
    view.resize(600, 400)
    view.show()
    view.set_text("some words of a text " * 60, 0)
    view.seek(600)
    view.resize(150, 90)
    assert view.viewport().rect().contains(view.box_of(600).toAlignedRect())
