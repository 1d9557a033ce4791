"""What an equation's value is equal to, written in symbols and in numbers."""

from collections.abc import Callable

from unrolled.models.protocol.questions import Equation


def right_sides(equation: Equation, symbol: Callable[[str], str], number: Callable[[float], str], *, dot: str = " · ",
                function: str | None = None) -> tuple[str, str]:
    """The two; `function` stands in place of the equation's own name for it."""
    name = equation.function if function is None else function

    def side(factors: list[str], parts: list[str]) -> str:
        inner = " + ".join(parts)
        return dot.join((*factors, f"{name}({inner})" if name else inner))

    return (side([symbol(factor) for factor, _ in equation.outside], [symbol(part.symbol) for part in equation.parts]),
            side([number(value) for _, value in equation.outside], [number(part.value) for part in equation.parts]))
