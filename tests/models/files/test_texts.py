"""Texts in whatever encoding, in the signs that a model knows; and what a file is, told by its bytes."""

from __future__ import annotations

import io
import json
import zipfile

import pytest
from PIL import Image

from unrolled.models.inputs.files import ReadingError
from unrolled.models.inputs.inputs import TYPED, looks_like_prose, sentences_of, typed
from unrolled.models.inputs.kinds import medium_of
from unrolled.models.inputs.sniffing import media_of
from unrolled.models.inputs.texts import as_utf_8, read_text
from unrolled.models.tokenizers.plain_signs import in_known_signs
from unrolled.models.trace.detokenization import shown
from unrolled.models.trace.names import INSTEAD, printable, text_name
from unrolled.viewer.cli.running import typed_input
from unrolled.viewer.state.files import Kind, kind_of

FRENCH = "Le café était très fermé à Noël, ça va de soi."
GERMAN = "Größe und Straße, über die Brücke fährt ein schöner Zug."
QUOTED = "He said “well” – it’s fine, isn’t it?"
POLISH = "Zażółć gęślą jaźń, proszę bardzo, już idę do szkoły."
RUSSIAN = "Мама мыла раму, а папа читал газету вечером."
GREEK = "Η γρήγορη καφέ αλεπού πηδάει πάνω από το σκυλί."
SPACED = "Où est l'élève ? « C'est ça », dit-il : naïve façade, Noël."
CZECH = "Příliš žluťoučký kůň úpěl ďábelské ódy."
TURKISH = "Işık çok güçlü; şu köpek ağacın altında uyuyor."
ICELANDIC = "Það er gott að búa við sjóinn, þar sem fuglar syngja."
HEBREW = "הכלב רץ על הדשא, והילדים משחקים בגן."
ARABIC = "يجري الكلب على العشب، ويلعب الأطفال في الحديقة."
HUNGARIAN = "Árvíztűrő tükörfúrógép. Egy férfi ül a padon."
LITHUANIAN = "Du vyrai sėdi ant suoliuko žaliame parke ir šnekučiuojasi."
MEASURES = "Naïve façade: 20 °C ± 1, 40 m² and 3 µm."
JAPANESE = "吾輩は猫である。名前はまだ無い。どこで生れたか"
THAI = "ชาวประมงแก่นั่งอยู่ริมทะเลสาบและมองดูเด็กๆ โยนก้อนหิน"
VIETNAMESE = "Buổi chiều gió thổi mạnh, con chó nằm cạnh bếp lửa."
UKRAINIAN = "Дід сидів на березі озера й дивився, як пливе її човен."
KOREAN = "늙은 어부는 호숫가에 앉아 아이들을 바라보았다."
CHINESE = "人人生而自由，在尊严和权利上一律平等。"


@pytest.mark.parametrize(("text", "encoding"), [
    *((FRENCH, name) for name in ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252", "latin-1",
                                  "mac_roman", "cp850")),
    *((GERMAN, name) for name in ("cp1252", "latin-1", "mac_roman", "cp850", "cp437")),
    *((QUOTED, name) for name in ("cp1252", "mac_roman")),
    *(("un café", name) for name in ("cp1252", "mac_roman", "cp850")),
    *((POLISH, name) for name in ("cp1250", "iso8859_2")),
    (SPACED, "latin-1"), (SPACED, "cp1252"), (SPACED, "mac_roman"), (CZECH, "cp1250"), (CZECH, "iso8859_2"), (CZECH, "cp852"),
    (POLISH, "cp852"),
    (TURKISH, "cp1254"), (ICELANDIC, "cp1252"), (HEBREW, "cp1255"), (ARABIC, "cp1256"), (RUSSIAN.lower(), "cp1251"),
    (HUNGARIAN, "cp1250"), (HUNGARIAN, "iso8859_2"), (LITHUANIAN, "cp1257"), (MEASURES, "cp1252"),
    ("As milhões e regiões de línguas.", "cp1252"), ("Ça coûte 5 € l’été.".replace("’", "'"), "iso8859_15"),
    *((RUSSIAN, name) for name in ("cp1251", "koi8_r", "cp866", "iso8859_5")),
    *((GREEK, name) for name in ("cp1253", "iso8859_7")),
    *((THAI, name) for name in ("cp874", "tis_620")), *((UKRAINIAN, name) for name in ("cp1251", "koi8_u", "mac_cyrillic")),
    (ARABIC, "iso8859_6"), (RUSSIAN, "mac_cyrillic"), *((HEBREW, name) for name in ("iso8859_8", "cp862")),
    *((GREEK, name) for name in ("mac_greek", "cp737")),
    *((TURKISH, name) for name in ("iso8859_9", "cp857")), (LITHUANIAN, "iso8859_13"), (ICELANDIC, "cp861"),
    (CZECH, "mac_latin2"),
    *((FRENCH, name) for name in ("cp037", "cp500")), *((KOREAN, name) for name in ("euc_kr", "cp949")),
    *((JAPANESE, name) for name in ("shift_jis", "euc_jp", "iso2022_jp")),
    *((CHINESE, name) for name in ("gb18030", "big5")),
    *((text, name) for text in (RUSSIAN, GREEK, CHINESE, FRENCH)
      for name in ("utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be")),  # without a mark
])
def test_every_encoding_gives_its_text(text, encoding):
    if encoding == "big5":
        text = "人人生而自由，在尊嚴和權利上一律平等。"
    read = read_text(text.encode(encoding), "a.txt")
    assert read.text == text
    assert bool(read.notes) == (not encoding.startswith("utf"))


