"""Animations and film strips, read back from their files."""

from __future__ import annotations

import dataclasses
import errno
import sys
import xml.etree.ElementTree as ElementTree

import av
import numpy as np
import pytest
import scripted
from av.video.reformatter import Colorspace
from PIL import Image
from PySide6.QtGui import QImage, QPainter
from PySide6.QtSvg import QSvgRenderer

from unrolled.models.protocol.decoding import Decoding
from unrolled.models.protocol.loading import Loaded
from unrolled.models.protocol.recorder import Recorder
from unrolled.models.protocol.stepping import Opened, Stepped
from unrolled.models.trace import Trace
from unrolled.models.trace.files import load_trace
from unrolled.viewer.drawing.images import pixels_of
from unrolled.viewer.export import Cancelled, ExportError, ExportSettings, export
from unrolled.viewer.export.animation import write_mp4
from unrolled.viewer.export.formats import Makes, formats
from unrolled.viewer.export.scenes.frames import FramePainter
from unrolled.viewer.export.scenes.picture import make_scene
from unrolled.viewer.export.stills import write_png

SETTINGS = ExportSettings(width=320, seconds_per_word=0.4, last_seconds=1.0)
STEPS = len(scripted.CAPTION)
PAINTED = [row.suffix for row in formats().values() if row.makes is not Makes.TRACE]

SVG = "{http://www.w3.org/2000/svg}"

pytestmark = pytest.mark.usefixtures("qapp")


def _drawn(path):
    """An SVG as Qt's own reader draws it."""
    renderer = QSvgRenderer(str(path))
    image = QImage(renderer.defaultSize(), QImage.Format.Format_RGB888)
    image.fill(255)
    with QPainter(image) as painter:
        renderer.render(painter)
    return Image.fromarray(pixels_of(image))


@pytest.mark.parametrize("suffix", [".gif", ".webp"])
def test_an_animation_has_every_word_and_its_time(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    heard: list[float] = []
    export(scripted.trace(), path, SETTINGS, on_progress=heard.append)
    with Image.open(path) as image:
        assert image.n_frames == STEPS
        assert image.width == 320
        durations = []
        for frame in range(image.n_frames):
            image.seek(frame)
            image.load()
            durations.append(image.info["duration"])
    assert durations == [400] * (STEPS - 1) + [1000]
    assert heard == sorted(heard)
    assert heard[-1] == 1.0


def test_a_film_has_even_sizes_and_every_word_its_exact_time(tmp_path):
    path = tmp_path / "a.mp4"
    export(scripted.trace(), path, ExportSettings(width=321, seconds_per_word=0.066, last_seconds=1.0))
    with av.open(str(path)) as film:
        stream = film.streams.video[0]
        assert stream.codec_context.name == "h264"
        assert (stream.width, stream.height % 2) == (320, 0)
        assert stream.codec_context.pix_fmt == "yuv420p"
        times = [round(1000 * float(frame.pts * frame.time_base)) for frame in film.decode(stream)]
        assert times == [70 * step for step in range(STEPS)]
        assert round(1000 * float(stream.duration * stream.time_base)) == 70 * (STEPS - 1) + 1000


@pytest.mark.parametrize("seconds", [0.004, 0.02, 0.075, 0.125, 0.5])
def test_a_word_stands_as_long_in_every_film(tmp_path, seconds):
    settings, lasts = ExportSettings(width=64, seconds_per_word=seconds, last_seconds=0.3), {}
    for suffix in (".gif", ".webp", ".mp4"):
        export(scripted.trace(), tmp_path / f"a{suffix}", settings)
    for suffix in (".gif", ".webp"):
        with Image.open(tmp_path / f"a{suffix}") as image:
            lasts[suffix] = []
            for number in range(STEPS):
                image.seek(number)
                image.load()
                lasts[suffix].append(image.info["duration"])
    with av.open(str(tmp_path / "a.mp4")) as film:
        lasts[".mp4"] = [round(1000 * float(packet.duration * packet.time_base)) for packet in film.demux() if packet.size]
    assert lasts[".gif"] == lasts[".webp"] == lasts[".mp4"]
    assert abs(lasts[".gif"][0] - 1000 * seconds) <= 6


def test_a_film_says_its_colours_and_they_are_those_of_the_picture(tmp_path):
    colours = [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0), (30, 144, 60)]
    scene = dataclasses.replace(make_scene(scripted.trace(("a",))), maps=np.zeros((1, 6, 8), np.float32),
                                photograph=np.repeat(np.array([colours], np.uint8), 64, axis=1).repeat(240, axis=0))
    path = tmp_path / "a.mp4"
    write_mp4(scene, path, dataclasses.replace(SETTINGS, opacity=0.0), lambda fraction: None, lambda: False)
    area = FramePainter(scene, SETTINGS)._photograph
    with av.open(str(path)) as film:
        frame = next(film.decode(video=0))
        assert (frame.colorspace, frame.color_primaries, frame.color_trc, frame.color_range) == (1, 1, 1, 1)
        seen = frame.reformat(format="rgb24", src_colorspace=Colorspace.ITU709, src_color_range=1, dst_color_range=2).to_ndarray()
    for number, colour in enumerate(colours):
        x = area.left() + round((number + 0.5) * area.width() / len(colours))
        assert np.abs(seen[area.center().y(), x].astype(int) - colour).max() <= 4


