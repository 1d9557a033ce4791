"""Properties of texts against Python's own tokenizer, and rankings against NumPy's correlation."""

from __future__ import annotations

import io
import tokenize
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unrolled.models.analysis import ranking, text_properties
from unrolled.models.analysis.ranking import Ranking, area_under_curve
from unrolled.models.analysis.text_properties import PROPERTIES, bracket_depth, indentation, inside_comment, inside_string
from unrolled.models.analysis.text_properties import position_in_line as position


def by_tokenize(text: str, kinds: tuple[int, ...]) -> np.ndarray:
    """1 where Python's tokenizer finds a token of these kinds, or, among strings, an f-string from its start to its end."""
    lines = text.splitlines(keepends=True)
    starts = np.concatenate(([0], np.cumsum([len(line) for line in lines])))
    found, opened = np.zeros(len(text), np.float32), []
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        first, last = (starts[row - 1] + column for row, column in (token.start, token.end))
        if tokenize.tok_name[token.type] == "FSTRING_START":
            opened.append(first)
        elif tokenize.tok_name[token.type] == "FSTRING_END" and tokenize.STRING in kinds:
            found[opened.pop() : last] = 1
        elif token.type in kinds:
            found[first:last] = 1
    return found


@pytest.mark.parametrize("module", [text_properties, ranking, tokenize])
def test_strings_and_comments_are_those_of_pythons_tokenizer(module):
    text = Path(module.__file__).read_text(encoding="utf-8")
    assert np.array_equal(inside_comment(text), by_tokenize(text, (tokenize.COMMENT,)))
    found, expected = inside_string(text), by_tokenize(text, (tokenize.STRING,))
    # A prefix such as f or r stands before the quote: it is no part of what the scanner calls a string.
    assert all(text[place].lower() in "rbuf" for place in np.flatnonzero(found != expected))


def test_a_small_program():
    text = 'f("a(", [1])  # (\n\tx = """\n"""\n'
    assert "".join("s" if one else "." for one in inside_string(text)) == '..ssss.................sssssss.'[: len(text)]
    assert bracket_depth(text).tolist()[:13] == [0, 0, 1, 1, 1, 1, 1, 1, 1, 2, 2, 1, 0]
    assert position(text)[18:21].tolist() == [0, 1, 2]
    assert indentation(text)[19] == 8
    assert inside_comment(text)[text.index("#")] == 1


@given(st.text(alphabet="ab\"'#()[]\\\n \t", max_size=80))
@settings(max_examples=200)
def test_every_property_has_a_finite_number_for_every_character(text):
    for name, of in PROPERTIES.items():
        values = of(text)
        assert values.shape == (len(text),), name
        assert np.isfinite(values).all()
        assert (values >= 0).all()


@given(st.integers(2, 60), st.integers(1, 7), st.integers(0, 2**16), st.integers(1, 20))
@settings(max_examples=60)
def test_ranking_is_pearsons_correlation_however_it_is_cut(steps, units, seed, part):
    random = np.random.default_rng(seed)
    values = random.normal(3.0, 1.0, (steps, units)).astype(np.float32)
    values[:, 0] = 0.5  # a unit that does not vary follows nothing
    followed = random.integers(0, 3, steps).astype(np.float32)
    made, before = Ranking(values, followed), ranking.PART
    try:
        ranking.PART = part
        while not made.finished:
            made.run_part()
    finally:
        ranking.PART = before
    found = made.correlations()
    assert found[0] == 0.0
    if followed.std() > 0:
        expected = [np.corrcoef(values[:, unit], followed)[0, 1] for unit in range(1, units)]
        assert np.allclose(found[1:], expected, atol=1e-6)
    order = [abs(correlation) for _, correlation in made.best(units)]
    assert order == sorted(order, reverse=True)


@given(st.lists(st.tuples(st.integers(-3, 3), st.booleans()), min_size=2, max_size=40))
@settings(max_examples=150)
def test_the_area_is_the_share_of_pairs_in_order(steps):
    values, yes = np.array([value for value, _ in steps], np.float32), np.array([is_yes for _, is_yes in steps])
    pairs = [(above > below) + 0.5 * (above == below) for above in values[yes] for below in values[~yes]]
    made = Ranking(values[:, None], yes.astype(np.float32))
    assert made.is_yes_or_no == bool(pairs)
    if pairs:
        assert made.area(0) == area_under_curve(values, yes) == pytest.approx(np.mean(pairs), abs=1e-12)
    else:
        with pytest.raises(ValueError, match="yes or no"):
            made.area(0)


def test_a_count_is_no_yes_or_no_and_nan_has_no_area():
    assert not Ranking(np.zeros((3, 1), np.float32), np.array([0, 1, 2], np.float32)).is_yes_or_no
    assert not Ranking(np.zeros((0, 1), np.float32), np.zeros(0, np.float32)).is_yes_or_no
    assert np.isnan(area_under_curve(np.array([1, np.nan], np.float32), np.array([True, False])))


@given(st.text(alphabet="a([{)]}\n\r \t\f\u2028", max_size=60))
@settings(max_examples=200)
def test_depth_position_and_indentation_are_those_of_plain_loops(text):
    depth, column, now = [], [], (0, 0)
    for character in text:
        depth.append(now[0])
        column.append(now[1])
        now = (max(now[0] + (character in "([{") - (character in ")]}"), 0), 0 if character == "\n" else now[1] + 1)
    assert bracket_depth(text).tolist() == depth
    assert position(text).tolist() == column
    lines = text.split("\n")
    indents = [len(line[: len(line) - len(line.lstrip(" \t"))].expandtabs(8)) for line in lines]
    expected = [indent for line, indent in zip(lines, indents, strict=True) for _ in range(len(line) + 1)]
    assert indentation(text).tolist() == expected[: len(text)]


pieces = st.sampled_from(['"a\\"b"', "'it\\'s'", '"""two\nlines"""', "'''#'''", '"#no"', "r'\\d'", 'b"x"', "x", "1", "# it's\n",
                          "''", '"\\\n"', "(a,)", "[1]"])


@given(st.lists(pieces, max_size=12))
@settings(max_examples=150)
def test_strings_of_made_up_programs_are_those_of_pythons_tokenizer(made):
    text = "".join(f"x = {piece}\n" for piece in made)
    assert np.array_equal(inside_comment(text), by_tokenize(text, (tokenize.COMMENT,)))
    found, expected = inside_string(text), by_tokenize(text, (tokenize.STRING,))
    assert all(text[place] in "rb" for place in np.flatnonzero(found != expected))
