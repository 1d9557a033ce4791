"""Exports of what reads no picture: alignments, clips and texts, read back from their files."""

from __future__ import annotations

import dataclasses
import xml.etree.ElementTree as ElementTree

import av
import msgspec
import numpy as np
import pytest
import scripted
import scripted_traces
from PIL import Image

from unrolled.models.trace import Channel, Provenance, StepResult, Trace
from unrolled.viewer.export import ExportError, ExportSettings, Subject, export
from unrolled.viewer.export.scenes.alignment import AlignmentFrames, AlignmentStill, alignment_scene
from unrolled.viewer.export.scenes.clip import ClipFrames, ClipStill, clip_scene
from unrolled.viewer.export.scenes.picture import make_scene
from unrolled.viewer.export.scenes.text import TextStill, text_scene
from unrolled.viewer.theme.colour_maps import colour_table

SETTINGS = ExportSettings(width=480, seconds_per_word=0.4, last_seconds=1.0)

pytestmark = pytest.mark.usefixtures("qapp")


def text_trace(text: str = "for x in y:\n\tpass\n", given: int = 6) -> Trace:
    channel = Channel(name="hidden", role="hidden", symbol="h", axes=("unit",), shape=(4,), low=-1, high=1)
    made = Trace([channel], provenance=Provenance(input_kind="text", detokenization="characters", prompt_tokens=given),
                 input_bytes=b"for x ")
    for step, word in enumerate(text):
        made.append(StepResult(step=step, token=ord(word), word=word, log_prob=-0.1 * (step % 30),
                               values={"hidden": np.zeros(4, np.float32)}))
    return made


def centre(layout, row, column):
    geometry = layout.geometry
    return (round(layout.at[1] + geometry.top + (row + 0.5) * geometry.cell_height),
            round(layout.at[0] + geometry.left + (column + 0.5) * geometry.cell_width))


def test_rows_grow_and_have_the_colours_of_their_weights():
    trace = scripted_traces.translation_trace()
    frames = AlignmentFrames(alignment_scene(trace), SETTINGS)
    weights, table = trace.column("attention"), colour_table("inferno").astype(int)
    ground = frames.paint(0)[centre(frames.layout, len(trace) - 1, 0)]
    for step in range(len(trace)):
        pixels = frames.paint(step)
        assert pixels.shape[:2] == frames.size[::-1]
        for row in range(len(trace)):
            found = pixels[centre(frames.layout, row, row % weights.shape[1])].astype(int)
            if row <= step:
                expected = table[round(float(weights[row, row % weights.shape[1]]) * 255)][:3]
                assert np.abs(found - expected).max() <= 6
            else:
                assert np.array_equal(found, ground)


def test_the_sentence_is_lit_up_by_the_current_row():
    trace = scripted_traces.translation_trace()
    frames = AlignmentFrames(alignment_scene(trace), SETTINGS)
    layout, weights = frames.layout, trace.column("attention")
    table = colour_table("inferno").astype(int)
    for step in (0, 1, 4, 8):
        pixels = frames.paint(step)
        for word, place in enumerate(layout.words.places):
            at = round(layout.words_top + place.top() + 3), round(layout.margin + place.center().x())
            expected = table[round(float(weights[step, word]) * 255)][:3]
            assert np.abs(pixels[at].astype(int) - expected).max() <= 6


def test_an_alignment_goes_into_every_kind_of_file(tmp_path):
    trace = scripted_traces.translation_trace()
    for suffix in (".gif", ".webp"):
        export(trace, tmp_path / f"a{suffix}", SETTINGS)
        with Image.open(tmp_path / f"a{suffix}") as image:
            assert (image.n_frames, image.width) == (len(trace), 480)
    export(trace, tmp_path / "a.mp4", SETTINGS)
    with av.open(str(tmp_path / "a.mp4")) as film:
        assert sum(1 for _ in film.decode(film.streams.video[0])) == len(trace)
    export(trace, tmp_path / "a.png", SETTINGS)
    still = AlignmentStill(alignment_scene(trace), SETTINGS)
    with Image.open(tmp_path / "a.png") as image:
        pixels = np.asarray(image.convert("RGB"))
    table = colour_table("inferno").astype(int)
    for row, column in ((0, 0), (1, 2), (4, 4), (9, 3)):
        expected = table[round(float(trace.column("attention")[row, column]) * 255)][:3]
        assert np.abs(pixels[centre(still.layout, row, column)].astype(int) - expected).max() <= 6
    export(trace, tmp_path / "a.svg", SETTINGS)
    texts = "".join(ElementTree.parse(tmp_path / "a.svg").getroot().itertext())
    assert all(word in texts for word in ("chien", "brown", "END", "un chien marron court dans l'herbe."))
    export(trace, tmp_path / "a.pdf", SETTINGS)
    assert (tmp_path / "a.pdf").read_bytes().startswith(b"%PDF")


