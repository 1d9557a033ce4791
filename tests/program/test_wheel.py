"""The wheel holds every folder and every file of them, so that no new subpackage is forgotten, and it is quick to import."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = ("models", "viewer", "assets")
LEFT_OUT = {"__pycache__"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    tmp_path = tmp_path_factory.mktemp("wheel")
    source = tmp_path / "source"
    source.mkdir()
    for name in (*FOLDERS, "__init__.py", "__main__.py", "pyproject.toml", "README.md", "LICENSE"):
        # Built from links, in a folder of its own: a build leaves nothing in the checkout.
        _copy(ROOT / name, source / name)
    result = subprocess.run([sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(tmp_path), str(source)],
                            capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    (wheel,) = tmp_path.glob("unrolled-*.whl")
    return wheel


def test_the_wheel_holds_every_folder(wheel):
    with zipfile.ZipFile(wheel) as file:
        inside = {name for name in file.namelist() if name.startswith("unrolled/")}
        points = next(name for name in file.namelist() if name.endswith("entry_points.txt"))
        assert "unrolled = unrolled.viewer.cli.main:main" in file.read(points).decode()
    expected = {f"unrolled/{path.relative_to(ROOT)}" for folder in FOLDERS for path in (ROOT / folder).rglob("*")
                if path.is_file() and not LEFT_OUT & set(path.parts) and path.suffix != ".pyc"}
    assert inside == {"unrolled/__init__.py", "unrolled/__main__.py", *expected}


def test_importing_the_package_loads_neither_torch_nor_qt(wheel, tmp_path):
    with zipfile.ZipFile(wheel) as file:
        file.extractall(tmp_path)
    code = ("import sys, unrolled\n"
            "assert not {'torch', 'PySide6', 'numpy'} & set(sys.modules), sorted(sys.modules)\n"
            "assert not any(name.startswith('unrolled.') for name in sys.modules)\n"
            "assert not hasattr(unrolled, 'misspelled')\n"
            "assert all(callable(getattr(unrolled, name)) for name in ('open', 'record', 'show'))\n"
            "assert 'PySide6' not in sys.modules\n"
            "print(unrolled.__file__, unrolled.__version__)")
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=tmp_path,
                            env=os.environ | {"PYTHONPATH": str(tmp_path)})
    assert result.returncode == 0, result.stderr
    version = wheel.name.split("-")[1]
    assert result.stdout.split() == [str(tmp_path / "unrolled" / "__init__.py"), version]


def _copy(path: Path, target: Path) -> None:
    if path.is_file():
        target.symlink_to(path)
        return
    target.mkdir()
    for inside in path.iterdir():
        if inside.name not in LEFT_OUT:
            _copy(inside, target / inside.name)
