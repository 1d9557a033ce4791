"""Equations with numbers as rich text: letters in italics, what is set low set low, the numbers under their terms.

It knows no session: what it is given it sets.
"""

import math
import re
from collections.abc import Callable, Sequence
from html import escape

from unrolled.models.protocol.questions import Contributor, Equation, Explained, Looked, Part
from unrolled.models.trace.numbers import MINUS, signed
from unrolled.models.trace.slices import spoken
from unrolled.viewer.state.wording import right_sides
from unrolled.viewer.theme.fonts import MONO_FAMILY
from unrolled.viewer.theme.themes import Theme

DECIMALS = 4
_LOW = re.compile(r"([A-Za-zα])_(\{[^}]*\}|[A-Za-z0-9]+)")
_LETTER = re.compile(r"(?<![A-Za-z<>/])([a-z])(?![A-Za-z<>])")

Recorded = Callable[[str], float | None]
"""The recorded value of a channel for the unit, or None where it is not recorded."""
NameOfPlace = Callable[[int], str]


def number(value: float) -> str:
    """A value as it is written everywhere here."""
    return signed(value, DECIMALS)


def typeset(symbol: str) -> str:
    """``W_xi x_t`` as rich text."""
    def low(found: re.Match[str]) -> str:
        inside = found[2].strip("{}").replace("-", MINUS)
        return f"<i>{found[1]}</i><sub>{escape(inside)}</sub>"

    parts = re.split(r"(<[^>]*>)", _LOW.sub(low, symbol.replace(" - ", f" {MINUS} ")))
    depth, made = 0, []
    for part in parts:
        if part.startswith("<"):
            depth += -1 if part.startswith("</") else 1
            made.append(part)
        else:
            made.append(part if depth else _LETTER.sub(r"<i>\1</i>", part))
    return "".join(made)


def plain(symbol: str) -> str:
    """``h_{t-1}`` for text without styles."""
    return symbol.replace("{", "").replace("}", "").replace("-1", f"{MINUS}1")


