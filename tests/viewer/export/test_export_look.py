"""How exports look: which steps, how large, on which ground; read back from their files."""

from __future__ import annotations

import dataclasses
import re
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
import scripted
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from PySide6.QtGui import QColor

from unrolled.viewer.export import ExportError, ExportSettings, export
from unrolled.viewer.export.scenes.film_strip import StripLayout
from unrolled.viewer.export.scenes.frames import FramePainter
from unrolled.viewer.export.scenes.picture import make_scene
from unrolled.viewer.export.steps import chosen_steps, parse_steps
from unrolled.viewer.theme.themes import DARK, LIGHT

SETTINGS = ExportSettings(width=320, seconds_per_word=0.4, last_seconds=1.0)
STEPS = len(scripted.CAPTION)
LAST = STEPS - 1  # which wrote END

pytestmark = pytest.mark.usefixtures("qapp")


@given(st.sets(st.integers(0, 300)), st.sampled_from([0, 1]))
def test_steps_are_read_as_they_are_written(steps, first):
    chosen = tuple(sorted(steps))
    written = ",".join(str(step + first) for step in chosen)
    assert parse_steps(written, first=first) == chosen


@pytest.mark.parametrize(("text", "steps"), [("", ()), ("1-5,8", (0, 1, 2, 3, 4, 7)), (" 3 , 1 – 2 ", (0, 1, 2)),
                                             ("2,2,1-2", (0, 1))])
def test_steps_as_a_person_writes_them(text, steps):
    assert parse_steps(text, first=1) == steps


@pytest.mark.parametrize(("text", "sentence"), [("a", "“a” names no steps"), ("0-2", "counted from 1"), ("5-2", "backwards"),
                                                ("1,,2", "names no steps"), ("1-", "names no steps"), ("-3", "names no steps"),
                                                ("9999999", "names no steps")])
def test_what_names_no_steps_is_said(text, sentence):
    with pytest.raises(ExportError, match=sentence):
        parse_steps(text, first=1)


def test_steps_that_are_not_there_are_said():
    with pytest.raises(ExportError, match=f"no step {STEPS}: the run’s {STEPS} are counted from 0"):
        chosen_steps(STEPS, LAST, dataclasses.replace(SETTINGS, steps=(0, STEPS)))
    with pytest.raises(ExportError, match="Without END"):
        chosen_steps(STEPS, LAST, dataclasses.replace(SETTINGS, steps=(LAST,), end=False))


def test_chosen_steps_alone_are_drawn(tmp_path):
    trace = scripted.trace()
    scene = make_scene(trace)
    export(trace, tmp_path / "a.gif", dataclasses.replace(SETTINGS, steps=(1, 3, LAST), end=False))
    with Image.open(tmp_path / "a.gif") as image:
        assert image.n_frames == 2
        shown = np.asarray(image.convert("RGB")).astype(int)
    whole = FramePainter(scene, SETTINGS)
    painter = FramePainter(scene, dataclasses.replace(SETTINGS, steps=(1, 3)))
    area = whole._photograph
    place = slice(area.top(), area.bottom()), slice(area.left(), area.right())
    assert np.array_equal(painter.paint(3)[place], whole.paint(3)[place])
    assert np.abs(shown[place] - painter.paint(1)[place].astype(int)).mean() < 6  # a palette's error
    export(trace, tmp_path / "a.svg", dataclasses.replace(SETTINGS, steps=(1, 3)))
    titles = [element.text for element in ElementTree.parse(tmp_path / "a.svg").iter("{http://www.w3.org/2000/svg}title")]
    assert [word for word in scripted.CAPTION if word in titles[1:]] == [scripted.CAPTION[1], scripted.CAPTION[3]]


def test_end_is_in_every_export_unless_it_is_left_out(tmp_path):
    for end in (True, False):
        settings = dataclasses.replace(SETTINGS, end=end)
        export(scripted.trace(), tmp_path / "a.svg", settings)
        assert ("END" in (tmp_path / "a.svg").read_text()) == end
        export(scripted.trace(), tmp_path / "a.gif", settings)
        with Image.open(tmp_path / "a.gif") as image:
            assert image.n_frames == STEPS - (not end)


