"""Edits: what they are, what they refuse, what they do to a step, and that nothing else changes."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
import tiny_captioner as tiny
import tiny_lines
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_lines import CELLS, always, captioner, characters, run_of, take, values_of, written

from unrolled.models.protocol.decoding import Decoding
from unrolled.models.protocol.message import RequestError
from unrolled.models.protocol.stepping import SteppedBlock
from unrolled.models.runs.errors import EngineError, NotFinite
from unrolled.models.trace import Channel
from unrolled.models.trace.edits import (
    AddNoise,
    ClampUnits,
    Edit,
    EditError,
    ForceToken,
    MaskAttention,
    ScaleUnits,
    SetAttention,
    SwapInput,
    UniformAttention,
    check,
    first_step,
    places_in,
)

PLACES = 9
NOTHING = (
    ScaleUnits(channel="cell", factor=1.0), ScaleUnits(channel="hidden", units=(1, 3), factor=1.0),
    AddNoise(channel="forget_gate", deviation=0.0), ClampUnits(channel="cell", value=9.0, first=50),
    MaskAttention(places=(2,), first=40, last=45), UniformAttention(first=30))


def same(one: list, other: list) -> bool:
    return [(own.token, own.log_prob, own.values) for own in one] == [(own.token, own.log_prob, own.values) for own in other]


@pytest.mark.parametrize("edit", NOTHING)
def test_an_edit_that_changes_nothing_gives_the_same_bits(edit: Edit) -> None:
    stepper = captioner()
    _, plain = written(stepper)
    _, edited = written(stepper, (edit,))
    assert same(plain, edited)


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("attention", [True, False])
def test_a_unit_set_to_what_it_is_changes_nothing(cell: str, attention: bool) -> None:
    stepper = captioner(cell, attention=attention)
    line, plain = written(stepper)
    for channel in line.channels:
        if not channel.editable or channel.axes != ("unit",):
            continue
        value = float(values_of(line, plain)[channel.name][2, 5])
        _, edited = written(stepper, (ClampUnits(channel=channel.name, units=(5,), value=value, first=2, last=2),))
        assert same(plain, edited)


def test_a_forget_gate_of_1_and_an_input_gate_of_0_keep_the_cell() -> None:
    edits = (ClampUnits(channel="forget_gate", value=1.0, first=2), ClampUnits(channel="input_gate", value=0.0, first=2))
    line, reports = written(captioner(), edits)
    cell = values_of(line, reports)["cell"]
    assert torch.equal(cell[1:], cell[1].expand(len(cell) - 1, -1))
    assert not torch.equal(cell[0], cell[1])


def test_an_update_gate_of_1_keeps_the_state_of_a_gru() -> None:
    line, reports = written(captioner("gru"), (ClampUnits(channel="update_gate", value=1.0, first=1),))
    hidden = values_of(line, reports)["hidden"]
    torch.testing.assert_close(hidden[1:], hidden[0].expand(len(hidden) - 1, -1))


def test_forcing_the_word_that_was_chosen_gives_the_same_branch() -> None:
    run = next(run for seed in range(99) if len(take((run := run_of(captioner(seed=seed))).branch(0), stop=20)) > 4)
    plain = take(run.branch(0), stop=20)
    chosen = plain[2].token
    run.fork(1, 0, 2, (ForceToken(first=2, last=2, token=chosen),), ())
    assert same(take(run.branch(1), start=2, stop=20), plain[2:])
    assert run.branch(1).tokens == run.branch(0).tokens


@given(places=st.sets(st.integers(0, PLACES - 1), min_size=1, max_size=PLACES - 1))
@settings(max_examples=25)
def test_masked_places_get_nothing_and_the_others_share_it(places: set[int]) -> None:
    stepper = captioner()
    line, plain = written(stepper, steps=1)
    _, masked = written(stepper, (MaskAttention(places=tuple(places)),), steps=1)
    before, after = values_of(line, plain)["attention"][0], values_of(line, masked)["attention"][0]
    left = [place for place in range(PLACES) if place not in places]
    assert (after[list(places)] == 0).all()
    torch.testing.assert_close(after[left], before[left] / before[left].sum(), atol=1e-5, rtol=1e-4)


@given(weights=st.lists(st.floats(0, 10), min_size=PLACES, max_size=PLACES).filter(lambda own: sum(own) > 0.1))
@settings(max_examples=25)
def test_painted_attention_is_what_was_painted(weights: list[float]) -> None:
    line, reports = written(captioner(), (SetAttention(weights=tuple(weights), first=1, last=1),), steps=3)
    expected = np.array(weights) / sum(weights)
    assert np.allclose(values_of(line, reports)["attention"][1], expected, atol=1e-6)


@pytest.mark.parametrize("edits", [
    (MaskAttention(places=(4,)), SetAttention(weights=(0.0,) * 4 + (1.0,) + (0.0,) * 4)),
    (MaskAttention(places=tuple(range(5))), MaskAttention(places=tuple(range(5, 9)))),
    (MaskAttention(places=tuple(range(5))), UniformAttention(), MaskAttention(places=tuple(range(5, 9))))])
def test_edits_that_together_leave_nothing_to_look_at_say_so(edits: tuple[Edit, ...]) -> None:
    with pytest.raises(RequestError, match="nothing to look at"):
        written(captioner(), edits, steps=1)


def test_even_attention_has_full_entropy() -> None:
    line, reports = written(captioner(), (UniformAttention(first=1, last=2),), steps=4)
    assert torch.allclose(values_of(line, reports)["attention_entropy"][1:3], torch.ones(2, 1))


@given(units=st.sets(st.integers(0, 15), min_size=1), factor=st.floats(-3, 3), step=st.integers(0, 3))
@settings(max_examples=25)
def test_only_the_units_that_are_named_are_scaled_and_only_then(units: set[int], factor: float, step: int) -> None:
    stepper = captioner()
    line, plain = written(stepper, steps=step + 1)
    edit = ScaleUnits(channel="hidden", units=tuple(units), factor=factor, first=step, last=step)
    _, edited = written(stepper, (edit,), steps=step + 1)
    assert same(plain[:step], edited[:step])
    before, after = values_of(line, plain)["hidden"][step], values_of(line, edited)["hidden"][step]
    others = [unit for unit in range(16) if unit not in units]
    assert torch.equal(before[others], after[others])
    torch.testing.assert_close(after[list(units)], before[list(units)] * factor)


def test_noise_is_drawn_from_seed_and_step_alone() -> None:
    stepper = captioner()
    line, plain = written(stepper, steps=3)

    def noise(**fields: object) -> torch.Tensor:
        _, reports = written(stepper, (AddNoise(channel="hidden", deviation=0.5, first=2, **fields),), steps=3)
        return values_of(line, reports)["hidden"][2] - values_of(line, plain)["hidden"][2]

    assert torch.equal(noise(), noise())
    assert not torch.equal(noise(), noise(seed=1))
    torch.testing.assert_close(noise(units=(4, 7))[[4, 7]], noise()[[4, 7]])
    assert (noise(units=(4, 7))[[0, 1, 15]] == 0).all()


def test_another_input_is_looked_at_from_its_step_on() -> None:
    stepper = captioner()
    run = run_of(stepper)
    plain = take(run.branch(0), stop=4)
    other = "a" * 64
    with pytest.raises(EngineError, match="has not been read"):
        run.fork(1, 0, 2, (SwapInput(first=2, name="b.jpg", input_hash=other),), ())
    run.add_input(other, stepper.read(tiny.drawing("blue", "square")))
    run.fork(1, 0, 2, (*tiny_lines.forced(*run.branch(0).tokens), SwapInput(first=2, name="b.jpg", input_hash=other)), ())
    swapped = take(run.branch(1), start=2, stop=4)
    assert swapped[0].values != plain[2].values
    # It is what the other picture gives from the state that the first one left.
    state, memory = run.branch(0).state(2, always), stepper.read(tiny.drawing("blue", "square")).memory
    _, record = stepper.step(memory, state, [run.branch(0).tokens[1]])
    assert swapped[0].values == record.values[0].numpy().tobytes()


@pytest.mark.parametrize(("channel", "factor"), [("cell", 1e30), ("forget_gate", 1e30)])
def test_numbers_that_are_none_stop_the_run_and_say_where_they_began(channel: str, factor: float) -> None:
    run = run_of(captioner())
    line = run.branch(0)
    take(line, stop=2)
    words = tiny_lines.forced(*tiny_lines.WORDS)
    run.fork(1, 0, 2, (*words, ScaleUnits(channel=channel, units=(5,), factor=factor, first=2)), ())
    broken = run.branch(1)
    with pytest.raises(NotFinite) as raised:
        take(broken, start=2)
    assert raised.value.step == len(broken)  # what was before is kept, the step itself is not
    assert raised.value.channel
    assert "not finite" in str(raised.value)
    assert "edit" in str(raised.value)
    assert take(line, stop=4)  # and the run goes on without the edit


def test_of_a_text_that_is_read_what_came_before_is_kept() -> None:
    run = run_of(characters("lstm"), "abc" * 40)
    run.fork(1, 0, 0, (ScaleUnits(channel="cell", factor=1e30, first=50),), ())
    report = run.branch(1).advance(0, Decoding(), always, 120)
    assert isinstance(report, SteppedBlock)
    assert 50 <= report.count < 60
    with pytest.raises(NotFinite, match="cell"):
        run.branch(1).advance(report.count, Decoding(), always, 120)
    again = run.branch(0).advance(0, Decoding(), always, 120)
    assert isinstance(again, SteppedBlock)
    assert again.count == 120
    fifty = len(again.values) * 50 // again.count
    assert again.values[:fifty] == report.values[:fifty]


# ── What edits are ────────────────────────────────────────────────────────────────────────────────────────────────

CHANNELS = (
    Channel(name="cell", role="cell", symbol="c", axes=("unit",), shape=(16,), low=-3, high=3, editable=True),
    Channel(name="attention", role="attention", symbol="α", axes=("row", "column"), shape=(3, 3), low=0, high=1, editable=True),
    Channel(name="attention_entropy", role="attention_entropy", symbol="H", axes=(), shape=(), low=0, high=1))
steps = st.integers(0, 10**6)
units = st.lists(st.integers(0, 40), max_size=4).map(tuple)
names = st.sampled_from(["cell", "attention", "attention_entropy", "nothing"])
finite = st.floats(-1e30, 1e30)
edits = st.one_of(
    st.builds(ForceToken, first=steps, last=steps, token=st.integers(0, 20), word=st.text(max_size=5)),
    st.builds(ClampUnits, first=steps, last=st.integers(-1, 10**6), channel=names, units=units, value=finite),
    st.builds(ScaleUnits, first=steps, channel=names, units=units, factor=finite),
    st.builds(AddNoise, first=steps, channel=names, units=units, deviation=st.floats(0, 1e6), seed=st.integers(0, 99)),
    st.builds(UniformAttention, first=steps, last=st.integers(-1, 9)),
    st.builds(SetAttention, first=steps, weights=st.lists(st.floats(0, 5), min_size=1, max_size=10).map(tuple)),
    st.builds(MaskAttention, first=steps, places=st.lists(st.integers(0, 12), min_size=1, max_size=12).map(tuple)),
    st.builds(SwapInput, first=steps, name=st.text(max_size=5), input_hash=st.just("0" * 64)))


@given(edits)
@settings(max_examples=150)
def test_an_edit_is_the_same_after_it_was_written_and_read(edit: Edit) -> None:
    assert msgspec.json.decode(msgspec.json.encode(edit), type=Edit) == edit
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(edit), type=Edit) == edit
    assert isinstance(edit.in_words, str)
    assert not edit.covers(edit.first - 1)


@given(edits)
@settings(max_examples=150)
def test_an_edit_is_possible_or_refused_in_a_sentence(edit: Edit) -> None:
    sentence = "Fine, it can be made."
    try:
        check(edit, CHANNELS, tuple("abcdefghij"))
    except EditError as error:
        sentence = str(error)
    assert sentence.endswith(".")
    assert len(sentence) > 15


@pytest.mark.parametrize("text", [b'{"kind":"explode"}', b'{"kind":"uniform","colour":1}', b'{"kind":"force"}',
                                  b'{"kind":"clamp","channel":"c","value":1e999}', b'{"kind":"mask","places":[]}', b"[]"])
def test_what_is_no_edit_is_not_read(text: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        msgspec.json.decode(text, type=Edit)


@pytest.mark.parametrize(("edit", "says"), [
    (ForceToken(token=99), "no word 99"), (ClampUnits(channel="forget_gate"), "no “forget_gate”"),
    (ClampUnits(channel="cell", units=(16,)), "no unit 16"), (ClampUnits(channel="attention_entropy"), "could be changed"),
    (SetAttention(weights=(1.0,)), "9 places"), (SetAttention(weights=(0.0,) * 9), "at least one"),
    (MaskAttention(places=(9,)), "no place 9"), (MaskAttention(places=tuple(range(9))), "Every place"),
    (ClampUnits(channel="cell", first=5, last=3), "before")])
def test_what_cannot_be_changed_is_said(edit: Edit, says: str) -> None:
    with pytest.raises(EditError, match=says):
        check(edit, CHANNELS, ("a", "b"))
    with pytest.raises(EditError, match="no attention"):
        check(UniformAttention(), CHANNELS[:1], ("a",))


def test_a_region_is_the_cells_of_which_it_covers_half() -> None:
    assert places_in((0, 0, 1, 1), (2, 3)) == tuple(range(6))
    assert places_in((0, 0, 0.34, 0.5), (2, 3)) == (0,)
    assert places_in((0.5, 0.5, 1, 1), (2, 2)) == (3,)
    assert places_in((0.2, 0.2, 0.8, 0.8), (10, 10)) == tuple(row * 10 + column for row in range(2, 8) for column in range(2, 8))
    for region in ((0.5, 0, 0.5, 1), (0, 0.9, 1, 0.1), (-0.1, 0, 1, 1), (0, 0, 0.01, 0.01)):
        with pytest.raises(EditError):
            places_in(region, (4, 4))


def test_the_first_step_of_several_edits_is_the_earliest() -> None:
    assert first_step((UniformAttention(first=4), ClampUnits(channel="cell", first=2))) == 2
    assert first_step(()) == 0
