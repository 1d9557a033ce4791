"""What another package adds by an entry point: a family of models, a kind of input, a format of export."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import ClassVar

import pytest
import scripted
import tiny_lines

from unrolled.models.adapters import registry
from unrolled.models.adapters.adapter import Source
from unrolled.models.checkpoints.files import CheckpointError
from unrolled.models.inputs import kinds
from unrolled.models.inputs.kinds import InputKind, decode_input, medium_of, read_bytes, taken_by
from unrolled.models.stepping.stepper import AnyStepper
from unrolled.models.trace import Provenance, Trace, plugins
from unrolled.models.training.recipe import Recipe
from unrolled.viewer.export import ExportError, export, formats
from unrolled.viewer.export.formats import ExportFormat, Makes
from unrolled.viewer.state.files import Kind, input_of_trace, kind_of

Install = Callable[..., None]


class FolderAdapter:
    """Models in folders with a ``config.json`` that names a seed."""

    family = "folders"
    input_kind = "picture"
    recipes: ClassVar[dict[str, Recipe]] = {}
    evaluate = None
    models = ()

    def accepts(self, source: Source) -> bool:
        return isinstance(source, Path) and (source / "config.json").is_file()

    def load(self, source: Source, device: str, reuse: AnyStepper | None) -> AnyStepper:
        assert isinstance(source, Path)
        return tiny_lines.captioner(seed=json.loads((source / "config.json").read_text())["seed"])


@dataclass(frozen=True)
class Tune:
    """A melody, as the window holds it."""

    name: str
    data: bytes
    medium: str = "tune"


def read_tune(data: bytes, name: str) -> tuple[Tune, tuple[str, ...]]:
    return Tune(name, data), (f"“{name}” has {len(data)} notes.",)


def write_words(trace: Trace, path: Path) -> None:
    path.write_text(" ".join(trace.words), encoding="utf-8")


ADAPTER = FolderAdapter()
KIND = InputKind(name="tune", medium="tune", title="Tunes", suffixes=(".tune",), step_noun="note", read=Path.read_bytes,
                 decode=read_tune, for_model=lambda data, name: (list(data), ()))
FORMAT = ExportFormat(suffix=".words", title="The words alone", makes=Makes.TRACE, writer=f"{__name__}:write_words")


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Install a package whose entry point of a group names a value of this module."""
    def install(group: str, *names: str) -> None:
        monkeypatch.setitem(sys.modules, "from_outside", sys.modules[__name__])
        points = [EntryPoint(name, f"from_outside:{name}", group) for name in names]
        monkeypatch.setattr(plugins, "entry_points", lambda *, group: [point for point in points if point.group == group])
        plugins.brought.cache_clear()

    yield install
    plugins.brought.cache_clear()


def test_a_family(tmp_path: Path, install: Install) -> None:
    (tmp_path / "config.json").write_text('{"seed": 3}')
    with pytest.raises(CheckpointError, match="holds no checkpoint"):
        registry.load(str(tmp_path))
    install(registry.GROUP, "nothing_of_this_name", "ADAPTER")  # the broken one costs only itself
    adapter, stepper = registry.opened(str(tmp_path))
    assert adapter is ADAPTER
    assert stepper.description.input_kind == adapter.input_kind
    assert len(registry.listings()) == len(registry.shipped()) == len(registry.recipes())


def test_a_kind_of_input(tmp_path: Path, install: Install) -> None:
    path = tmp_path / "song.tune"
    path.write_bytes(b"\1\2\3")
    assert medium_of(path, "clip") == "clip"
    install(kinds.GROUP, "KIND")
    assert medium_of(path, "clip") == medium_of(path, "tune") == "tune"
    assert kind_of(path) is Kind.INPUT
    given, notes = decode_input(read_bytes(path, "tune"), path.name, "tune")
    assert given == Tune("song.tune", b"\1\2\3")
    assert "3 notes" in notes[0]
    assert taken_by(given, "tune")
    assert not taken_by(given, "picture")
    assert kinds.kind_named("tune").for_model(given.data, given.name) == ([1, 2, 3], ())
    provenance = Provenance(input_kind="tune", input_name="song.tune", input_hash=hashlib.sha256(given.data).hexdigest())
    assert input_of_trace(Trace(scripted.channels(), provenance=provenance, input_bytes=given.data), "x") == given


def test_a_format_of_export(tmp_path: Path, install: Install) -> None:
    with pytest.raises(ExportError, match="should end in one of"):
        export(scripted.trace(), tmp_path / "a.words")
    install(formats.GROUP, "FORMAT")
    export(scripted.trace(), tmp_path / "a.words")
    assert (tmp_path / "a.words").read_text(encoding="utf-8") == " ".join(scripted.CAPTION)
