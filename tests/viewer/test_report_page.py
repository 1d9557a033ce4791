"""The page of an analysis says in words what its numbers are."""

from __future__ import annotations

import json
import re
from html import unescape

import msgspec
import pytest
import scripted
import scripted_traces

from unrolled.models.protocol.questions import Contributor, Equation, Explained, Part
from unrolled.models.trace import Trace
from unrolled.viewer.report.analysis import Analysis, FidelitySummary, Occlusion, as_json
from unrolled.viewer.report.collecting import collect
from unrolled.viewer.report.page import page


def words_of(analysis: Analysis, trace: Trace) -> str:
    return " ".join(unescape(re.sub("<[^>]+>", " ", page(analysis, trace, None).decode())).split())


@pytest.fixture(scope="module")
def translated() -> tuple[Analysis, Trace]:
    trace = scripted_traces.translation_trace()
    return collect(trace, file="a", ask=None), trace


def test_a_source_word_has_its_number_and_the_end_its_name(translated):
    analysis, trace = translated
    drops = tuple(-0.25 if place == 1 else 0.125 for place in range(len(trace.provenance.source)))
    masked = Occlusion(step=0, log_prob=-1.5, logit=2.0, margin=-0.5, runner_up="<end>", drops=drops, logit_drops=drops,
                       margin_drops=drops, largest_drop=0.125, share=0.5, attended=1, rank=2, means_something=True,
                       verdict="Said.")
    text = words_of(msgspec.structs.replace(analysis, occlusion=(masked,), occlusion_steps=1), trace)
    assert "log p −1.50, margin −0.50 over END" in text
    assert "−0.2500" in text
    assert "0.1250" in text


def test_what_was_not_computed_a_second_time_is_not_said_to_be(translated):
    analysis, trace = translated
    found = FidelitySummary(steps=3, largest=1e-7, channel="attention", unit=4, step=2, agrees=False, tolerance=1e-4,
                            computed_by=("nn.GRUCell",), missing=("context_gate",), by_channel={"attention": 1e-7})
    text = words_of(msgspec.structs.replace(analysis, fidelity=found), trace)
    assert "not computed a second time: context gate" in text
    assert "every channel" not in text
    assert "attention, place 5, step 3." in text
    whole = msgspec.structs.replace(found, agrees=True, missing=())
    assert "every channel was compared" in words_of(msgspec.structs.replace(analysis, fidelity=whole), trace)


def test_a_place_of_a_picture_is_named_by_row_and_column():
    trace = scripted.trace()
    rows, columns = trace.channels["attention"].shape
    part = Part(symbol="V_xf z_t", value=-0.5, contributors=(
        Contributor(kind="place", index=columns + 2, value=-0.25), Contributor(kind="unit", index=7, value=0.125),
        Contributor(kind="word", index=0, value=0.5, name="t-shirt")))
    gate = Equation(channel="forget_gate", symbol="f_t", function="σ", parts=(part,), total=-0.5, value=0.3775)
    explained = Explained(step=1, unit=3, cell="lstm", equations=(gate,), places=rows * columns)
    analysis = msgspec.structs.replace(collect(trace, file="a", ask=None), equations=(explained,))
    text = words_of(analysis, trace)
    assert "row 2, column 3 −0.2500, h7 +0.1250, “t-shirt” +0.5000" in text
    assert "σ(−0.5000) = 0.3775" in text


def test_what_cannot_be_printed_or_turns_a_line_round_is_one_sign_in_the_page_and_kept_in_json():
    words = ("a\u202eb", "\x1b[31m", "half \ud800", "fixed\u00a0space")
    trace = scripted_traces.translation_trace(written=words)
    found = collect(trace, file="photo\u2066 3.45\u202fPM.png", ask=None)
    made = page(found, trace, None).decode()
    assert not re.search("[\u202e\u2066\x1b\ud800]", made)
    assert made.count("photo\ufffd 3.45\u202fPM.png") == 2
    again = json.loads(as_json(found))
    assert [own["word"] for own in again["steps"]] == list(words)