@pytest.mark.parametrize(("data", "title"), [
    (b'Bu\xb1i chi\xabu gi\xf3 th\xb1i m\xd5nh, con ch\xf3 n\xa2m c\xd5nh b\xaap l\xd8a.', "VISCII"),
    (b'Bu\xe6i chi\xd2u gi\xe3 th\xe6i m\xb9nh, con ch\xe3 n\xbbm c\xb9nh b\xd5p l\xf6a.', "TCVN 5712"),
    (b'Bu\xf4\xd2i chi\xea\xccu gi\xf3 th\xf4\xd2i ma\xf2nh, con ch\xf3 n\xe3\xccm ca\xf2nh b\xea\xecp l\xfd\xd2a.',
     "Windows-1258")])
def test_vietnamese_is_read_whatever_it_was_written_in(data, title):
    """As iconv of the C library writes it."""
    read = read_text(data, "a.txt")
    assert read.text == VIETNAMESE
    assert title in read.notes[0]


@pytest.mark.parametrize("data", [bytes(range(256)) * 4, b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", bytes(range(1, 32)) * 9 + b"\xff"])
def test_what_is_no_text(data):
    with pytest.raises(ReadingError, match="binary data"):
        read_text(data, "a.txt")


@pytest.mark.parametrize(("ends", "encoding"), [
    ("\r\n", "utf-8"), ("\r", "cp1252"), ("\N{NEXT LINE}", "utf-8"), ("\N{NEXT LINE}", "latin-1"), ("\u2028", "utf-16"),
    ("\u2029", "utf-8")])
def test_whatever_ends_a_line_ends_a_line(ends, encoding):
    lines = ("Ein Hund läuft.", "Ärger naht.", "Zwei Männer sitzen.")
    assert read_text("".join(f"{line}{ends}" for line in lines).encode(encoding), "a").text.split("\n") == [*lines, ""]


@pytest.mark.parametrize("data", [b"hello\0world", b"hell\0world", b"\0" * 64])
def test_zeros_alone_make_no_text(data):
    with pytest.raises(ReadingError, match="binary data"):
        read_text(data, "a.txt")


@pytest.mark.parametrize("broken", [b"\xe9", b"\xc3", b"\xed\xa0\x80", b"\xff"])
def test_a_fault_in_utf_8_costs_its_bytes_alone(broken):
    """A text that was cut in the middle of a letter, or has a letter of another encoding in it."""
    text = RUSSIAN * 3
    read = read_text(text.encode() + broken + b" end", "a.txt")
    assert read.text.startswith(text)
    assert read.text.endswith("\N{REPLACEMENT CHARACTER} end")
    assert "not valid UTF-8" in read.notes[0]


@pytest.mark.parametrize("text", ["\0nul", "\x1b[31mred\x07", "a\N{RIGHT-TO-LEFT OVERRIDE}b", "caf\udce9 \ud83d\ude00",
                                  "\0" * 40 + "a", "a\nb\n\tc", "漢字", "a\u2028b\r\nc\x85d"])
def test_what_is_typed_is_read_as_it_was_typed(text):
    """Also what looks like another encoding, or has halves of letters in it, as a clipboard can have."""
    for given in (typed(text), *sentences_of(typed(f"{text}\n{text}"))):
        assert read_text(given.data, given.name).text == given.text
        assert "\ud83d" not in given.text
    assert read_text(typed_input(text, "text"), TYPED).text == typed(text).text  # from a command line


@pytest.mark.parametrize(("text", "is_prose"), [
    ("A dog runs.", True), ("a dog", True), ("A dog runs.\n\nTwo men sit.\n", True), ("“Yes,” he said.\n— No! she said…\n", True),
    ("x = 1\ny = 2\n", False), ("import os\nimport re\n", False), ("for (;;)\n  go on;\n", False),
    ("# A title of it.\nA dog runs here.\n", False)])
def test_lines_that_are_sentences_are_told_from_a_program(text, is_prose):
    assert looks_like_prose(typed(text)) == is_prose


def test_a_person_may_say_the_encoding():
    data = "Zürich — 5 €".encode("mac_roman")
    assert read_text(as_utf_8(data, "mac-roman", "a"), "a").text == "Zürich — 5 €"
    assert read_text(as_utf_8("ÿþ".encode("utf-16"), "utf-16", "a"), "a").text == "ÿþ"
    for wrong in ("none of them", "hex", "rot13", "idna", "punycode", "undefined"):
        with pytest.raises(ReadingError, match="not a text encoding"):
            as_utf_8(data, wrong, "a")


def test_marks_without_end_are_left_out():
    """Bringing them into order takes the square of their number."""
    text = read_text(("a" + "\u0315\u0300" * 1000 + "b" + "\u0301" * 30).encode(), "marks.txt")
    assert text.text == "a" + "\u0315\u0300" * 15 + "b" + "\u0301" * 30
    assert text.notes == ("At most 30 marks on a letter are read; “marks.txt” has more.",)
    assert len(as_utf_8(b"a" + b"\xf2\xcc" * 1000, "cp1258", "marks.txt")) < 100


def test_a_mark_that_lies_is_said():
    with pytest.raises(ReadingError, match="UTF-16"):
        read_text(b"\xff\xfea", "a.txt")


def test_signs_are_written_as_the_model_knows_them():
    plain = set("abcdefghijklmnopqrstuvwxyz '\"-.").__contains__
    assert in_known_signs("“it’s” – fine…", plain)[0] == "\"it's\" - fine..."
    assert in_known_signs("cafe\N{COMBINING ACUTE ACCENT} straße \N{LATIN SMALL LIGATURE FI}n", plain)[0] == "cafe strasse fin"
    for unseen in "\u200b\u200c\u200d\u200e\u202e\u2060\u2066\ufeff\u00ad\ufe0f":
        assert in_known_signs(f"a{unseen} b", plain) == ("a b", ())
    assert in_known_signs("a\N{NEXT LINE}b Łódź", {*"abcdefghijklmnopqrstuvwxyzLo \n"}.__contains__)[0] == "a\nb Lodz"
    with_accents = {*"abcdefghijklmnopqrstuvwxyz é“”"}.__contains__
    assert in_known_signs("“cafe\N{COMBINING ACUTE ACCENT}”", with_accents) == ("“café”", ())
    text, notes = in_known_signs("漢 “a”", plain)
    assert text == '漢 "a"'  # what has no plainer form is left to be called unknown
    assert "“ as \"" in notes[0]


def image(kind: str, **options: object) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (20, 20), "red").save(stream, kind, **options)
    return stream.getvalue()


@pytest.mark.parametrize("wanted", ["picture", "sentence", "text", "clip"])
@pytest.mark.parametrize("name", ["photo", "photo.jfif", "photo.txt", "main.cpp", "clip.mpg", "a.srt", "data.bin"])
def test_what_a_file_is_its_bytes_say(tmp_path, name, wanted):
    path = tmp_path / name
    for kind in ("JPEG", "PNG", "BMP", "TIFF", "WEBP", "PPM", "JPEG2000", "GIF", "AVIF"):
        path.write_bytes(image(kind))
        assert medium_of(path, wanted) == "picture", kind
    for text in (FRENCH.encode(), RUSSIAN.encode("cp1251"), FRENCH.encode("utf-16"), b"int main() {}\n", b"BMW is a car", b"GIF"):
        path.write_bytes(text)
        assert (medium_of(path, wanted) == "text") == (path.suffix not in (".jfif", ".mpg")), text
    for head in (b"\0\0\0\x18ftypisom", b"\x1a\x45\xdf\xa3", b"RIFF\0\0\0\0AVI LIST", b"\0\0\1\xba", (b"G" + bytes(187)) * 4):
        path.write_bytes(head + bytes(range(256)))
        assert medium_of(path, wanted) == "clip", head


def test_an_animation_is_a_clip_whatever_its_name(tmp_path):
    stream = io.BytesIO()
    first, *others = (Image.new("RGB", (20, 20), (60 * number, 0, 0)) for number in range(4))
    first.save(stream, "PNG", save_all=True, append_images=others)
    assert media_of(stream.getvalue()) == ("clip", "picture")
    path = tmp_path / "anim.png"
    path.write_bytes(stream.getvalue())
    assert [medium_of(path, kind) for kind in ("clip", "picture", "text")] == ["clip", "picture", "clip"]


def test_a_table_of_other_programs_is_a_text(tmp_path):
    for name, text in (("data.json", json.dumps({"a": 1})), ("data.csv", "a,b\n1,2\n")):
        (tmp_path / name).write_text(text)
        assert kind_of(tmp_path / name) is Kind.INPUT
    (tmp_path / "trace.json").write_text(json.dumps({"format": "unrolled-trace"}))
    assert kind_of(tmp_path / "trace.json") is Kind.TRACE
    for name in ("photo.safetensors", "photo.npz", "photo.json", "photo.pth"):
        (tmp_path / name).write_bytes(image("JPEG"))
        assert kind_of(tmp_path / name) is Kind.INPUT
    with zipfile.ZipFile(tmp_path / "renamed.zip", "w") as archive:
        archive.writestr("session.json", "{}")
    assert kind_of(tmp_path / "renamed.zip") is Kind.SESSION


@pytest.mark.parametrize("text", ["می\u200cخواهم", "क्\u200dष", "dog 👩\u200d👧"])
def test_what_joins_signs_or_keeps_them_apart_stays(text):
    assert text_name(text) == printable(text) == shown(text, "words") == text
    assert shown("\u200d", "characters") == INSTEAD
    assert text_name("a\u200b\u202e\ufeff") == f"a{3 * INSTEAD}"
