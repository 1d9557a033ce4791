"""A plot as SVG, read as a reader that knows no more than SVG 1.1: lines where they are, and nothing beyond the axes."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QRectF
from PySide6.QtWidgets import QHBoxLayout, QLabel, QWidget

from unrolled.viewer.plotting.axis import Axis
from unrolled.viewer.plotting.figure import svg_of
from unrolled.viewer.plotting.ink import ink
from unrolled.viewer.plotting.plot import Plot
from unrolled.viewer.theme.themes import LIGHT

SVG = "{http://www.w3.org/2000/svg}"
X, Y = np.arange(0.0, 21.0), np.linspace(-1.0, 3.0, 21)  # half of it beyond the ranges


def outline(element: ElementTree.Element) -> np.ndarray:
    """The corners of a path or polyline, shape (corners, 2)."""
    text = element.get("d") or element.get("points") or ""
    return np.array([[float(pair[1]), float(pair[2])] for pair in re.finditer(r"(-?[\d.]+),(-?[\d.]+)", text)])


@pytest.fixture
def drawn(qtbot):
    """A widget with a plot that is not at its corner, and its drawing."""
    whole = QWidget()
    plot = Plot("A line", Axis("x"), Axis("y"), LIGHT)
    layout = QHBoxLayout(whole)
    layout.addWidget(QLabel("Beside it"))
    layout.addWidget(plot, 1)
    qtbot.addWidget(whole)
    whole.resize(600, 300)
    with qtbot.waitExposed(whole):
        whole.show()
    plot.set_ranges((0.0, 10.0), (0.0, 1.0))
    plot.line(ink("accent"), "line").show(X, Y)
    root = ElementTree.fromstring(svg_of(whole, "A line"))

    def place_of(x: float, y: float) -> tuple[float, float]:
        at = plot.place_of(x, y)
        corner = plot.surface.mapTo(whole, QPoint())
        return at.x() + corner.x(), at.y() + corner.y()

    return root, place_of


def the_line(root: ElementTree.Element) -> tuple[ElementTree.Element, dict[ElementTree.Element, ElementTree.Element]]:
    """The only outline of many corners in the line's colour, and what is around each element."""
    above = {child: parent for parent in root.iter() for child in parent}
    lines = [element for element in root.iter() if len(outline(element)) > 5 and above[element].get("stroke") == LIGHT.accent]
    assert len(lines) == 1
    return lines[0], above


def test_a_line_is_where_the_plot_has_it_and_as_wide(drawn):
    root, place_of = drawn
    line, above = the_line(root)
    corners, (begin, end) = outline(line), (np.array(place_of(X[at], Y[at])) for at in (0, -1))
    assert np.ptp(corners[:, 0]) > 300
    share = (corners[:, 0] - begin[0]) / (end - begin)[0]
    np.testing.assert_allclose(corners[:, 1], begin[1] + share * (end - begin)[1], atol=1.5)
    group = above[line]
    assert "transform" not in group.attrib
    assert 0.5 <= float(group.get("stroke-width")) <= 3
    assert not [element for element in root.iter() if element.get("vector-effect") == "non-scaling-stroke"]


def test_what_lies_beyond_the_axes_is_cut_off(drawn):
    root, place_of = drawn
    line, above = the_line(root)
    around: ElementTree.Element | None = line
    while around is not None and "clip-path" not in around.attrib:
        assert "transform" not in around.attrib  # or else the clip would be elsewhere
        around = above.get(around)
    name = re.fullmatch(r"url\(#(.+)\)", around.get("clip-path"))[1]
    clip = next(element for element in root.iter(f"{SVG}clipPath") if element.get("id") == name)
    corners = outline(clip[0])
    (left, bottom), (right, top) = place_of(0.0, 0.0), place_of(10.0, 1.0)
    seen = QRectF(*corners.min(axis=0), *np.ptp(corners, axis=0))
    assert [seen.left(), seen.top(), seen.right(), seen.bottom()] == pytest.approx([left, top, right, bottom], abs=2)
    assert clip[0].get("clip-rule") == "evenodd"
