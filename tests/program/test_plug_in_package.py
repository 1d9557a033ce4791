"""The package of docs/plug-in-packages.md, written out, installed, and found by the program."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from unrolled.models.stepping.layers import Layers
from unrolled.models.trace import Channel, StepResult, Trace

PAGE = Path(__file__).parents[2] / "docs" / "plug-in-packages.md"
FILES = ("pyproject.toml", "unrolled_letters/__init__.py", "unrolled_letters/length.py")
IN_THE_WINDOW = """
import json, sys
from pathlib import Path
from PySide6.QtCore import QTimer
from unrolled.viewer.state.commands import OpenView
from unrolled.viewer.window.application import run
from unrolled.viewer.window.options import WindowOptions

def drive(window, leave):
    def look():
        picker, session = window.layout_.toolbar.model, window.session
        if session.description is None or session.trace is None or len(session.trace) < 5 or session.playhead.step < 0:
            return
        if "state_length" not in opened:
            opened.append("state_length")
            window.do(OpenView("state_length"))
            return
        label = next((own for own in window.findChildren(object) if type(own).__name__ == "LengthView"), None)
        if label is None or not label.label.text():
            return
        print(json.dumps({"picker": [picker.itemText(row) for row in range(picker.count())], "chosen": picker.currentText(),
                          "view": label.label.text()}))
        leave("")
    opened = []
    timer = QTimer(window)
    timer.timeout.connect(look)
    timer.start(50)

sys.exit(run(WindowOptions(file=Path(sys.argv[1]), model="letters"), drive))
"""


def test_the_view_shows_what_is_called_otherwise_too() -> None:
    """As a recording of a network with several layers has it."""
    made: dict[str, Any] = {}
    exec(re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)[1], made)
    trace = Trace((Channel(name="cell/hidden", role="hidden", symbol="h", axes=("unit",), shape=(2,), low=-1, high=1),))
    trace.append(StepResult(step=0, token=0, word="a", log_prob=0.0, values={"cell/hidden": np.array([0.6, 0.8], np.float32)}))
    assert made["LengthView"].sentence(None, trace, 0) == "‖h‖ = 1.00"


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The variables of a process that finds the package."""
    folder, target = tmp_path_factory.mktemp("unrolled-letters"), tmp_path_factory.mktemp("site")
    blocks = re.findall(r"```(?:toml|python)\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) == len(FILES)
    assert sum(bool(line.strip()) for block in blocks[1:] for line in block.splitlines()) <= 30  # of Python
    for name, block in zip(FILES, blocks, strict=True):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(block, encoding="utf-8")
    torch.manual_seed(0)
    whole = torch.nn.ModuleDict({"embed": torch.nn.Embedding(28, 16), "score": torch.nn.Linear(32, 28),
                                 "layers": Layers("gru", 16, 32, 2)})
    torch.save(whole.state_dict(), folder / "unrolled_letters" / "letters.pt")
    subprocess.run([sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-build-isolation", "--no-index",
                    "--disable-pip-version-check", "--target", str(target), str(folder)], check=True, capture_output=True)
    return {"PYTHONPATH": os.pathsep.join(filter(None, (str(target), os.environ.get("PYTHONPATH"))))}


def test_its_model_and_its_view_are_there_whatever_another_package_breaks(run, installed, tmp_path):
    site = tmp_path / "broken-2.0.dist-info"
    site.mkdir()
    (site / "METADATA").write_text("Metadata-Version: 2.1\nName: broken\nVersion: 2.0\n")
    (site / "entry_points.txt").write_text("[unrolled.models]\nodd = json:dumps\nnone = broken_of_all:ADAPTER\n")
    variables = {"PYTHONPATH": os.pathsep.join((str(tmp_path), installed["PYTHONPATH"]))}
    told = run("models", **variables).stdout
    assert "letters  ·  Letters, GRU" in told
    assert "Letters, GRU  ·  of unrolled-letters 1.0" in told
    assert "none  ·  of broken 2.0  ·  cannot be used: ModuleNotFoundError" in told
    assert "odd  ·  of broken 2.0  ·  cannot be used: it is not a ModelAdapter" in told
    findings = {own["name"]: own for own in json.loads(run("doctor", "--json", **variables).stdout)["findings"]}
    assert findings["model family Letters, GRU"]["state"] == findings["view length"]["state"] == "of unrolled-letters 1.0"
    assert [findings[f"model family {name}"]["good"] for name in ("Letters, GRU", "none", "odd")] == [True, False, False]


def test_the_window_offers_it_and_shows_its_view(run, installed, tmp_path):
    (tmp_path / "hello.txt").write_text("hello there")
    window = subprocess.run([sys.executable, "-c", IN_THE_WINDOW, str(tmp_path / "hello.txt")], capture_output=True, text=True,
                            timeout=100, env=os.environ | installed | {"UNROLLED_HOME": str(tmp_path)}, check=False)
    assert window.returncode == 0, window.stderr
    seen = json.loads(window.stdout)
    assert "Letters, GRU" in seen["picker"]
    assert seen["chosen"] == "Letters, GRU"
    assert seen["view"].startswith("‖h‖ = ")
