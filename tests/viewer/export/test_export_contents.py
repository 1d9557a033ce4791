"""What else is exported of a run: tracks, gradients, beam trees and branches; offered only where the run has them."""

from __future__ import annotations

import dataclasses
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
import scripted
import scripted_traces
from PIL import Image

from unrolled.models.protocol.decoding import Decoding
from unrolled.models.protocol.questions import GradientRows
from unrolled.models.protocol.searching import BeamHypothesis, BeamStepped
from unrolled.viewer.export import ExportError, ExportSettings, Subject, export
from unrolled.viewer.export.contents import CONTENTS, Content
from unrolled.viewer.export.scenes.beam_tree import BeamStill, beam_scene
from unrolled.viewer.export.scenes.branch_tree import BranchStill, branch_scene
from unrolled.viewer.export.scenes.gradient_map import GradientStill, gradient_scene
from unrolled.viewer.export.scenes.tracks import TracksStill, tracks_scene
from unrolled.viewer.state.attributions import Followed
from unrolled.viewer.state.branches import Branch, first_branch
from unrolled.viewer.state.search_tree import SearchTree
from unrolled.viewer.theme.colour_maps import to_colours
from unrolled.viewer.theme.themes import LIGHT

SETTINGS = ExportSettings(width=960)
WORDS = scripted.CAPTION
SVG = "{http://www.w3.org/2000/svg}"

pytestmark = pytest.mark.usefixtures("qapp")


def offered(subject: Subject) -> list[Content]:
    return [content for content in CONTENTS if content.there(subject)]


def a_search(trace) -> SearchTree:
    """Two hypotheses a step; the first one is the caption."""
    tree = SearchTree(0, 0, Decoding(method="beam", beam_width=2))
    channels, number = tuple(trace.channels.values()), 0
    total = sum(channel.size for channel in channels)
    for step, word in enumerate(WORDS):
        made = [BeamHypothesis(number=number + place, parent=-1 if step == 0 else number - 2, token=place, word=text,
                               log_prob=-0.5, score=-0.1 * step - place, finished=step == len(WORDS) - 1)
                for place, text in enumerate((word, f"not {word}"))]
        tree.grow(BeamStepped(0, 0, step, tuple(made), np.zeros((2, total), "<f4").tobytes()), channels)
        number += 2
    tree.over = True
    return tree


def followed(length: int) -> Followed:
    table = np.tril(10.0 ** -np.abs(np.subtract.outer(np.arange(length), np.arange(length)) / 3.0)).astype("<f4")
    return Followed(0, 0, 0, length - 1, (GradientRows(row=0, rows=length, column=0, columns=length, hidden=table.tobytes()),))


@pytest.fixture(scope="module")
def subject(qapp) -> Subject:
    trace = scripted.trace()
    other = trace.truncated(6)
    branches = first_branch(trace).with_branch(Branch(identity=1, wire_id=1, name="Another", trace=other, parent=0, step=2))
    return Subject(trace=trace, search=a_search(trace), branches=branches, gradients=followed(len(trace)))


def texts(path) -> list[str]:
    return [element.text for element in ElementTree.parse(path).iter(f"{SVG}title")]


def test_what_a_run_has_is_offered_and_nothing_else(subject):
    assert [content.name for content in offered(subject)] == [
        "attention", "animation", "tracks", "gradients", "beam", "branches", "trace"]
    assert [content.name for content in offered(Subject(trace=subject.trace))] == ["attention", "animation", "tracks", "trace"]
    assert offered(Subject(trace=scripted_traces.translation_trace()))[0].name == "alignment"


@pytest.mark.parametrize("what", ["tracks", "gradients", "beam", "branches"])
def test_each_goes_into_every_kind_of_picture(tmp_path, subject, what):
    for suffix in (".png", ".svg", ".pdf"):
        for look in (SETTINGS, ExportSettings(width=200, type_points=14, dark=True, clear=True, columns=2, end=False)):
            export(subject, tmp_path / f"a{suffix}", look, what=what)
    assert b"/DCTDecode" not in (tmp_path / "a.pdf").read_bytes()  # no colour is a guess of JPEG's
    with pytest.raises(ExportError, match=r"not written as \.gif"):
        export(subject, tmp_path / "a.gif", SETTINGS, what=what)
    with pytest.raises(ExportError, match=r"\.$"):
        export(Subject(trace=subject.trace.truncated(0)), tmp_path / "b.png", SETTINGS, what=what)