@pytest.mark.parametrize("columns", [1, 3, 50])
def test_a_strip_has_as_many_columns_as_were_asked_for(columns):
    layout = StripLayout(make_scene(scripted.trace()), dataclasses.replace(SETTINGS, columns=columns))
    tops = {layout.picture(number).top() for number in range(STEPS)}
    assert len(tops) == -(-STEPS // columns)
    assert max(layout.picture(number).right() for number in range(STEPS)) <= SETTINGS.width + 1
    ratios = {round(layout.picture(number).width() / layout.picture(number).height(), 1) for number in range(STEPS)}
    assert len(ratios) == 1


def test_dots_an_inch_are_said_and_make_more_pixels(tmp_path):
    sizes = {}
    for dpi in (96, 300):
        export(scripted.trace(), tmp_path / "a.png", dataclasses.replace(SETTINGS, dpi=dpi))
        with Image.open(tmp_path / "a.png") as image:
            assert image.info["dpi"] == pytest.approx((dpi, dpi), abs=0.1)
            sizes[dpi] = image.size
    assert sizes[96][0] == SETTINGS.width
    assert sizes[300] == pytest.approx([round(side * 300 / 96) for side in sizes[96]], abs=1)
    with pytest.raises(ExportError, match="too large"):
        export(scripted.trace(), tmp_path / "a.png", dataclasses.replace(SETTINGS, width=8192, dpi=2400))


def test_type_has_the_size_that_was_asked_for(tmp_path):
    for points in (6.0, 12.0, 18.0):
        export(scripted.trace(), tmp_path / "a.svg", dataclasses.replace(SETTINGS, type_points=points, outlines=False))
        texts = ElementTree.parse(tmp_path / "a.svg").iter("{http://www.w3.org/2000/svg}text")
        sizes = {element.text: float(element.get("font-size")) for element in texts}
        assert sizes["dog"] == round(points / 0.75)


@pytest.mark.parametrize("suffix", [".png", ".webp", ".gif"])
def test_a_clear_ground_is_seen_through(tmp_path, suffix):
    export(scripted.trace(), tmp_path / f"a{suffix}", dataclasses.replace(SETTINGS, clear=True))
    with Image.open(tmp_path / f"a{suffix}") as image:
        alpha = np.asarray(image.convert("RGBA"))[..., 3]
    assert alpha[0, 0] == 0
    assert alpha[alpha.shape[0] // 4, alpha.shape[1] // 8] == 255  # the photograph


def test_what_has_no_clear_ground_says_so(tmp_path):
    with pytest.raises(ExportError, match="no transparent background"):
        export(scripted.trace(), tmp_path / "a.mp4", dataclasses.replace(SETTINGS, clear=True))
    assert not list(tmp_path.iterdir())


def test_a_clear_drawing_has_no_ground(tmp_path):
    for clear in (False, True):
        export(scripted.trace(), tmp_path / "a.svg", dataclasses.replace(SETTINGS, clear=clear))
        grounds = re.findall(r'<rect x="0" y="0" width="320"', (tmp_path / "a.svg").read_text())
        assert len(grounds) == (0 if clear else 1)


def test_what_is_looked_at_is_never_covered():
    """Dimmed: where attention is at the upper end of the scale, the photograph shows as it is, and elsewhere darker."""
    trace = scripted.trace(scripted.CAPTION[:1])
    trace.column("attention")[:] = 0.0
    trace.column("attention")[0, 2, 3] = 1.0
    grey = np.full((240, 320, 3), 200, np.uint8)
    for smooth in (True, False):
        scene = dataclasses.replace(make_scene(trace), photograph=grey)
        painter = FramePainter(scene, dataclasses.replace(SETTINGS, smooth=smooth))
        frame, area = painter.paint(0), painter._photograph
        y, x = round(area.top() + 2.5 / 6 * area.height()), round(area.left() + 3.5 / 8 * area.width())
        assert np.abs(frame[y, x].astype(int) - 200).max() <= 2
        assert np.abs(frame[area.top() + 4, area.left() + 4].astype(int) - 200 * (1 - SETTINGS.opacity)).max() <= 2


def test_beyond_what_the_model_saw_it_is_as_dark_as_what_it_did_not_look_at():
    trace = scripted.trace(scripted.CAPTION[:1])
    trace.column("attention")[:] = 0.0
    grey = np.full((240, 320, 3), 200, np.uint8)
    painter = FramePainter(dataclasses.replace(make_scene(trace), photograph=grey, region=(0.25, 0.0, 0.75, 1.0)), SETTINGS)
    line = painter.paint(0)[painter._photograph.center().y()].astype(int)
    area = painter._photograph
    assert np.abs(line[[area.left() + 8, area.center().x(), area.right() - 8]] - 200 * (1 - SETTINGS.opacity)).max() <= 2


@pytest.mark.parametrize("dark", [False, True])
def test_the_ground_of_a_gif_is_the_themes_own_and_no_mixture(tmp_path, dark):
    export(scripted.trace(), tmp_path / "a.gif", dataclasses.replace(SETTINGS, dark=dark))
    ground = QColor((DARK if dark else LIGHT).panel).getRgb()[:3]
    with Image.open(tmp_path / "a.gif") as image:
        for frame in (0, STEPS - 1):
            image.seek(frame)
            pixels = np.asarray(image.convert("RGB"))
            assert (pixels[:3] == ground).all()
            assert (pixels[:, :4] == ground).all()


@pytest.mark.parametrize("style", ["dimmed", "colours"])
def test_the_legend_is_a_ramp_of_opaque_colours_in_drawings_too(tmp_path, style):
    export(scripted.trace(), tmp_path / "a.svg", dataclasses.replace(SETTINGS, style=style))
    stops = list(ElementTree.parse(tmp_path / "a.svg").iter("{http://www.w3.org/2000/svg}stop"))
    assert len(stops) >= 30
    assert {stop.get("stop-opacity") for stop in stops} == {"1"}
    assert stops[0].get("stop-color") != stops[-1].get("stop-color")
