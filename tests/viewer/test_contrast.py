"""What is read has a contrast of 4.5 with what is behind it, as WCAG 2.1 asks of text, in both themes."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QLineEdit, QPlainTextEdit

from unrolled.viewer.drawing.contrast import is_dark, text_on
from unrolled.viewer.drawing.painting import BRANCH_TINTS, mix
from unrolled.viewer.theme.stylesheet import apply_theme
from unrolled.viewer.theme.themes import DARK, LIGHT
from unrolled.viewer.views.text.caption import STRONGEST_TINT

THEMES = pytest.mark.parametrize("theme", [LIGHT, DARK], ids=lambda theme: theme.name)


def contrast(one, other):
    """The ratio of two colours' luminances."""
    def luminance(colour):
        shares = np.array([colour.redF(), colour.greenF(), colour.blueF()])
        return np.where(shares <= 0.03928, shares / 12.92, ((shares + 0.055) / 1.055) ** 2.4) @ (0.2126, 0.7152, 0.0722)

    lower, higher = sorted((luminance(QColor(one)), luminance(QColor(other))))
    return (higher + 0.05) / (lower + 0.05)


def test_black_or_white_is_read_on_every_colour():
    steps = np.arange(0, 256, 15, np.uint8)
    for colour in np.stack(np.meshgrid(steps, steps, steps), -1).reshape(-1, 3):
        ground = QColor(*(int(part) for part in colour))
        assert contrast(text_on(ground), ground) >= 4.5
        assert bool(is_dark(colour)) == (text_on(ground) == QColor("white"))


@THEMES
@pytest.mark.parametrize("use", ["text", "muted", "accent", "good", "warning", "error", "playhead"])
@pytest.mark.parametrize("ground", ["panel", "window", "raised", "missing"])
def test_the_themes_texts_are_read_on_their_grounds(theme, use, ground):
    assert contrast(getattr(theme, use), getattr(theme, ground)) >= 4.5


@THEMES
@pytest.mark.parametrize("box", [QLineEdit, QPlainTextEdit])
def test_what_a_box_asks_for_is_read(qtbot, qapp, theme, box):
    apply_theme(theme)
    made = box(placeholderText="Find a document by its name")
    qtbot.addWidget(made)
    made.show()
    assert contrast(made.palette().placeholderText().color(), theme.raised) >= 4.5
    assert made.palette().placeholderText().color().alpha() == 255


@THEMES
@pytest.mark.parametrize("probability", [0.0, 0.5, 1.0])
def test_words_are_read_on_their_probability(theme, probability):
    assert contrast(theme.text, mix(theme.panel, theme.accent, STRONGEST_TINT * probability)) >= 4.5
    assert contrast(theme.muted, mix(theme.panel, theme.accent, 0.35 * STRONGEST_TINT * probability)) >= 4.5
    assert contrast(theme.accent_text, theme.accent) >= 4.5
    assert min(contrast(theme.muted, mix(theme.panel, theme.accent, tint)) for tint in BRANCH_TINTS) >= 4.5
    assert contrast(theme.accent, theme.accent_ground) >= 4.5
