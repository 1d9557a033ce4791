"""What a drop or the clipboard names: files whatever their names, and nothing that is not there or on the web."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import quote_from_bytes

import pytest
from PySide6.QtCore import QByteArray, QMimeData

from unrolled.viewer.window.pasting import NothingToOpen, paths_of


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
        "example.com/cats/cat.jpeg", "javascript:alert(1)", "about:blank", "data:image/png;base64,iVBORw0KGgo=", "ftp://a/b")),
    data("text/html", b'<p><img alt="" src="https://example.com/cat.jpg"></p>'), data("text/uri-list", b"https://example.com/a.jpg"),
    data("text/uri-list", b"mailto:somebody@example.com"),
])
def test_what_is_on_the_web_is_said(mime):
    with pytest.raises(NothingToOpen, match="on the web"):
        paths_of(mime)


@pytest.mark.parametrize("words", ["/no/such.png", "~/no/such.png", "/" + "a" * 9000 + ".png", "/a\0b.png",
                                   "~nobody-at-all/x.png", r"C:\no\such.png", r"\\server\no\such.png", '"/no such picture.png"'])
def test_a_path_of_nothing_is_said(words):
    with pytest.raises(NothingToOpen, match="There is no file") as raised:
        paths_of(text(words))
    assert len(str(raised.value)) < 400
    assert str(raised.value).isprintable()


@pytest.mark.parametrize("words", ["A dog runs.", "see http://example.com for more", "3/4 of it", "/ is a sign", "e.g. this/that",
                                   "a:b", "the/a", "and/or"])
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
