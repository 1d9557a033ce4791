"""Brings together what is found about a run: from its trace, and from the model where that is there.

It knows neither Qt nor torch; questions are asked through a function, so that it knows no backend either.
"""

import math
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from unrolled.models.analysis.attention_statistics import WARNING, attention_statistics
from unrolled.models.analysis.fidelity import TOLERANCE, Fidelity
from unrolled.models.analysis.occlusion import summarise, verdict
from unrolled.models.analysis.similar import Pattern, find, suggested_threshold, units_on
from unrolled.models.protocol.client import BackendError
from unrolled.models.protocol.questions import (
    AnswerPart,
    Explained,
    ExplainStep,
    FollowGradients,
    GradientRows,
    Occluded,
    OccludeStep,
    Question,
    Replay,
    Replayed,
)
from unrolled.models.trace import Trace
from unrolled.models.trace.detokenization import text_of
from unrolled.viewer.report.analysis import (
    Analysis,
    AttentionSummary,
    FidelitySummary,
    Gradients,
    Occlusion,
    Similar,
    SimilarPlace,
    StepSummary,
    Table,
    plain,
)
from unrolled.viewer.report.folder import collect_folder
from unrolled.viewer.state.attributions import TABLES

Ask = Callable[[Question], Iterator[AnswerPart]]
SayDoing = Callable[[str], None]

FOLLOWED_AT_MOST = 64     # steps, from the last one back
EXPLAINED_AT_MOST = 64    # steps, where none is named
REPLAYED_AT_MOST = 4096   # steps, from the last one back
LISTED_AT_MOST = 2000     # steps
LIVELIEST = 3             # units whose equations are given, where none is named
SIMILAR_UNITS = 4
SURE = math.log(0.9)      # of a word's log-probability: above, it cannot fall far


def collect(trace: Trace, *, file: str, ask: Ask | None, notes: Sequence[str] = (), units: Sequence[int] = (),
            steps: Sequence[int] = (), end_word: str = "", vocabulary: Sequence[str] = (),
            say: SayDoing = lambda doing: None) -> Analysis:
    """Find everything.

    Parameters
    ----------
    ask : callable, optional
        Asks the model about the trace's steps; without it what needs the model is left out.
    units, steps : sequence of int
        Whose equations are given, and of which steps; the units that change most, and all steps, by default.
    vocabulary : sequence of str
        The word of every token.

    Raises
    ------
    BackendError
        When a named unit or step is not there.
    """
    said = list(notes)
    provenance, length = trace.provenance, len(trace)
    hidden = trace.with_role("hidden")
    for step in steps:
        if not 0 <= step < length:
            raise BackendError(f"There is no step {step}: the run has {length}, counted from 0.")
    if hidden is not None:
        for unit in units:
            if not 0 <= unit < hidden.size:
                raise BackendError(f"There is no unit {unit}; {hidden.size:,} are counted from 0.")
    explained: tuple[Explained, ...] = ()
    occluded: tuple[Occlusion, ...] = ()
    gradients, fidelity = None, None
    if ask is not None and length:
        say("Equations")
        explained = _equations(ask, _units_of(trace, units), steps or range(max(length - EXPLAINED_AT_MOST, 0), length))
        say("Gradients")
        gradients = _gradients(ask, max(length - FOLLOWED_AT_MOST, 0), length - 1)
        if length > FOLLOWED_AT_MOST:
            said.append(f"Gradients follow the last {FOLLOWED_AT_MOST} of {length:,} steps.")
        attention = trace.with_role("attention")
        if attention is not None and attention.editable:
            say("Masking each place")
            occluded = tuple(_occlusion(trace, ask, step, vocabulary) for step in range(length))
        say("Computing it a second time")
        fidelity = _fidelity(trace, ask, said)
    say("Statistics")
    listed = range(max(length - LISTED_AT_MOST, 0), length)
    if len(listed) < length:
        said.append(f"The last {LISTED_AT_MOST:,} of {length:,} steps are listed.")
    shares = [one.share for one in occluded if one.means_something and one.share is not None]
    return Analysis(
        file=file, convention=provenance.convention, model=provenance.model, weights_hash=provenance.weights_hash,
        device=provenance.device, input_kind=provenance.input_kind, decoding=provenance.decoding,
        source=provenance.source, prompt_tokens=provenance.prompt_tokens,
        text=text_of(trace.words[provenance.prompt_tokens :], provenance.detokenization, without=(end_word,)),
        edits=provenance.edits,
        steps=tuple(_summary(trace, step) for step in listed),
        equations=explained, gradients=gradients, occlusion=occluded,
        mean_occlusion_share=float(np.mean(shares)) if shares else None, occlusion_steps=len(shares),
        gates=collect_folder([("", trace)]).gates if length else (), attention=_attention(trace),
        similar=_similar(trace, steps[0] if steps else length - 1),
        fidelity=fidelity, notes=tuple(said))


