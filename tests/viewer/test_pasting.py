"""What a drop or the clipboard names: files whatever their names, and nothing that is not there or on the web."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import quote_from_bytes

import pytest
from PySide6.QtCore import QByteArray, QMimeData
from PySide6.QtGui import QImage

from unrolled.viewer.window.pasting import NothingToOpen, paths_of, picture_of


def text(words: str) -> QMimeData:
    mime = QMimeData()
    mime.setText(words)
    return mime


def data(kind: str, content: bytes) -> QMimeData:
    mime = QMimeData()
    mime.setData(kind, QByteArray(content))
    return mime


@pytest.mark.parametrize("mime", [
    *(text(words) for words in (
        "https://example.com/cat.jpg", "https://a.b/c.jpg\nhttps://a.b/d.jpg", "www.example.com/cats",
        "example.com/cats/cat.jpeg", "javascript:alert(1)", "about:blank", "data:image/png;base64,iVBORw0KGgo=", "ftp://a/b",
        "https://example.com/my cat.jpg", "localhost:8000/a/cat.png", "s3://bucket/cat.jpg", "192.168.0.1:80/cat.jpg")),
    data("text/html", b'<p><img alt="" src="https://example.com/cat.jpg"></p>'), data("text/uri-list", b"https://example.com/a.jpg"),
    data("text/uri-list", b"mailto:somebody@example.com"),
])
def test_what_is_on_the_web_is_said(mime):
    with pytest.raises(NothingToOpen, match="on the web"):
        paths_of(mime)


@pytest.mark.parametrize("words", ["/no/such.png", "~/no/such.png", "/" + "a" * 9000 + ".png", "/a\0b.png",
                                   "~nobody-at-all/x.png", r"C:\no\such.png", r"\\server\no\such.png", '"/no such picture.png"',
                                   "cat.jpg", "photos/cat.HEIC", "./cat.jpg", "../clip", "no-clip.mp4"])
def test_a_path_of_nothing_is_said(words):
    with pytest.raises(NothingToOpen, match="There is no file") as raised:
        paths_of(text(words))
    assert len(str(raised.value)) < 400
    assert str(raised.value).isprintable()


@pytest.mark.parametrize("words", ["A dog runs.", "see http://example.com for more", "3/4 of it", "/ is a sign", "e.g. this/that",
                                   "a:b", "the/a", "and/or", "x.c", "/a\nis a sentence",
                                   "see https://example.com/cat.jpg, it sleeps"])
def test_a_sentence_is_a_sentence(words):
    assert paths_of(text(words)) == []


@pytest.mark.parametrize("name", [b"with space.png", b"new\nline.png", "größe.png".encode(), b"%41.png", b"a#b?c.png",
                                  b"-dash.png", b"quo'te\".png", b"caf\xe9.png"])
def test_any_name_can_be_dropped(tmp_path, name):
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name))
    try:
        path.write_bytes(b"x")
    except OSError:
        pytest.skip("this system has no such names")
    address = "file://" + quote_from_bytes(os.fsencode(path))
    for mime in (data("text/uri-list", address.encode()), text(address)):
        assert paths_of(mime) == [path]
    if b"\n" not in name and b"\xe9" not in name:
        assert paths_of(text(f" '{path}' ")) == [path]


def test_paths_that_were_copied_together_are_all_opened(tmp_path):
    paths = [tmp_path / name for name in ("a.png", "with space.png", "c.txt")]
    for path in paths:
        path.touch()
    quoted = "\r\n".join(f'"{path}"' for path in paths)  # as Windows copies paths
    assert paths_of(text(quoted)) == paths
    with_one_gone = [*paths, tmp_path / "gone.png"]
    assert paths_of(text("\n".join(map(str, with_one_gone)))) == with_one_gone
    assert paths_of(text(f"copy\nfile://localhost{paths[0]}")) == paths[:1]


def test_cells_of_a_table_are_their_text_and_a_picture_of_a_page_is_a_picture():
    image = QImage(20, 20, QImage.Format.Format_RGB32)
    for words, html, is_picture in (
            ("", "", True), ("A dog\tsleeps.", "<table><td>A dog</td></table>", False), ("https://example.com/a.jpg", "", True),
            ("https://a.b/photos/c.jpg", '<img src="https://a.b/photos/c.jpg">', True), ("no-such-cat.jpg", "", True),
            ("A cat", '<img src="https://a.b/c.jpg" alt="A cat">', True)):
        mime = QMimeData()
        mime.setImageData(image)
        if words:
            mime.setText(words)
        if html:
            mime.setHtml(html)
        assert (picture_of(mime) is not None) == is_picture, words
        if is_picture:
            assert paths_of(mime) == [], words


@pytest.mark.parametrize("inside", [True, False])
def test_words_that_are_dragged_within_the_window_open_nothing(window, inside):
    mime, taken = text("deux enfants"), []
    window.dragEnterEvent(SimpleNamespace(mimeData=lambda: mime, source=lambda: window.layout_ if inside else None,
                                          acceptProposedAction=lambda: taken.append(True)))
    assert bool(taken) is not inside