class EquationText:
    """Sets the answer for one unit; the equations of the open channels show what their parts came from."""

    def __init__(self, theme: Theme, *, recorded: Recorded, place_name: NameOfPlace, open_equations: set[str]) -> None:
        self._theme, self._recorded, self._place_name, self._open = theme, recorded, place_name, open_equations

    def html(self, explained: Explained, attention: Sequence[tuple[Looked, float]]) -> str:
        """The whole; of the places that were looked at each with its recorded weight."""
        equations = "".join(self._equation(equation) for equation in explained.equations)
        return equations + (self._attention(explained, attention) if attention else "")

    def _equation(self, equation: Equation) -> str:
        theme, sign = self._theme, self._muted
        recorded = self._recorded(equation.channel)
        value = equation.value if recorded is None else recorded
        letters = "".join(f"{typeset(symbol)} · " for symbol, _ in equation.outside)
        factors = "".join(f"{number(own)} · " for _, own in equation.outside)
        opened, closed = (f"{equation.function}( ", " )") if equation.function else ("", "")
        symbols = [f"{typeset(equation.symbol)} = {letters}{opened}"]
        numbers = [self._mono(number(value), bold=True) + sign(f" = {factors}{opened}")]
        for place, part in enumerate(equation.parts):
            plus = "" if place == 0 else " + "
            symbols.append(f"{plus}{typeset(part.symbol)}")
            numbers.append(f"{plus}{self._part_value(part)}")
        symbols[-1] += closed
        numbers[-1] += closed
        if len(equation.parts) > 1 and equation.function:
            symbols.append("")
            numbers.append(sign(" = ") + f"{equation.function}({self._mono(number(equation.total))})")
        marks = ""
        if recorded is not None and number(recorded) != number(equation.value):
            marks += self._tag(f"the model gives {number(equation.value)}", theme.error)
        if equation.edited:
            marks += self._tag(f"edited: without the edit {number(_given(equation))}", theme.playhead)
        has_attributions = any(part.contributors for part in equation.parts)
        fold = ""
        if has_attributions:
            sign_text = "▾" if equation.channel in self._open else "▸"
            fold = f'<a href="open:{escape(equation.channel)}" style="color:{theme.muted};text-decoration:none">{sign_text}</a> '
        title = spoken(equation.channel)
        head = (f'<tr><td colspan="{len(symbols)}" style="color:{theme.muted};padding-top:7px">'
                f"{fold}{escape(title)} {marks}</td></tr>")
        rows = "".join(f'<td style="white-space:pre">{cell}</td>' for cell in symbols)
        under = "".join(f'<td style="white-space:pre">{cell}</td>' for cell in numbers)
        attributions = "".join(self._attributions(part) for part in equation.parts if part.contributors) \
            if equation.channel in self._open else ""
        return f'<table cellspacing="0" cellpadding="1">{head}<tr>{rows}</tr><tr>{under}</tr></table>{attributions}'

    def _part_value(self, part: Part) -> str:
        if part.factors:
            return self._mono(" · ".join(number(value) if value >= 0 or place == 0 else f"({number(value)})"
                                         for place, (_, value) in enumerate(part.factors)))
        return self._mono(number(part.value))

    def _attributions(self, part: Part) -> str:
        links = [self._cause(own) for own in part.contributors]
        if abs(part.rest) >= 0.5 * 10**-DECIMALS:
            links.append(self._muted(f"others {_plus(part.rest)}"))
        joined = "&nbsp;&nbsp; ".join(links)
        return f'<div style="margin-left:16px">{typeset(part.symbol)}: {joined}</div>'

    def _cause(self, own: Contributor) -> str:
        if own.kind == "unit":
            return self._link(f"unit:{own.index}", f"h{own.index} {_plus(own.value)}",
                              f"W {number(own.weight)} × h {number(own.activity)}")
        if own.kind == "word":
            text = f"“{own.name}” {_plus(own.value)}"
            return self._link(f"step:{own.index}", text, "") if own.index >= 0 else escape(text)
        if own.kind == "place":
            name = own.name or self._place_name(own.index)
            return escape(f"{name} {_plus(own.value)}") + self._muted(
                f" (α {number(own.weight)} × {number(own.activity)})")
        return escape(f"this frame {_plus(own.value)}")

    def _attention(self, explained: Explained, attention: Sequence[tuple[Looked, float]]) -> str:
        theme = self._theme
        head = (f'<div style="color:{theme.muted};margin-top:10px">attention</div>'
                f"<div>{typeset('α_j')} = exp({typeset('e_j')} {MINUS} max {typeset('e')}) / Σ &nbsp; "
                f"{self._muted('Σ over ' + str(explained.places) + ' places =')} {self._mono(number(explained.score_sum))}"
                f"{self._muted(', max e = ')}{self._mono(number(explained.score_max))}</div>"
                f"<div>{typeset('z_t')} = Σ {typeset('α_j h_j')}, {self._muted('norm')} "
                f"{self._mono(number(explained.context_norm))}</div>")
        rows = []
        for looked, weight in attention:
            name = looked.name or self._place_name(looked.place)
            rise = math.exp(min(looked.score - explained.score_max, 0.0))
            wrong = number(weight) != number(looked.weight)
            mark = self._tag(f"the model gives {number(looked.weight)}", theme.error) if wrong else ""
            rows.append(f"<tr><td>{escape(name)}&nbsp;&nbsp;</td>"
                        f"<td align='right'>{self._mono(number(looked.score))}&nbsp;&nbsp;</td>"
                        f"<td align='right'>{self._mono(number(rise))}&nbsp;&nbsp;</td>"
                        f"<td align='right'>{self._mono(number(weight), bold=True)}{mark}</td></tr>")
        cells = "".join(f"<td align='{'left' if place == 0 else 'right'}'>{self._muted(text)}&nbsp;&nbsp;</td>"
                        for place, text in enumerate(("place", "score e", f"exp(e {MINUS} max)", "α")))
        return f"{head}<table cellspacing='0' cellpadding='1'><tr>{cells}</tr>{''.join(rows)}</table>"

    def _mono(self, text: str, *, bold: bool = False) -> str:
        weight = ";font-weight:600" if bold else ""
        return f"<span style=\"font-family:'{MONO_FAMILY}';font-size:12px{weight}\">{text}</span>"

    def _muted(self, text: str) -> str:
        return f'<span style="color:{self._theme.muted}">{escape(text)}</span>'

    def _tag(self, text: str, colour: str) -> str:
        return f' <span style="color:{colour}">{escape(text)}</span>'

    def _link(self, target: str, text: str, more: str) -> str:
        link = f'<a href="{target}" style="color:{self._theme.accent};text-decoration:none">{escape(text)}</a>'
        return link + (self._muted(f" ({more})") if more else "")


def _plus(value: float) -> str:
    return f"+{number(value)}" if value >= 0 else number(value)


def _given(equation: Equation) -> float:
    """What the equation gives by itself."""
    total = equation.total
    value = 1 / (1 + math.exp(-max(min(total, 700.0), -700.0))) if equation.function == "σ" else (
        math.tanh(total) if equation.function == "tanh" else total)
    return value * math.prod(factor for _, factor in equation.outside)


def as_plain(explained: Explained) -> str:
    """All equations as plain text, a line each."""
    lines = []
    for equation in explained.equations:
        symbols, numbers = right_sides(equation, plain, number)
        lines.append(f"{plain(equation.symbol)} = {symbols} = {numbers} = {number(equation.value)}")
    return "\n".join(lines)


def as_latex(explained: Explained) -> str:
    """All equations in LaTeX, for an align environment."""
    def letters(symbol: str) -> str:
        made = re.sub(r"_([A-Za-z0-9]{2,})", r"_{\1}", symbol).replace("·", r"\cdot").replace("−", "-")
        return made.replace("σ", r"\sigma")

    lines = []
    for equation in explained.equations:
        function = {"σ": r"\sigma", "tanh": r"\tanh", "": ""}[equation.function]
        symbols, numbers = right_sides(equation, letters, f"{{:.{DECIMALS}f}}".format, dot=r" \cdot ", function=function)
        lines.append(f"{letters(equation.symbol)} &= {symbols} = {numbers.replace('+ -', '- ')} = "
                     f"{equation.value:.{DECIMALS}f} \\\\")
    return "\n".join(lines)
