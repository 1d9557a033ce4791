"""Numbers for people: a true minus sign, and powers of ten in place of exponents."""

import math

MINUS = "−"
_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_SMALL, _LARGE = 1e-3, 1e4  # beyond these a power of ten is written


def signed(value: float, decimals: int = 3) -> str:
    """A number with a true minus sign; none before a zero."""
    if not math.isfinite(value):
        return "–"
    text = f"{value:.{decimals}f}"
    return MINUS + text[1:] if text.startswith("-") and float(text) != 0.0 else text.lstrip("-")


def power_of_ten(exponent: int) -> str:
    """``10⁻³``; ``1`` and ``10`` as they are."""
    return {0: "1", 1: "10"}.get(exponent) or "10" + str(exponent).translate(_RAISED)


def precise(value: float) -> str:
    """Four decimals, or two figures and a power of ten where four decimals would hide it: ``−3.4·10⁻⁵``."""
    return signed(value, 4) if _plain(value) else _raised(value)


def brief(value: float) -> str:
    """Two figures, for the ends of a scale: ``0.21``, ``−3.4·10⁻⁵``."""
    if not _plain(value):
        return _raised(value)
    text = f"{value or 0.0:.2g}" if abs(value) < 100 else f"{value:.0f}"
    return text.replace("-", MINUS)


def general(value: float, figures: int = 6) -> str:
    """As many figures as it needs, and at most so many."""
    digits, e, exponent = f"{value or 0.0:.{figures}g}".replace("-", MINUS).partition("e")
    return f"{digits}·{power_of_ten(int(exponent.replace(MINUS, '-')))}" if e else digits


def _plain(value: float) -> bool:
    return not math.isfinite(value) or value == 0 or _SMALL <= abs(value) < _LARGE


def _raised(value: float) -> str:
    figures, exponent = f"{value:.1e}".split("e")
    return f"{figures.replace('-', MINUS)}·{power_of_ten(int(exponent))}" if int(exponent) not in (0, 1) else signed(value, 1)
