"""The words of a drawing as outlines, so that it looks the same on a machine without the fonts."""

import xml.etree.ElementTree as ElementTree
from base64 import b64encode

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QFont, QFontMetricsF, QImage, QPainter, QPainterPath

from unrolled.viewer.drawing.images import file_of

SVG, XLINK = "http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"
FINENESS = 4  # pixels for one of the drawing's, of signs that are pictures and have no outline
TYPE = ("font-family", "font-size", "font-weight", "font-style")


def outline_texts(root: ElementTree.Element) -> None:
    """Make each text of a drawing of Qt's a path that is named after what it says, for search and for screen readers."""
    for group in root.iter(f"{{{SVG}}}g"):
        for place, element in enumerate(list(group)):
            if element.tag == f"{{{SVG}}}text":
                group[place] = _outlined(element)
        for name in TYPE:
            group.attrib.pop(name, None)


def _outlined(element: ElementTree.Element) -> ElementTree.Element:
    text = element.text or ""
    font = QFont(element.get("font-family", ""))
    font.setPixelSize(max(round(float(element.get("font-size", "12"))), 1))
    font.setWeight(QFont.Weight(int(element.get("font-weight", "400"))))
    font.setItalic(element.get("font-style") == "italic")
    at = QPointF(float(element.get("x", "0")), float(element.get("y", "0")))
    path = QPainterPath()
    path.addText(at, font, text)
    made = ElementTree.Element(f"{{{SVG}}}g")
    if not text.strip():
        return made
    ElementTree.SubElement(made, f"{{{SVG}}}title").text = text
    if path.isEmpty():
        made.append(_picture(text, font, at))
    else:
        ElementTree.SubElement(made, f"{{{SVG}}}path", {
            "d": _written(path), "fill": element.get("fill", "#000000"), "fill-opacity": element.get("fill-opacity", "1"),
            "fill-rule": "nonzero", "stroke": "none"})
    return made


def _written(path: QPainterPath) -> str:
    parts, number = [], 0
    while number < path.elementCount():
        element = path.elementAt(number)
        if element.type == QPainterPath.ElementType.CurveToElement:
            corners = [path.elementAt(number + further) for further in range(3)]
            parts.append("C" + " ".join(f"{corner.x:.3f} {corner.y:.3f}" for corner in corners))
            number += 3
        else:
            letter = "M" if element.type == QPainterPath.ElementType.MoveToElement else "L"
            parts.append(f"{letter}{element.x:.3f} {element.y:.3f}")
            number += 1
    return "".join(parts) + "Z"


def _picture(text: str, font: QFont, at: QPointF) -> ElementTree.Element:
    """Signs of a font of pictures, as emoji are in many."""
    metrics = QFontMetricsF(font)
    place = QRectF(at.x(), at.y() - metrics.ascent(), max(metrics.horizontalAdvance(text), 1.0), metrics.height())
    image = QImage((place.size() * FINENESS).toSize(), QImage.Format.Format_ARGB32_Premultiplied)
    image.fill(Qt.GlobalColor.transparent)
    with QPainter(image) as painter:
        painter.scale(FINENESS, FINENESS)
        painter.setFont(font)
        painter.drawText(QPointF(0.0, metrics.ascent()), text)
    return ElementTree.Element(f"{{{SVG}}}image", {
        "x": f"{place.x():.3f}", "y": f"{place.y():.3f}", "width": f"{place.width():.3f}", "height": f"{place.height():.3f}",
        f"{{{XLINK}}}href": f"data:image/png;base64,{b64encode(file_of(image)).decode()}"})