def test_tracks_have_the_colours_of_their_values(tmp_path, subject):
    scene = tracks_scene(subject)
    export(subject, tmp_path / "a.png", SETTINGS, what="tracks")
    with Image.open(tmp_path / "a.png") as image:
        pixels = np.asarray(image.convert("RGB")).astype(int)
    still = TracksStill(scene, SETTINGS)
    channel = scene.channels[0]
    place, values = still.places[1], subject.trace.column(channel.name)
    expected = to_colours(values, low=channel.low, high=channel.high, name=LIGHT.diverging)[..., :3].astype(int)
    units = channel.shape[0]
    for step in range(len(values)):
        for unit in range(1, units - 1, 3):  # the edges share their pixels with the ground
            x = round(place.left() + (step + 0.5) * still.across)
            near = pixels[int(place.top() + (unit + 0.5) / units * place.height()), x]
            rows = expected[step, unit - 1 : unit + 2]
            assert np.abs(rows - near).max(axis=1).min() <= 2
    export(subject, tmp_path / "a.svg", SETTINGS, what="tracks")
    assert set(WORDS[:-1]) <= set(texts(tmp_path / "a.svg"))


def test_a_long_run_is_drawn_from_means(tmp_path):
    trace = scripted_traces.translation_trace(("a",), tuple("b" * 3000))
    export(Subject(trace=trace), tmp_path / "a.svg", SETTINGS, what="tracks")
    assert any("2 a column: their mean" in (text or "") for text in texts(tmp_path / "a.svg"))


def test_of_a_model_without_a_state_there_is_no_map_of_gradients(tmp_path, subject):
    words = Followed(0, 0, 0, 3, (GradientRows(row=0, rows=4, column=0, columns=4, hidden=b"", words=bytes(64)),))
    with pytest.raises(ExportError, match="a transformer has none"):
        export(dataclasses.replace(subject, gradients=words), tmp_path / "a.svg", SETTINGS, what="gradients")


def test_gradients_fall_from_the_diagonal(tmp_path, subject):
    still = GradientStill(gradient_scene(subject), dataclasses.replace(SETTINGS, steps=(1, 2, 4)))
    assert still.steps == [1, 2, 4]
    export(subject, tmp_path / "a.svg", dataclasses.replace(SETTINGS, steps=(1, 2, 4)), what="gradients")
    found = texts(tmp_path / "a.svg")
    assert [found.count(WORDS[step]) for step in (1, 2, 4)] == [2, 2, 2]
    assert WORDS[0] not in found
    short = dataclasses.replace(gradient_scene(subject), table=np.ones((5, 5), np.float32))
    with pytest.raises(ExportError, match="1 to 5 alone"):
        GradientStill(short, dataclasses.replace(SETTINGS, steps=(7,)))


def test_a_beam_tree_goes_on_in_bands(tmp_path, subject):
    still = BeamStill(beam_scene(subject), dataclasses.replace(SETTINGS, columns=4))
    assert len(still.bands) == -(-len(WORDS) // 4)
    boxes = list(still.places.values())
    assert all(not one.intersects(other) for number, one in enumerate(boxes) for other in boxes[:number])
    assert max(box.right() * still.scale for box in boxes) <= SETTINGS.width
    export(subject, tmp_path / "a.svg", SETTINGS, what="beam")
    assert {"dog", "not dog", "END"} <= set(texts(tmp_path / "a.svg"))


def test_branches_begin_where_they_leave(tmp_path, subject):
    export(subject, tmp_path / "a.svg", SETTINGS, what="branches")
    found = texts(tmp_path / "a.svg")
    assert {"Run", "Another"} <= set(found)
    assert [found.count(word) for word in WORDS[:7]] == [1, 1, 2, 2, 2, 2, 1]  # what they share is written once
    assert found.count("END") == 1
    export(subject, tmp_path / "b.svg", dataclasses.replace(SETTINGS, end=False), what="branches")
    assert "END" not in texts(tmp_path / "b.svg")
    assert BranchStill(branch_scene(subject), SETTINGS).size.width() == SETTINGS.width
