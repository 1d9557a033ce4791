"""Steps that were recorded, computed a second time by an independent path: see `unrolled.models.reference`.

Each step is taken in double precision from the state that the run itself went on with, and the first state is computed
again too, from the input's own pixels or words: where all steps agree, so does the whole run, and rounding does not add
up on the way. All channels are compared, and the log-probabilities of the word written and of the best candidates.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from unrolled.models.checkpoints.files import CheckpointError
from unrolled.models.protocol.message import StillWanted
from unrolled.models.protocol.questions import CANDIDATE_LOG_PROBS, LOG_PROBS, Replayed
from unrolled.models.runs.branch import CANDIDATES, Branch, computing, float32_bytes
from unrolled.models.runs.errors import EngineError, Superseded

BLOCK_STEPS = 256


def replay(branch: Branch, first: int, last: int, wanted: StillWanted) -> Iterator[Replayed]:
    """Take steps again, some at a time. Raises `EngineError` where the weights cannot be read again."""
    try:
        reference = branch.second.reference
    except CheckpointError as error:
        raise EngineError("question", str(error)) from error
    names = tuple(channel.name for channel in branch.channels)
    with computing("cpu"):
        for start in range(first, last + 1, BLOCK_STEPS):
            stop = min(start + BLOCK_STEPS, last + 1)
            rows = []
            for step in range(start, stop):
                if not wanted():
                    raise Superseded
                memory = branch.second.memory(branch.input_at(step))
                begun = reference.start(memory)
                state = begun if step == 0 else _doubled(branch.state(step, wanted), len(begun))
                found = reference.step(memory, state, branch.token_before(step), step, branch.hook_at(step))
                log_probs = found["log_probs"]
                best = log_probs.topk(min(CANDIDATES, len(log_probs))).values
                rows.append(torch.cat([*(found[name] for name in names), log_probs[branch.tokens[step]].unsqueeze(0), best]))
            yield Replayed(first=start, count=stop - start, channels=(*names, LOG_PROBS, CANDIDATE_LOG_PROBS),
                           values=float32_bytes(torch.stack(rows)), computed_by=reference.computed_by)


def _doubled(state: Any, parts: int) -> tuple[Tensor, ...]:
    """The cell's tensors of a state, each (1, hidden), in double precision on the CPU."""
    cell = getattr(state, "cell", state)
    return tuple(part.detach().cpu().double().reshape(1, -1) for part in cell[:parts])
