"""Numbers as people read them."""

from __future__ import annotations

import math

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unrolled.models.inputs.kinds import kind_named
from unrolled.models.trace import Channel, Provenance
from unrolled.models.trace.edits import ClampUnits
from unrolled.models.trace.numbers import brief, general, precise, signed
from unrolled.viewer.state.wording import channel_title, is_end, percent, place_name, spoken_percent, step_noun, what_a_step_is
from unrolled.viewer.widgets.number_box import NumberBox


@pytest.mark.parametrize(("probability", "text"), [
    (0.0, "<0.1%"), (0.0004, "<0.1%"), (0.0006, "0.1%"), (0.031, "3.1%"), (0.0994, "9.9%"), (0.0996, "10%"), (0.62, "62%"),
    (0.994, "99%"), (0.996, "99.6%"), (0.999, "99.9%"), (0.99951, ">99.9%"), (1.0, "100%"), (math.nan, "–"),
])
def test_a_probability_in_percent(probability: float, text: str) -> None:
    assert percent(probability) == text


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_has_a_minus_sign_and_powers_of_ten(value: float) -> None:
    for text in (signed(value), precise(value), brief(value), general(value), ClampUnits(channel="cell", value=value).in_words):
        assert not {"-", "e"} & set(text.removeprefix("cell").partition(" at ")[0])
    digits, _, _ = general(value).partition("·")
    assert digits.startswith("−") == (value < 0)


def test_a_field_for_numbers_shows_a_minus_sign_and_takes_either(qtbot) -> None:
    box = NumberBox(decimals=3, minimum=-10, maximum=10, prefix="from ")
    qtbot.addWidget(box)
    for typed in ("-0.5", "−2.25"):
        box.lineEdit().setText(f"from {typed}")
        box.interpretText()
        assert (box.value(), box.text()) == (float(typed.replace("−", "-")), f"from {typed.replace('-', '−'):0<6}")


def test_what_turns_a_line_round_is_shown_by_a_sign_in_a_channel() -> None:
    made = Channel(name="a\x1b", role="hidden", symbol="h\u202e", axes=(), shape=(), low=0, high=1)
    assert (channel_title(made), made.symbol) == ("a\ufffd", "h\ufffd")
    assert msgspec.structs.replace(made, label="\u2066gate").title == "\ufffdgate"


@given(st.floats(0.0, 1.0, exclude_max=True))
def test_only_what_is_certain_is_said_to_be(probability: float) -> None:
    text = percent(probability)
    assert text != "100%"
    assert len(text) <= 6
    if text[0] not in "<>":
        assert abs(float(text.rstrip("%")) / 100 - probability) <= (0.0005 if "." in text else 0.005) + 1e-12


def test_a_screen_reader_says_the_signs() -> None:
    assert spoken_percent(0.9999) == "over 99.9 percent"
    assert spoken_percent(1e-6) == "below 0.1 percent"


@pytest.mark.parametrize(("kind", "said"), [
    ("picture", "Step t holds the state after the word of step t − 1 was read; the word of step t is chosen from it."),
    ("text", "Step t holds the state after the character of step t − 1 was read; the character of step t is chosen from it."),
    ("clip", "Step t holds the state after frame t was read; the label of step t is chosen from it."),
    ("recording", "Step t holds the state after the input of step t was read."),
])
def test_what_a_step_is_depends_on_what_a_step_reads(kind: str, said: str) -> None:
    joining = "characters" if kind == "text" else "words"
    provenance = Provenance(input_kind=kind, detokenization=joining, convention=kind_named(kind).convention)
    assert what_a_step_is(provenance) == (
        f"{said}\nSteps, layers and heads are counted from 1 here, and from 0 in files and on the command line.")


@pytest.mark.parametrize(("kind", "detokenization", "noun"), [
    ("sentence", "words", "word"), ("sentence", "continued pieces", "piece"), ("sentence", "pieces", "piece"),
    ("sentence", "characters", "character"), ("text", "pieces", "piece"), ("clip", "labels", "frame"),
    ("recording", "words", "step")])
def test_a_step_is_called_by_what_it_writes(kind: str, detokenization: str, noun: str) -> None:
    assert step_noun(Provenance(input_kind=kind, detokenization=detokenization)) == noun


@pytest.mark.parametrize(("word", "ends"), [("</s>", True), ("<end>", True), ("[EOS]", True), ("<eos>", True),
                                            ("<s>", False), ("end", False), ("s", False), ("", False), ("<", False)])
def test_the_mark_of_an_end_is_known_and_that_of_a_start_is_none(word: str, ends: bool) -> None:
    assert is_end(word) == ends


def test_places_are_counted_from_1_as_people_see_them() -> None:
    grid, words = (Channel(name="attention", role="attention", symbol="α", axes=axes, shape=shape, low=0.0, high=1.0)
                   for axes, shape in ((("row", "column"), (3, 4)), (("source",), (7,))))
    assert [place_name(place, grid) for place in (0, 3, 4, 11)] == [
        "row 1, column 1", "row 1, column 4", "row 2, column 1", "row 3, column 4"]
    assert place_name(6, words) == place_name(6, None) == "place 7"