@pytest.mark.parametrize("height", [160, 320, 640])
def test_a_round_disc_stays_round_in_a_strip(tmp_path, height):
    y, x = np.mgrid[:height, :160]
    disc = ((x - 80) ** 2 + (y - height / 2) ** 2 < 60**2)[..., None]
    scene = dataclasses.replace(make_scene(scripted.trace(("a",) * 5)), maps=np.zeros((5, 6, 8), np.float32),
                                photograph=np.where(disc, np.uint8([230, 40, 40]), np.uint8([90, 140, 60])))
    write_png(scene, tmp_path / "a.png", ExportSettings(width=1200, opacity=0.0), lambda fraction: None, lambda: False)
    with Image.open(tmp_path / "a.png") as strip:
        red = np.asarray(strip)[:, :230].astype(int)
    rows, columns = np.nonzero((red[..., 0] > 180) & (red[..., 1] < 90))
    assert np.ptp(columns) > 40
    assert abs(np.ptp(rows) - np.ptp(columns)) <= 2


def test_attention_is_drawn_where_it_is_and_nowhere_else():
    trace = scripted.trace(scripted.CAPTION[:3])
    maps = trace.column("attention")
    maps[:] = 0.0
    maps[0, 1, 2], maps[1, 4, 6] = 0.15, 0.15  # below the scale's end, so that the middle alone is brightest
    grey = np.full((240, 320, 3), 128, np.uint8)  # and the third step looks at nothing
    painter = FramePainter(dataclasses.replace(make_scene(trace), photograph=grey), SETTINGS)
    frames = [painter.paint(step).astype(int) for step in range(3)]
    area = painter._photograph
    for step, (row, column) in enumerate(((1, 2), (4, 6))):
        differs = np.abs(frames[step] - frames[2]).sum(-1)[area.top():area.bottom(), area.left():area.right()]
        y, x = np.unravel_index(differs.argmax(), differs.shape)
        assert (int(y / area.height() * 6), int(x / area.width() * 8)) == (row, column)


def test_the_scale_is_absolute_unless_asked_otherwise():
    trace = scripted.trace(scripted.CAPTION[:2])
    maps = trace.column("attention")
    maps[:] = 1.0 / 48
    maps[1, 0, 0], maps[1, 5, 7] = 0.5, 0.0
    painter = FramePainter(make_scene(trace), SETTINGS)
    area = painter._photograph
    middle = area.center()
    first, second = painter.paint(0), painter.paint(1)
    assert np.array_equal(first[middle.y(), middle.x()], second[middle.y(), middle.x()])
    stretched = FramePainter(make_scene(trace), ExportSettings(width=320, scale="stretched"))
    assert not np.array_equal(stretched.paint(1)[middle.y(), middle.x()], second[middle.y(), middle.x()])


