"""What a language's own letters change below Qt: the Turkish capital of i is no I."""

from __future__ import annotations

import ast
from pathlib import Path

from unrolled import viewer


def _of_qt(tree: ast.Module) -> set[str]:
    return {name.name for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("PySide6")
            for name in node.names}


def test_no_property_that_begins_with_i_is_given_by_its_name():
    """PySide capitalises a property's name by the locale, and under a Turkish one finds none that begins with i."""
    for path in sorted(Path(viewer.__path__[0]).rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        classes = _of_qt(tree)
        for call in ast.walk(tree):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in classes:
                named = [word.arg for word in call.keywords if word.arg and word.arg.startswith("i")]
                assert not named, f"{path.name}, line {call.lineno}: {call.func.id}({named[0]}=…)"
