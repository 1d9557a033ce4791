"""Every shipped picture is credited, every icon can be coloured, every font has its licence beside it."""

import re
from importlib.metadata import requires

import pytest
from PIL import Image

from unrolled import assets

ICONS = [file for file in sorted(assets.path("icons").glob("*.svg")) if file.stem != "unrolled"]
SAMPLES = sorted(assets.path("samples").glob("*.jpg"))


@pytest.mark.parametrize("icon", ICONS, ids=lambda file: file.stem)
def test_an_icon_takes_the_colour_of_the_theme(icon):
    text = icon.read_text(encoding="utf-8")
    assert 'viewBox="0 0 24 24"' in text
    assert 'stroke="currentColor"' in text
    assert not re.search(r"#[0-9a-fA-F]{3,8}\b", text), "a fixed colour would not follow the theme"
    assert f"`{icon.stem}`" in assets.path("icons", "CREDITS.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda file: file.stem)
def test_a_sample_picture_opens_and_is_credited(sample):
    with Image.open(sample) as picture:
        picture.load()
        assert picture.mode == "RGB"
        assert 400 <= max(picture.size) <= 1000
    assert f"`{sample.name}`" in assets.path("samples", "CREDITS.md").read_text(encoding="utf-8")


def test_there_are_samples_icons_and_fonts():
    assert len(SAMPLES) >= 2
    assert len(ICONS) >= 31
    for family in ("Inter", "JetBrainsMono"):
        assert assets.path("fonts", f"{family}-Regular.ttf").is_file()
        licence = assets.path("fonts", f"{family}-LICENSE.txt").read_text(encoding="utf-8")
        assert "SIL OPEN FONT LICENSE" in licence
    assert assets.path("icons", "LICENSE").is_file()


def test_the_licence_of_whatever_is_installed_beside_it_is_told():
    told = assets.path("licences", "third-party.md").read_text(encoding="utf-8").lower()
    for line in requires("unrolled"):
        name, others = re.match(r"[\w.-]+", line)[0], re.search(r"extra == .(test|dev).", line)
        assert others or name == "unrolled" or name.lower() in told, f"nothing is said of {name}"


def test_an_optional_asset_may_be_asked_for():
    assert not assets.path("samples", "no-such-picture.jpg").exists()