def test_frames_that_differ_in_nothing_but_their_number_are_all_kept(tmp_path):
    trace = scripted.trace(("a",) * 4)
    trace.column("attention")[:] = 1.0 / 48
    trace.log_probs[:] = -1.0
    for suffix in (".gif", ".webp"):
        path = tmp_path / f"a{suffix}"
        export(trace, path, dataclasses.replace(SETTINGS, words=False))
        with Image.open(path) as image:
            assert image.n_frames == 4


def test_the_part_that_the_model_saw_is_outlined_where_it_is_not_all():
    scene = dataclasses.replace(make_scene(scripted.trace(("a",))), maps=np.zeros((1, 6, 8), np.float32))
    whole = FramePainter(scene, SETTINGS).paint(0).astype(int)
    painter = FramePainter(dataclasses.replace(scene, region=(0.25, 0.0, 0.75, 1.0)), SETTINGS)
    differs = np.abs(painter.paint(0) - whole).sum(-1) > 0
    area = painter._photograph
    columns = np.flatnonzero(differs[area.center().y()])
    left, right = area.left() + area.width() * 0.25, area.left() + area.width() * 0.75
    assert len(columns)
    assert all(min(abs(column - left), abs(column - right)) <= 4 for column in columns)


def test_long_words_and_captions_stay_inside_the_frame():
    words = ("a", "kraftfahrzeughaftpflichtversicherung" * 3, *("dog",) * 40)
    scene = dataclasses.replace(make_scene(scripted.trace(("a",) * len(words))), words=words)
    painter = FramePainter(scene, SETTINGS)
    frames = [painter.paint(step) for step in (1, len(words) - 1)]
    ground = frames[0][0, 0]
    for frame in frames:  # one layout, and nothing in the margins
        assert frame.shape == frames[0].shape
        assert (frame[:, :6] == ground).all()
        assert (frame[:, -6:] == ground).all()


def test_a_strip_in_vectors_has_outlines_that_say_their_words_or_text(tmp_path):
    export(scripted.trace(), tmp_path / "a.svg", SETTINGS)
    tree = ElementTree.parse(tmp_path / "a.svg")
    assert not list(tree.iter(f"{SVG}text"))
    assert {"brown", "dog", "running", "END"} <= {element.text for element in tree.iter(f"{SVG}title")}
    export(scripted.trace(), tmp_path / "text.svg", dataclasses.replace(SETTINGS, outlines=False))
    texts = {element.text for element in ElementTree.parse(tmp_path / "text.svg").iter(f"{SVG}text")}
    assert {"brown", "dog", "running", "END"} <= texts
    drawn = [np.asarray(_drawn(tmp_path / name).convert("L"), float) for name in ("a.svg", "text.svg")]
    assert np.abs(drawn[0] - drawn[1]).mean() < 2.0  # the same picture but for the edges of letters
    pictures = list(tree.iter(f"{SVG}image"))
    assert len(pictures) >= STEPS
    export(scripted.trace(), tmp_path / "a.pdf", SETTINGS)
    data = (tmp_path / "a.pdf").read_bytes()
    assert data.startswith(b"%PDF")
    assert data.rstrip().endswith(b"%%EOF")
    export(scripted.trace(), tmp_path / "a.png", SETTINGS)
    with Image.open(tmp_path / "a.png") as strip:
        assert strip.width == 320
        strip.load()


def test_a_trace_can_be_exported_as_it_is(tmp_path):
    export(scripted.trace(), tmp_path / "a.npz")
    assert list(load_trace(tmp_path / "a.npz").words) == list(scripted.CAPTION)


@pytest.mark.parametrize("suffix", PAINTED)
def test_cancelling_leaves_nothing_behind(tmp_path, suffix):
    asked = iter([False, False, True, True, True])
    with pytest.raises(Cancelled):
        export(scripted.trace(), tmp_path / f"a{suffix}", SETTINGS, cancelled=lambda: next(asked))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("suffix", PAINTED)
def test_a_full_disk_leaves_the_old_file(tmp_path, monkeypatch, suffix):
    path = tmp_path / f"a{suffix}"
    path.write_bytes(b"old")

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("unrolled.models.trace.atomic.os.fsync", full)
    with pytest.raises(ExportError, match="no room left"):
        export(scripted.trace(), path, SETTINGS)
    assert path.read_bytes() == b"old"
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]


