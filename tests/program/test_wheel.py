"""The wheel holds every folder and every file of them, so that no new subpackage is forgotten."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDERS = ("models", "viewer", "assets")
LEFT_OUT = {"__pycache__"}


def test_the_wheel_holds_every_folder(tmp_path):
    source = tmp_path / "source"
    source.mkdir()
    for name in (*FOLDERS, "pyproject.toml", "README.md", "LICENSE"):
        # Built from links, in a folder of its own: a build leaves nothing in the checkout.
        _copy(ROOT / name, source / name)
    result = subprocess.run([sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(tmp_path), str(source)],
                            capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    (wheel,) = tmp_path.glob("unrolled-*.whl")
    with zipfile.ZipFile(wheel) as file:
        inside = {name for name in file.namelist() if name.startswith("unrolled/")}
        points = next(name for name in file.namelist() if name.endswith("entry_points.txt"))
        assert "unrolled = unrolled.viewer.cli.main:main" in file.read(points).decode()
    expected = {f"unrolled/{path.relative_to(ROOT)}" for folder in FOLDERS for path in (ROOT / folder).rglob("*")
                if path.is_file() and not LEFT_OUT & set(path.parts) and path.suffix != ".pyc"}
    assert inside == expected
    assert "unrolled/__init__.py" not in inside  # a namespace: people have packages of the same names inside theirs


def _copy(path: Path, target: Path) -> None:
    if path.is_file():
        target.symlink_to(path)
        return
    target.mkdir()
    for inside in path.iterdir():
        if inside.name not in LEFT_OUT:
            _copy(inside, target / inside.name)
