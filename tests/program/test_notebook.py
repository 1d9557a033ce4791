"""The shipped notebook runs from its first cell to its last, as on a machine without a screen."""

from __future__ import annotations

import ast
import json

import pytest

from unrolled import assets
from unrolled.models.notebook.showing import Drawn

NOTEBOOK = assets.path("notebooks", "unrolled.ipynb")


@pytest.fixture(scope="module")
def cells():
    notebook = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    assert (notebook["nbformat"], notebook["metadata"]["kernelspec"]["language"]) == (4, "python")
    assert len({cell["id"] for cell in notebook["cells"]}) == len(notebook["cells"])
    return ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code"]


def test_every_cell_runs_and_what_it_ends_with_can_be_drawn(cells, monkeypatch, capsys):
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    names: dict[str, object] = {}
    drawn = []
    for number, source in enumerate(cells):
        tree = ast.parse(source)
        *before, last = tree.body
        ends = isinstance(last, ast.Expr)
        exec(compile(ast.Module(before if ends else tree.body, []), f"cell {number}", "exec"), names)
        value = eval(compile(ast.Expression(last.value), f"cell {number}", "eval"), names) if ends else None
        if hasattr(value, "_repr_html_"):
            drawn.append(type(value).__name__)
            if not isinstance(value, Drawn):  # whose report takes a process of its own
                assert "<img " in value._repr_html_()
    assert drawn == ["Drawn", "SteppedModel", "Watch", "Drawn"]
    written = capsys.readouterr().out
    assert "shepherd" in written.splitlines()[-1]


def test_the_five_functions_are_shown(cells):
    whole = "\n".join(cells)
    assert all(f"unrolled.{name}(" in whole for name in ("record", "show", "step", "watch", "open"))