def test_attention_without_its_picture_lies_on_a_plain_ground(tmp_path):
    trace = scripted.trace()
    trace.input_bytes = b""
    export(trace, tmp_path / "a.png", SETTINGS)
    ground = make_scene(trace).photograph
    assert np.ptp(ground) == 0
    assert ground.shape[1] / ground.shape[0] == pytest.approx(8 / 6, abs=0.01)  # as many cells across and down
    assert (tmp_path / "a.png").stat().st_size > 1000


def test_a_run_that_was_walked_to_its_end_has_ended(tmp_path):
    loaded, opened = Loaded(scripted.description(), "cpu", 0), Opened(0, (0.0, 0.0, 1.0, 1.0))
    recorder = Recorder(loaded=loaded, opened=opened, name="a.png", data=scripted.picture().data)
    trace, source = recorder.trace(Decoding()), scripted.trace()
    for step in range(STEPS):
        assert not trace.ended
        own = source.step(step)
        values = np.concatenate([own.values[c.name].ravel() for c in scripted.channels()]).astype("<f4").tobytes()
        recorder.add(Stepped(0, step, own.token, own.word, own.log_prob, own.candidates, values, 0.1, 0), trace)
    assert trace.ended
    assert trace.truncated(STEPS).ended
    assert not trace.truncated(STEPS - 1).ended


def test_what_cannot_be_exported_is_said_in_a_sentence(tmp_path):
    whole = scripted.trace()
    with pytest.raises(ExportError, match=r"\.gif, \.mp4"):
        export(whole, tmp_path / "a.bmp")
    with pytest.raises(ExportError, match="no steps"):
        export(Trace(scripted.channels(), input_bytes=whole.input_bytes), tmp_path / "a.gif")
    with pytest.raises(ExportError, match="no attention"):
        export(Trace.from_columns(scripted.channels()[:1], {"hidden": whole.column("hidden")}, words=whole.words,
                                  tokens=whole.tokens, log_probs=whole.log_probs, candidates=whole.candidates),
               tmp_path / "a.gif")
    with pytest.raises(ExportError, match="no folder"):
        export(scripted.trace(), tmp_path / "no" / "a.gif")
    with pytest.raises(ExportError, match="colour map"):
        export(scripted.trace(), tmp_path / "a.gif", ExportSettings(colour_map="nosuchmap"))
    for wrong, sentence in (({"width": 0}, "width of 0"), ({"width": 100_000}, "64 to 8192"), ({"scale": "log"}, "no scale"),
                            ({"seconds_per_word": 0.0}, "0 seconds"), ({"last_seconds": float("nan")}, "nan seconds")):
        with pytest.raises(ExportError, match=sentence):
            export(scripted.trace(), tmp_path / "a.gif", dataclasses.replace(SETTINGS, **wrong))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(sys.platform == "win32", reason="a full disk is played by a limit that Windows lacks")
@pytest.mark.parametrize("suffix", [row.suffix for row in formats().values()])
def test_a_full_disk_leaves_the_good_file(tmp_path, suffix):
    import resource

    path = tmp_path / f"a{suffix}"
    path.write_bytes(b"good")
    export(scripted.trace(), tmp_path / f"warm{suffix}", SETTINGS)  # what is imported late writes files of its own
    (tmp_path / f"warm{suffix}").unlink()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (700, hard))
    try:
        with pytest.raises(ExportError, match=r"cannot be written|no room"):
            export(scripted.trace(), path, SETTINGS)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert path.read_bytes() == b"good"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("word", ["\x1b[31m", "\x00", "\ud800", "\uffff", "<&>", "\x08a\u202e"])
def test_any_word_leaves_an_svg_well_formed(tmp_path, word):
    trace = Trace(scripted.channels(), provenance=scripted.trace().provenance, input_bytes=scripted.picture().data)
    for step in range(3):
        trace.append(dataclasses.replace(scripted.step_result(step, "a"), word=word))
    for suffix in (".svg", ".pdf", ".gif"):
        export(trace, tmp_path / f"a{suffix}", SETTINGS)
    root = ElementTree.parse(tmp_path / "a.svg").getroot()
    assert "\x1b" not in "".join(root.itertext())