def test_an_alignment_in_vectors_holds_shapes_and_no_picture(tmp_path):
    trace = scripted_traces.translation_trace()
    export(trace, tmp_path / "a.svg", SETTINGS)
    tree = ElementTree.parse(tmp_path / "a.svg")
    assert not list(tree.iter("{http://www.w3.org/2000/svg}image"))
    fills = {element.get("fill") for element in tree.iter() if (element.get("fill") or "").startswith("#")}
    colours = np.array([[int(fill[at : at + 2], 16) for at in (1, 3, 5)] for fill in fills])
    for weight in trace.column("attention").ravel():
        expected = colour_table("inferno").astype(int)[round(float(weight) * 255)][:3]
        assert np.abs(colours - expected).max(axis=1).min() <= 6
    export(trace, tmp_path / "a.pdf", SETTINGS)
    data = (tmp_path / "a.pdf").read_bytes()
    assert b"/Subtype /Image" not in data
    assert b"/DCTDecode" not in data


def test_a_long_sentence_can_be_exported(tmp_path):
    source, written = (tuple(f"▁{side}{number}" for number in range(200)) for side in ("source", "written"))
    export(scripted_traces.translation_trace(source, written), tmp_path / "a.png", SETTINGS)
    with Image.open(tmp_path / "a.png") as image:
        assert image.height < 4000


def test_a_clip_has_its_frames_labels_and_probabilities(tmp_path):
    trace = scripted_traces.clip_trace()
    scene = clip_scene(trace)
    frames = ClipFrames(scene, SETTINGS)
    given = scripted_traces.clip_frames()
    chances = trace.column("label_probability")
    for step in range(0, len(trace), 3):
        pixels, place = frames.paint(step), frames.picture
        for y, x in ((24, 5), (24, 20), (24, 40), (5, 5)):
            at = round(place.top() + (y + 0.5) / 48 * place.height()), round(place.left() + (x + 0.5) / 48 * place.width())
            assert np.array_equal(pixels[at], given[step, y, x])
        for number, label in enumerate(frames.shown):
            whole, bar = frames.bar(number, 1.0), frames.bar(number, float(chances[step, label]))
            line = pixels[round(whole.center().y()), round(whole.left()):round(whole.right())].astype(int)
            filled = (np.abs(line - line[-1]).sum(-1) > 20).sum() if chances[step, label] < 0.97 else len(line)
            assert filled == pytest.approx(bar.width(), abs=2)
    export(trace, tmp_path / "a.gif", SETTINGS)
    with Image.open(tmp_path / "a.gif") as image:
        assert image.n_frames == len(trace)
    export(trace, tmp_path / "a.png", SETTINGS)
    still = ClipStill(scene, SETTINGS)
    with Image.open(tmp_path / "a.png") as image:
        assert image.size == still.size.toTuple()
        middle = still.place(3).center()
        corner = round(still.place(3).left() + 4), round(middle.y() - still.tall / 3)
        assert image.convert("RGB").getpixel(corner) == (40, 40, 40)
    export(trace, tmp_path / "a.svg", SETTINGS)
    texts = "".join(ElementTree.parse(tmp_path / "a.svg").getroot().itertext())
    assert scene.words[0] in texts


def test_every_label_that_is_said_in_a_clip_has_a_bar(tmp_path):
    scene = clip_scene(scripted_traces.clip_trace())
    labels = tuple("abcdefg")
    said = ("b", "c", "d", "e", "g", "g")
    chances = np.full((len(said), len(labels)), 0.01, np.float32)
    chances[0, [0, 5]] = 0.99, 0.98  # as probable as any, and never said
    for step, label in enumerate(said):
        chances[step, labels.index(label)] = 0.6
    many = dataclasses.replace(scene, frames=scene.frames[: len(said)], words=said, chances=chances, labels=labels,
                               probabilities=np.full(len(said), 0.6, np.float32))
    assert [labels[own] for own in ClipFrames(many, SETTINGS).shown] == ["b", "c", "d", "e", "g"]
    few = dataclasses.replace(many, words=("b",) * len(said))
    assert [labels[own] for own in ClipFrames(few, SETTINGS).shown] == ["a", "b", "c", "f"]


