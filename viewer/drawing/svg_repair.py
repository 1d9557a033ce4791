"""What Qt writes into an SVG that readers other than its own take differently: the rule of clips, and lines of a fixed width.

Where the outlines of a clip overlap, Qt writes the rule under the name of the one for filling. Lines that are not to grow with
their coordinates it leaves to a property that many readers do not know.
"""

import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable

from PySide6.QtCore import QPointF
from PySide6.QtGui import QTransform

SVG = "{http://www.w3.org/2000/svg}"
NUMBER = r"-?[\d.]+(?:e[-+]?\d+)?"
PAIR = re.compile(rf"({NUMBER}),({NUMBER})")
IDENTITY = "matrix(1,0,0,1,0,0)"
Placed = Callable[["re.Match[str]"], str]


def repaired(root: ElementTree.Element) -> None:
    """Change a drawing of Qt's so that all readers see what Qt painted: such lines are written in the drawing's own pixels."""
    for clip in root.iter(f"{SVG}clipPath"):
        for path in clip:
            path.set("clip-rule", path.attrib.pop("fill-rule", "nonzero"))
            path.attrib.pop("vector-effect", None)
    for around in [element for element in root.iter(f"{SVG}g") if element.find(f"{SVG}g") is not None]:
        for place, group in reversed(list(enumerate(around))):
            if group.tag == f"{SVG}g" and "transform" in group.attrib:
                around[place : place + 1] = _without_fixed_lines(group)


def _without_fixed_lines(group: ElementTree.Element) -> list[ElementTree.Element]:
    """A group in parts, those with lines of a fixed width in the drawing's own coordinates."""
    placed = _placed(group.get("transform", IDENTITY))
    untransformed = {name: value for name, value in group.attrib.items() if name != "transform"}
    parts: list[ElementTree.Element] = []
    before: bool | None = None
    for leaf in group:
        fixed = leaf.attrib.pop("vector-effect", "") == "non-scaling-stroke" and _place(leaf, placed)
        if fixed is not before:
            parts.append(ElementTree.Element(group.tag, untransformed if fixed else group.attrib))
            before = fixed
        parts[-1].append(leaf)
    return parts


def _place(leaf: ElementTree.Element, placed: Placed) -> bool:
    """Write a leaf's outline in other coordinates; whether it has one that this knows."""
    for name in ("d", "points"):
        if name in leaf.attrib:
            leaf.set(name, PAIR.sub(placed, leaf.attrib[name]))
            return True
    if leaf.tag != f"{SVG}rect":
        return False
    x, y, width, height = (float(leaf.attrib.pop(name, "0")) for name in ("x", "y", "width", "height"))
    leaf.tag = f"{SVG}path"
    leaf.set("d", PAIR.sub(placed, f"M{x},{y} L{x + width},{y} L{x + width},{y + height} L{x},{y + height}") + " Z")
    return True


def _placed(matrix: str) -> Placed:
    """What writes a pair of numbers as the place that a transform brings it to."""
    transform = QTransform(*(float(number) for number in re.findall(NUMBER, matrix)))

    def place(pair: re.Match[str]) -> str:
        moved = transform.map(QPointF(float(pair[1]), float(pair[2])))
        return f"{moved.x():.4f},{moved.y():.4f}"

    return place
