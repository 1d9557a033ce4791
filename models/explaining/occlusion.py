"""Is the attention an explanation? Each place masked in turn, the step taken again, all at once.

What the word's log-probability, its logit, and its margin over the runner-up lose says what the word needed (Zeiler and
Fergus 2014 occlude pixels; here what attention looks at is masked, so that the others share its weight). Whether
attention shows that is another question (Jain and Wallace 2019, "Attention is not Explanation").
"""

import torch
from torch import Tensor

from unrolled.models.cells.hook import Captured, Hook
from unrolled.models.protocol.message import StillWanted
from unrolled.models.protocol.questions import Occluded
from unrolled.models.runs.branch import Branch, computing, float32_bytes
from unrolled.models.runs.errors import EngineError
from unrolled.models.trace.edits import SetAttention, UniformAttention

ONE_MAP = 3  # axes of (1, hypotheses, places)


class _EachMasked:
    """Of L hypotheses that are the same, place j is masked in the one with number j. Where attention has one map a step, its one
    row becomes L here, so that what comes before it is computed once.
    """

    def __init__(self, hook: Hook, *, overruled: bool) -> None:
        self._change = hook
        self._overruled = overruled  # an edit sets the weights, so that the scores have no say

    def __call__(self, name: str, value: Tensor, /) -> Tensor:
        value = self._change(name, value)
        if name == "attention_scores" and not self._overruled:
            return _rows(value).masked_fill(self._own(value), float("-inf"))                   # (1, L, …, L)
        if name == "attention" and self._overruled:
            left = _rows(value).masked_fill(self._own(value), 0.0)
            return left / left.sum(dim=-1, keepdim=True)
        return value

    def _own(self, value: Tensor) -> Tensor:
        places = value.shape[-1]
        return torch.eye(places, dtype=torch.bool, device=value.device).reshape(places, *(1,) * (value.ndim - 3), places)


def _rows(value: Tensor) -> Tensor:
    return value.expand(-1, value.shape[-1], -1) if value.ndim == ONE_MAP else value


def occlude(branch: Branch, step: int, wanted: StillWanted) -> Occluded:
    """Mask each place that a recorded step attends to. Raises `EngineError` when the model has no attention."""
    stepper = branch.stepper
    if not stepper.structure.maskable:
        raise EngineError("question", "This model has no attention whose places could be masked.")
    overruled = any(isinstance(edit, UniformAttention | SetAttention) and edit.covers(step) for edit in branch.edits)
    before, memory = branch.state(step, wanted), branch.memory_at(step)
    read, token = [branch.token_before(step)], branch.tokens[step]
    plain, masked = Captured(branch.hook_at(step)), Captured(_EachMasked(branch.hook_at(step), overruled=overruled))
    with computing(stepper.device.type):
        _, record = stepper.step(memory, before, read, plain)
        places, has_heads = plain["attention"].shape[-1], plain["attention"].ndim > ONE_MAP
        each_before = stepper.select(before, torch.zeros(1, places, dtype=torch.long)) if has_heads else before
        _, records = stepper.step(memory, each_before, read * (places if has_heads else 1), masked)
    rivals = [other for other in range(len(stepper.description.words)) if other not in (token, *stepper.suppressed_tokens)]
    logits, each = (own["logits"].flatten(0, -2).cpu().double() for own in (plain, masked))    # (1, V), (L, V)
    logits = logits[0]
    log_prob, log_probs = record.log_probs[0, token].cpu(), records.log_probs[:, token].cpu()
    margin, runner_up = _margins(logits.unsqueeze(0), token, rivals)
    margins, _ = _margins(each, token, rivals)
    return Occluded(
        step=step, log_prob=float(log_prob), logit=float(logits[token]), margin=float(margin[0]),
        runner_up=rivals[int(runner_up[0])],
        log_prob_drops=float32_bytes(log_prob - log_probs),
        logit_drops=float32_bytes(logits[token] - each[:, token]), margin_drops=float32_bytes(margin[0] - margins))


def _margins(logits: Tensor, token: int, rivals: list[int]) -> tuple[Tensor, Tensor]:
    """In each row the token's logit less the largest of the rivals', and which of them that is."""
    best = logits[:, rivals].max(dim=-1)
    return logits[:, token] - best.values, best.indices
