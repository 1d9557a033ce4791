"""Answers of the scripted model: whole and consistent in themselves, made from the script's own numbers."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator

import numpy as np
import scripted

from unrolled.models.protocol.message import StillWanted
from unrolled.models.protocol.questions import (
    AnswerPart,
    Contributor,
    Equation,
    Explained,
    ExplainStep,
    FollowGradients,
    GradientRows,
    Looked,
    Occluded,
    OccludeStep,
    Part,
    Question,
    Replay,
    Replayed,
)
from unrolled.models.runs.errors import EngineError, Superseded

PLACES = scripted.GRID[0] * scripted.GRID[1]
GATES = (("input_gate", "i", "σ"), ("forget_gate", "f", "σ"), ("cell_gate", "g", "tanh"), ("output_gate", "o", "σ"))
ROWS_AT_ONCE = 4


def answers(question: Question, steps: int, wanted: StillWanted) -> Iterator[AnswerPart]:
    """What the scripted backend answers; a gradient's rows come slowly, so that a test can drop them."""
    last = question.last if isinstance(question, FollowGradients | Replay) else question.step
    if last >= steps:
        raise EngineError("question", f"Step {last} is not there yet: {steps} are recorded.")
    if isinstance(question, ExplainStep):
        yield explained(question.step, question.unit)
    elif isinstance(question, OccludeStep):
        yield occluded(question.step)
    elif isinstance(question, FollowGradients):
        for row in range(question.first, question.last + 1, ROWS_AT_ONCE):
            time.sleep(0.02)
            if not wanted():
                raise Superseded
            yield gradient_rows(row, min(ROWS_AT_ONCE, question.last + 1 - row), question.first, question.last)
    else:
        yield replayed(question.first, question.last)


def explained(step: int, unit: int) -> Explained:
    """An LSTM's step: each gate's parts sum to its pre-activation, which gives what the script recorded."""
    if unit >= scripted.UNITS:
        raise EngineError("question", f"There is no unit {unit}; {scripted.UNITS} are counted from 0.")
    result = scripted.step_result(step, scripted.CAPTION[min(step, len(scripted.CAPTION) - 1)])
    at = {name: float(values[unit]) for name, values in result.values.items() if values.shape == (scripted.UNITS,)}
    word = scripted.CAPTION[step - 1] if step else scripted.WORDS[0]
    equations = []
    for name, symbol, function in GATES:
        value = min(max(at[name], 1e-6 if function == "σ" else -1 + 1e-6), 1 - 1e-6)
        total = math.log(value / (1 - value)) if function == "σ" else math.atanh(value)
        parts = (
            Part(symbol=f"W_x{symbol} x_t", value=0.2,
                 contributors=(Contributor(kind="word", index=step - 1, value=0.2, name=word),)),
            Part(symbol=f"V_x{symbol} z_t", value=0.5, rest=0.1, contributors=(
                Contributor(kind="place", index=7, value=0.3, weight=0.5, activity=0.6),
                Contributor(kind="place", index=3, value=0.1, weight=0.2, activity=0.5))),
            Part(symbol=f"W_h{symbol} h_{{t-1}}", value=total - 0.8, rest=total - 1.2, contributors=(
                Contributor(kind="unit", index=(unit + 5) % scripted.UNITS, value=0.7, weight=1.4, activity=0.5),
                Contributor(kind="unit", index=(unit + 9) % scripted.UNITS, value=-0.3, weight=-0.5, activity=0.6))),
            Part(symbol=f"b_{symbol}", value=0.1))
        equations.append(Equation(channel=name, symbol=f"{symbol}_t", function=function, parts=parts, total=total, value=value))
    added = at["input_gate"] * at["cell_gate"]
    before = (at["cell"] - added) / at["forget_gate"] if at["forget_gate"] else 0.0
    equations.append(Equation(
        channel="cell", symbol="c_t", function="", total=at["cell"], value=at["cell"], parts=(
            Part(symbol="f_t · c_{t-1}", value=at["cell"] - added, factors=(("f_t", at["forget_gate"]), ("c_{t-1}", before))),
            Part(symbol="i_t · g_t", value=added, factors=(("i_t", at["input_gate"]), ("g_t", at["cell_gate"]))))))
    equations.append(Equation(
        channel="hidden", symbol="h_t", function="tanh", total=at["cell"], outside=(("o_t", at["output_gate"]),),
        parts=(Part(symbol="c_t", value=at["cell"]),), value=at["hidden"],
        edited=abs(at["output_gate"] * math.tanh(at["cell"]) - at["hidden"]) > 1e-5))
    weights = result.values["attention"].ravel()
    order = np.argsort(-weights)[:12]
    return Explained(
        step=step, unit=unit, cell="lstm", equations=tuple(equations), places=PLACES, score_max=5.0,
        score_sum=float(1 / weights.max()), context_norm=3.25, looked=tuple(
            Looked(place=int(place), score=5.0 + math.log(weights[place] / weights.max()), weight=float(weights[place]))
            for place in order))


def gradient_rows(row: int, rows: int, first: int, last: int) -> GradientRows:
    """Each word depends on the steps before it, the nearer the more."""
    times, steps = np.arange(row, row + rows)[:, None], np.arange(first, last + 1)[None, :]
    size = np.where(steps <= times, 0.7 ** (times - steps), 0.0).astype("<f4")
    signed = (size * np.where((times + steps) % 3 == 0, -1.0, 1.0)).astype("<f4")
    places = np.stack([scripted.step_result(int(t), "a").values["attention"].ravel() - 0.01 for t in times[:, 0]]).astype("<f4")
    return GradientRows(row=row, rows=rows, column=first, columns=last + 1 - first, hidden=size.tobytes(),
                        cell=(2 * size).tobytes(), forget_path=(1.5 * size).tobytes(), other_paths=(0.8 * size).tobytes(),
                        words=signed.tobytes(), places=places.tobytes())


def occluded(step: int) -> Occluded:
    """The drops follow the attention, but for one place that was needed and not looked at."""
    drops = scripted.step_result(step, "a").values["attention"].ravel().astype("<f4") * 3.0
    drops[5] = 1.5
    taken = drops.astype("<f4")
    return Occluded(step=step, log_prob=-0.5, logit=3.0, margin=1.5, runner_up=5, log_prob_drops=taken.tobytes(),
                    logit_drops=(2 * taken).tobytes(), margin_drops=(3 * taken).tobytes())


def replayed(first: int, last: int) -> Replayed:
    """What the script recorded, to the bit."""
    names = [channel.name for channel in scripted.channels()]
    rows, tokens, candidates = [], [], []
    for step in range(first, last + 1):
        result = scripted.step_result(step, scripted.CAPTION[min(step, len(scripted.CAPTION) - 1)])
        rows.append(np.concatenate([*(result.values[name].ravel() for name in names), [0.0, result.log_prob],
                                    [own.log_prob for own in result.candidates]]))
        tokens.append(result.token)
        candidates.append([own.token for own in result.candidates])
    return Replayed(first=first, count=last + 1 - first, channels=(*names, "state_gap", "log_probs", "candidate_log_probs"),
                    values=np.stack(rows).astype("<f4").tobytes(), tokens=np.array(tokens, "<i4").tobytes(),
                    candidate_tokens=np.array(candidates, "<i4").tobytes(), computed_by=("nn.LSTMCell",))