def _summary(trace: Trace, step: int) -> StepSummary:
    return StepSummary(step=step, word=trace.words[step], token=trace.tokens[step], log_prob=float(trace.log_probs[step]),
                       candidates=tuple(trace.candidates[step]))


def _units_of(trace: Trace, units: Sequence[int]) -> Sequence[int]:
    hidden = trace.with_role("hidden")
    if units or hidden is None:
        return units
    change = np.nan_to_num(trace.column(hidden.name).std(axis=0))
    return [int(unit) for unit in np.argsort(-change, kind="stable")[:LIVELIEST]]


def _equations(ask: Ask, units: Sequence[int], steps: Sequence[int]) -> tuple[Explained, ...]:
    return tuple(part for step in steps for unit in units for part in ask(ExplainStep(step, unit)) if isinstance(part, Explained))


def _gradients(ask: Ask, first: int, last: int) -> Gradients:
    parts = [part for part in ask(FollowGradients(first, last)) if isinstance(part, GradientRows)]

    def table(name: str) -> Table:
        rows: Table = []
        for part in parts:
            values = getattr(part, name)
            rows += plain(part.table(values)) if values else []
        return rows

    return Gradients(first=first, last=last, **{name: table(name) for name in (*TABLES, "words", "places", "first_state")})


def _occlusion(trace: Trace, ask: Ask, step: int, words: Sequence[str]) -> Occlusion:
    found = next(part for part in ask(OccludeStep(step)) if isinstance(part, Occluded))
    channel = trace.with_role("attention")
    assert channel is not None, "only what attends is masked"
    drops = found.drops()
    summary = summarise(drops, trace.column(channel.name)[step].ravel()[: drops.size])  # what is not written yet is no place
    return Occlusion(
        step=step, log_prob=found.log_prob, logit=found.logit, margin=found.margin,
        runner_up=words[found.runner_up] if 0 <= found.runner_up < len(words) else str(found.runner_up),
        drops=plain(found.drops()), logit_drops=plain(found.drops("logit")), margin_drops=plain(found.drops("margin")),
        largest_drop=summary.largest_drop, share=summary.share if np.isfinite(summary.share) else None,
        attended=summary.attended, rank=summary.rank, means_something=summary.means_something,
        verdict=verdict(summary, sure=found.log_prob > SURE))


def _fidelity(trace: Trace, ask: Ask, said: list[str]) -> FidelitySummary | None:
    found, first = Fidelity(), max(len(trace) - REPLAYED_AT_MOST, 0)
    for part in ask(Replay(first, len(trace) - 1)):
        if isinstance(part, Replayed) and not found.take(part, trace):
            said.append("What the second computation gave does not fit what was recorded: it was not held against it.")
            return None
    if first:
        said.append(f"The last {REPLAYED_AT_MOST:,} of {len(trace):,} steps were computed a second time.")
    own = {name: getattr(found, name) for name in FidelitySummary.__struct_fields__ if name != "tolerance"}
    return FidelitySummary(tolerance=TOLERANCE, **own)


def _attention(trace: Trace) -> AttentionSummary | None:
    channel = trace.with_role("attention")
    if channel is None or not len(trace):
        return None
    try:
        found = attention_statistics(trace.column(channel.name),
                                     growing=channel.axes == ("key",) and trace.provenance.words_chosen)
    except ValueError:
        return None
    return AttentionSummary(channel=channel.name, entropy=plain(found.entropy), coverage=plain(found.coverage),
                            target=found.target, even=found.even, penalty=found.penalty, change=found.change,
                            difference=found.difference, warning=WARNING if found.hardly_differ else "")


def _similar(trace: Trace, step: int) -> Similar | None:
    """Where else the units are on that are loudest at a step."""
    channel = trace.with_role("hidden")
    if channel is None or channel.axes != ("unit",) or step < 0:
        return None
    values = trace.column(channel.name)
    threshold = suggested_threshold(values[-REPLAYED_AT_MOST:])
    here = values[step : step + 1]
    on = units_on(here, threshold)
    units = tuple(sorted(on, key=lambda unit: -abs(float(here[0, unit])))[:SIMILAR_UNITS])
    signs = tuple(on[unit] for unit in units)
    found = find(Pattern(channel=channel.name, units=units, threshold=threshold, signs=signs), trace) if units else []
    return Similar(step=step, channel=channel.name, units=units, signs=signs, threshold=threshold, places=tuple(
        SimilarPlace(first=own.first, last=own.last, share=own.share, score=own.score, words=own.words) for own in found))