def test_a_clip_without_its_frames_is_said(tmp_path):
    trace = scripted_traces.clip_trace()
    trace.input_bytes = b""
    with pytest.raises(ExportError, match="without its clip"):
        export(trace, tmp_path / "a.gif", SETTINGS)
    trace.input_bytes = b"no clip at all"
    with pytest.raises(ExportError):
        export(trace, tmp_path / "a.gif", SETTINGS)
    assert not list(tmp_path.iterdir())


def test_what_is_unknown_or_cannot_be_printed_is_one_sign(tmp_path):
    trace = text_trace("ab\x07c")
    trace.words[1] = "<unknown>"
    scene = text_scene(trace)
    assert scene.signs == ("a", "\N{REPLACEMENT CHARACTER}", "\N{REPLACEMENT CHARACTER}", "c")
    places = TextStill(scene, SETTINGS).places
    assert len({round(place.width(), 3) for place in places}) == 1
    export(trace, tmp_path / "a.svg", dataclasses.replace(SETTINGS, outlines=False))
    assert not set((tmp_path / "a.svg").read_text(encoding="utf-8")) & set("\x07\x1b")


@pytest.mark.parametrize(("places", "what", "suffix"), [((2, 3), "", "png"), ((2, 3), "animation", "gif"), ((5,), "", "svg"),
                                                       ((5,), "animation", "gif"), ((5,), "tracks", "pdf")])
def test_the_layer_and_head_that_are_looked_at_are_drawn(tmp_path, places, what, suffix):
    trace = scripted_traces.layered_trace(places=places)
    trace.input_bytes = b"" if len(places) == 2 else trace.input_bytes
    drawn = []
    for name, at in (("usual", {}), ("mean", {"layer": "2", "head": "mean"}), ("head", {"layer": "2", "head": "1"}),
                     ("first", {"layer": "0", "head": "mean"})):
        export(Subject(trace=trace, at=at), tmp_path / f"{name}.{suffix}", SETTINGS, what=what)
        drawn.append((tmp_path / f"{name}.{suffix}").read_bytes())
    assert suffix == "pdf" or drawn[0] == drawn[1] != drawn[2] != drawn[3] != drawn[0]


def test_a_sentence_that_is_not_attended_to_has_no_alignment(tmp_path):
    trace = scripted_traces.layered_trace(places=())
    trace.provenance = msgspec.structs.replace(trace.provenance, input_kind="sentence")
    with pytest.raises(ExportError, match="attends"):
        export(trace, tmp_path / "a.png", SETTINGS)


def test_words_of_a_strip_and_labels_of_a_clip_are_shown_by_signs():
    words = ("new\nline", "a\u202eb", "\x1b[31m", "<end>")
    trace = scripted.trace()
    trace.words[-4:] = words
    assert make_scene(trace).words[-4:] == ("new⏎line", "a\ufffdb", "\ufffd[31m", "END")
    scene = clip_scene(scripted_traces.clip_trace(labels=words[:3]))
    assert scene.labels == ("new⏎line", "a\ufffdb", "\ufffd[31m")
    assert set(scene.words) <= set(scene.labels)


def test_a_piece_stands_on_one_line_whatever_is_in_it():
    trace = text_trace("abcd")
    trace.provenance = msgspec.structs.replace(trace.provenance, detokenization="pieces")
    trace.words[:] = ["\u2581one.\n\n", "\ttwo\x1b[0m\u202e", "\n", "\u2581end"]
    scene = text_scene(trace)
    assert scene.signs == (" one.⏎⏎", "⇥two\N{REPLACEMENT CHARACTER}[0m\N{REPLACEMENT CHARACTER}", "\n", " end")
    tops = [place.top() for place in TextStill(scene, SETTINGS).places]
    assert tops[0] < tops[1] == tops[2] < tops[3]


def test_a_text_is_coloured_by_its_probabilities(tmp_path):
    trace = text_trace()
    export(trace, tmp_path / "a.png", SETTINGS)
    still = TextStill(text_scene(trace), SETTINGS)
    with Image.open(tmp_path / "a.png") as image:
        for step, place in enumerate(still.places):
            corner = round(place.left() + 1), round(place.top() + 2)
            assert image.convert("RGB").getpixel(corner) == still.ground(step).getRgb()[:3]
    assert still.places[12].top() > still.places[11].top()  # after the line's end
    export(trace, tmp_path / "a.svg", SETTINGS)
    export(trace, tmp_path / "a.pdf", SETTINGS)
    with pytest.raises(ExportError, match="png"):
        export(trace, tmp_path / "a.gif", SETTINGS)
    with pytest.raises(ExportError, match="too long"):
        export(text_trace("x" * 6001), tmp_path / "b.png", SETTINGS)
    assert not (tmp_path / "a.gif").exists()
