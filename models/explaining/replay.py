"""Steps that were recorded, computed a second time by an independent path: see `unrolled.models.reference`.

Each step is taken in double precision from the state that the run itself went on with, so that rounding does not add up on
the way; that state is held against what the step before it comes to, and the first against the input's own pixels or words:
where all steps agree, so does the whole run. All channels are compared, and the words: which was written, which are the best
candidates, and their log-probabilities.
"""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from unrolled.models.checkpoints.files import CheckpointError
from unrolled.models.protocol.message import StillWanted
from unrolled.models.protocol.questions import CANDIDATE_LOG_PROBS, LOG_PROBS, STATE_GAP, Replayed
from unrolled.models.reference.protocol import Foreseeing, Foreseen, Reference, State
from unrolled.models.runs.branch import CANDIDATES, Branch, computing, float32_bytes, int32_bytes
from unrolled.models.runs.errors import EngineError, Superseded

BLOCK_STEPS = 256


def replay(branch: Branch, first: int, last: int, wanted: StillWanted) -> Iterator[Replayed]:
    """Take steps again, some at a time. Raises `EngineError` where the weights cannot be read again."""
    try:
        reference = branch.second.reference
    except CheckpointError as error:
        raise EngineError("question", str(error)) from error
    names, manner = tuple(channel.name for channel in branch.channels), getattr(reference, "manner", "")  # if another than usual

    def taken(step: int) -> tuple[State, dict[str, Tensor]]:
        """The state that the run went on with, and what the step comes to from there."""
        if not wanted():
            raise Superseded
        memory = branch.second.memory(branch.input_at(step))
        begun = reference.start(memory)
        own = _doubled(branch.state(step, wanted), len(begun))
        return own, reference.step(memory, own if step else begun, branch.token_before(step), step, branch.hook_at(step))

    with computing("cpu"):
        if isinstance(reference, Foreseeing):
            reference.foresee([Foreseen(branch.second.memory(branch.input_at(step)), branch.token_before(step),
                                        branch.hook_at(step)) for step in range(last + 1)])
        carried = _state(reference, taken(first - 1)[1]) if first else reference.start(branch.second.memory(branch.input_at(0)))
        for start in range(first, last + 1, BLOCK_STEPS):
            stop = min(start + BLOCK_STEPS, last + 1)
            rows, best = [], []
            for step in range(start, stop):
                own, found = taken(step)
                log_probs = found["log_probs"]
                best.append(log_probs.topk(min(2 * CANDIDATES, len(log_probs))))
                rows.append(torch.cat([*(found[name] for name in names), _gap(own, carried), log_probs[branch.tokens[step], None],
                                       best[-1].values]))
                carried = _state(reference, found)
            yield Replayed(first=start, count=stop - start, channels=(*names, STATE_GAP, LOG_PROBS, CANDIDATE_LOG_PROBS),
                           values=float32_bytes(torch.stack(rows)), tokens=int32_bytes(torch.tensor(branch.tokens[start:stop])),
                           candidate_tokens=int32_bytes(torch.stack([own.indices for own in best])),
                           computed_by=reference.computed_by, **({"manner": manner} if manner else {}))


def _doubled(state: Any, parts: int) -> State:
    """The cell's tensors of a state, each (1, hidden), in double precision on the CPU."""
    cell = getattr(state, "cell", state)
    return tuple(part.detach().cpu().double().reshape(1, -1) for part in cell[:parts])


def _state(reference: Reference, found: dict[str, Tensor]) -> State:
    return tuple(found[name].unsqueeze(0) for name in reference.state_names)


def _gap(own: State, carried: State) -> Tensor:
    """The largest difference of two states, as a share of the value where that is above 1, (1,)."""
    one, other = torch.cat(own, dim=-1), torch.cat(carried, dim=-1)
    return F.pad((one - other).abs() / other.abs().clamp_min(1.0), (0, 1)).max().unsqueeze(0)  # of no state 0
