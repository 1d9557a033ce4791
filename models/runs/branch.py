"""One branch of a run on the backend's side: its tokens, its edits, and the states that steps can be taken from.

State is a value, so a step can be taken again from any earlier one, asking for an earlier step forgets what came after
it, and a branch that leaves another shares the states before. Of what is written every state is kept; of a long text
that is only read, one in `BLOCK_STEPS`, and those between are computed again when they are asked for, which gives the
same bits.
"""

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from typing import Any

import torch
from torch import Tensor

from unrolled.models.cells.hook import Hook
from unrolled.models.cells.threads import one_thread
from unrolled.models.protocol.decoding import Decoding
from unrolled.models.protocol.message import StillWanted
from unrolled.models.protocol.searching import BeamStepped
from unrolled.models.protocol.stepping import Ended, Stepped, SteppedBlock
from unrolled.models.runs.errors import EngineError, NotFinite, Superseded
from unrolled.models.runs.hypotheses import Hypotheses, searchable
from unrolled.models.stepping.choosing import BeamRound, beam_search, choose
from unrolled.models.stepping.editing import forced_token, hook_at, input_at
from unrolled.models.stepping.layers import ORDER_OF_COMPUTATION
from unrolled.models.stepping.stepper import AnyStepper, EncodedInput, SecondComputation, StepRecord
from unrolled.models.trace import Candidate, Channel
from unrolled.models.trace.edits import Edit

CANDIDATES = 10
AS_IT_WAS = 1e-4  # of a log-probability: what rounding makes of it
BLOCK_STEPS = 256


class Branch:
    """A model and what it writes on one branch.

    Parameters
    ----------
    others : mapping of str to EncodedInput
        Other inputs that edits may swap to, by their hash.
    edits : sequence of Edit
        That are in force.
    tokens : sequence of int
        Written already.
    states : mapping of int to state
        The state before a step, where it is known; that before step 0 always is.
    second : SecondComputation, optional
        That of the branch that this one leaves.
    """

    def __init__(self, run: int, branch: int, stepper: AnyStepper, encoded: EncodedInput[Any], *,
                 others: Mapping[str, EncodedInput[Any]], edits: Sequence[Edit] = (), tokens: Sequence[int] = (),
                 states: Mapping[int, Any] | None = None, second: SecondComputation | None = None) -> None:
        self._run, self._branch = run, branch
        self.stepper, self.encoded, self.edits = stepper, encoded, tuple(edits)
        self._others = others
        self.second = second or SecondComputation(stepper)
        description = stepper.description
        self.maximum = encoded.maximum_steps or description.maximum_steps
        self.channels: tuple[Channel, ...] = encoded.channels or description.channels
        self.tokens: list[int] = list(tokens)
        self._states: dict[int, Any] = dict(states or {})
        if 0 not in self._states:
            with computing(stepper.device.type):
                self._states[0] = stepper.start(self.memory_at(0))
        self._barred = torch.zeros(len(description.words))
        self._barred[list(stepper.suppressed_tokens)] = float("-inf")
        self._plan: tuple[int, ...] = ()  # what a beam search found, where one was asked for
        self._planned_for: Decoding | None = None

    def __len__(self) -> int:
        return len(self.tokens)

    def fork(self, branch: int, step: int, edits: Sequence[Edit]) -> "Branch":
        """A branch that leaves this one before a step; what comes earlier is shared and not computed again."""
        if step > len(self.tokens):
            raise EngineError("step", f"Step {step} is not there yet: {len(self.tokens)} are recorded.")
        # What a branch looks at from its very beginning is its own, and so is the state that it begins with.
        states = {place: state for place, state in self._states.items() if place <= step} if step else {}
        return Branch(self._run, branch, self.stepper, self.encoded, others=self._others, edits=edits,
                      tokens=self.tokens[:step], states=states, second=self.second)

    def advance(self, step: int, decoding: Decoding, wanted: StillWanted,
                count: int = 1) -> Stepped | SteppedBlock | Ended:
        """Take one step from the state before it, or up to `count` at once where the input gives the tokens."""
        description, prompt_tokens = self.stepper.description, self.encoded.prompt_tokens
        if step > len(self.tokens):
            raise EngineError("step", f"Step {step} is not there yet: {len(self.tokens)} are recorded.")
        if step >= self.maximum:
            return Ended(self._run, self._branch)
        if step > len(prompt_tokens) and description.ends(self.tokens[step - 1]):
            return Ended(self._run, self._branch)
        before = self.state(step, wanted)
        self.forget_from(step)
        force = forced_token(self.edits, step)
        if count > 1 and step < len(prompt_tokens):
            return self._read_block(step, before, prompt_tokens[step : step + min(count, BLOCK_STEPS)], wanted)
        if force < 0 and step >= len(prompt_tokens) and decoding.method == "beam" and not self._planned(decoding):
            self.search(decoding, None, wanted)
        started = time.perf_counter()
        with computing(self.stepper.device.type):
            state, packed = self._step(before, step)
            packed = packed.cpu()  # one copy to the host
        self._check(packed, step)
        words = len(description.words)
        log_probs, values = packed[:words], packed[words:]
        ranked = self._ranked(state, packed[:words].unsqueeze(0), step, decoding.method == "beam")[0]
        if force >= 0:
            token = force
        elif step < len(prompt_tokens):
            token = prompt_tokens[step]
        elif decoding.method == "beam" and self._planned(decoding) and step < len(self._plan):
            token = self._plan[step]
        else:
            token = choose(ranked, decoding, step=step)
        self.tokens.append(token)
        self._states[step + 1] = state
        return Stepped(self._run, step, token, description.words[token], float(log_probs[token]),
                       self._candidates(log_probs, ranked), float32_bytes(values), (time.perf_counter() - started) * 1000,
                       self._branch)

    def search(self, decoding: Decoding, report: Callable[[BeamStepped], None] | None, wanted: StillWanted) -> None:
        """Search for the most probable tokens from here on; steps follow what is found. `report`: told of every step's
        hypotheses.
        """
        begin, description, stepper = len(self.tokens), self.stepper.description, self.stepper
        prompt_tokens = self.encoded.prompt_tokens
        if begin > len(prompt_tokens) and description.ends(self.tokens[begin - 1]):
            return  # nothing follows END
        at = begin
        record: StepRecord | None = None
        ranked = torch.empty(0)

        def take_step(state: Any, words: Tensor) -> tuple[Any, Tensor]:
            nonlocal at, record, ranked
            state, record = stepper.step(self.memory_at(at), state, words[0].tolist(), self.hook_at(at))
            record = StepRecord(record.packed.cpu(), record.vocabulary)
            only = forced_token(self.edits, at)
            only = prompt_tokens[at] if only < 0 and at < len(prompt_tokens) else only
            ranked = self._ranked(state, record.log_probs, at, True)
            allowed = searchable(record, only, ranked)
            if at < len(prompt_tokens):
                allowed = allowed.masked_fill(allowed.isfinite(), 0.0)  # what was given ranks no hypothesis
            at += 1
            return state, allowed.unsqueeze(0)

        told = Hypotheses(self._run, self._branch, begin=begin, words=description.words,
                          candidates=lambda row: self._candidates(record.log_probs[row], ranked[row]) if record else ())

        def watch(made: BeamRound) -> None:
            if report is not None and record is not None:
                report(told.grown(made, record))

        first = self.state(begin, wanted)
        with computing(stepper.device.type):
            found = beam_search(first, take_step, stepper.select, pictures=1, start=self.token_before(begin),
                                end=description.end_token, also_end=description.also_end, width=decoding.beam_width,
                                length_penalty=decoding.length_penalty, rule=self.encoded.beam,
                                given=max(len(prompt_tokens) - begin, 0), maximum_steps=self.maximum - begin,
                                keep_going=wanted, watch=watch)
        if not wanted():
            raise Superseded
        best = found[0][0].tokens if found[0] else ()
        # What a search takes for finished without END is not gone on with.
        self._plan = (*self.tokens, *best, *([description.end_token] if best and description.end_token >= 0 else ()))
        self._planned_for = decoding

    # ── What questions are answered from ──────────────────────────────────────────────────────────────────────

    def token_before(self, step: int) -> int:
        return self.tokens[step - 1] if step else self.stepper.description.start_token

    def input_at(self, step: int) -> EncodedInput[Any]:
        swapped = input_at(self.edits, step)
        if not swapped:
            return self.encoded
        if swapped not in self._others:
            raise EngineError("edit", "The input that this branch looks at is not there any more; choose it again.")
        return self._others[swapped]

    def memory_at(self, step: int) -> Any:
        """What a step looks at, as the model has read it."""
        return self.input_at(step).memory

    def hook_at(self, step: int) -> Hook:
        return hook_at(self.edits, step)

    def state(self, step: int, wanted: StillWanted) -> Any:
        """The state before a step, computed again from the nearest one before it where it was not kept."""
        if step in self._states:
            return self._states[step]
        nearest = max(place for place in self._states if place < step)
        state = self._states[nearest]
        with computing(self.stepper.device.type):
            for place in range(nearest, step):
                if not wanted():
                    raise Superseded
                state, _ = self.stepper.step(self.memory_at(place), state, [self.token_before(place)], self.hook_at(place))
                if place + 1 >= len(self.encoded.prompt_tokens):
                    self._states[place + 1] = state
        self._states[step] = state
        return state

    # ── Inside ────────────────────────────────────────────────────────────────────────────────────────────────

    def _step(self, state: Any, step: int) -> tuple[Any, Tensor]:
        """A step: the new state, and on the device the log-probabilities and all channels."""
        state, record = self.stepper.step(self.memory_at(step), state, [self.token_before(step)], self.hook_at(step))
        return state, record.packed[0]

    def _ranked(self, state: Any, log_probs: Tensor, step: int, searching: bool) -> Tensor:
        """What tokens are chosen by at a step, from the state after it and log-probabilities on the host, both (K, V)."""
        read = self.input_at(step)
        if step < len(read.prompt_tokens):
            return log_probs
        ranked = log_probs + self._barred if read.ranking is None else read.ranking(state, log_probs, searching)
        if step < read.least_steps:
            description = self.stepper.description
            ranked[:, [token for token in (description.end_token, *description.also_end) if token >= 0]] = float("-inf")
        return ranked

    def _read_block(self, step: int, state: Any, tokens: tuple[int, ...], wanted: StillWanted) -> SteppedBlock:
        """Read tokens that the input gives, as one report."""
        started = time.perf_counter()
        words = len(self.stepper.description.words)
        rows = []
        with computing(self.stepper.device.type):
            for number, token in enumerate(tokens):
                if not wanted():
                    break
                state, packed = self._step(state, step + number)
                rows.append(packed)
                force = forced_token(self.edits, step + number)
                self.tokens.append(token if force < 0 else force)
        if not rows:
            raise Superseded
        self._states[step + len(rows)] = state
        block = torch.stack(rows).cpu()                                              # (T, V + total): one copy to the host
        try:
            self._check(block, step)
        except NotFinite as error:
            self.forget_from(error.step)
            block = block[: error.step - step]  # what came before is kept
            if not len(block):
                raise
        log_probs = block[:, :words]
        read = torch.tensor(self.tokens[step : step + len(block)])
        best = log_probs.topk(min(CANDIDATES, words), dim=-1)
        return SteppedBlock(
            self._run, step, len(block), int32_bytes(read), float32_bytes(log_probs.gather(1, read.unsqueeze(1))),
            int32_bytes(best.indices), float32_bytes(best.values), float32_bytes(block[:, words:]),
            (time.perf_counter() - started) * 1000, self._branch)

    def _candidates(self, log_probs: Tensor, ranked: Tensor) -> tuple[Candidate, ...]:
        """The most probable tokens, those that are not written among them, from log-probabilities on the host and what they
        are chosen by, (V,).
        """
        words = self.stepper.description.words
        best = log_probs.topk(min(CANDIDATES, len(words)))
        moved = ranked[best.indices] - best.values
        if self.encoded.ranking is not None:
            moved -= (ranked - log_probs).nan_to_num(neginf=torch.nan).nanmedian()  # what all have in common chooses nothing
        never = self._barred[best.indices]
        return tuple(Candidate(k, words[k], p, by == -math.inf < no, p + by if AS_IT_WAS < abs(by) < math.inf else None)
                     for p, k, by, no in zip(*(own.tolist() for own in (*best, moved, never)), strict=True))

    def _planned(self, decoding: Decoding) -> bool:
        """Whether a search has found what follows."""
        step = len(self.tokens)
        return self._planned_for == decoding and step < len(self._plan) and self._plan[:step] == tuple(self.tokens)

    def forget_from(self, step: int) -> None:
        if step < len(self.tokens):
            del self.tokens[step:]
            self._states = {place: state for place, state in self._states.items() if place <= step}

    def _check(self, packed: Tensor, step: int) -> None:
        """See that all numbers are finite, and say where the first that is not began; (V + total,) or (T, V + total)."""
        words = len(self.stepper.description.words)
        rows = packed.reshape(-1, packed.shape[-1])
        fine = torch.isfinite(rows[:, words:]).all(dim=1) & ~torch.isnan(rows[:, :words]).any(dim=1)
        if bool(fine.all()):
            return
        row = int((~fine).nonzero()[0])
        begin = words
        order = {name: place for place, name in enumerate(ORDER_OF_COMPUTATION)}
        wrong: list[tuple[int, int, int, Channel, int]] = []  # where layers have several channels, the last is computed first
        for number, channel in enumerate(self.channels):
            values = rows[row, begin : begin + channel.size]
            begin += channel.size
            if not bool(torch.isfinite(values).all()):
                place = int((~torch.isfinite(values)).nonzero()[0])
                wrong.append((channel.at(place).get("layer", 99), order.get(channel.name, 99), -number, channel, place))
        *_, first, unit = min(wrong, default=(0, 0, 0, None, -1))
        raise NotFinite(step + row, first, unit, edited=bool(self.edits))


def int32_bytes(values: Tensor) -> bytes:
    """Little-endian, in the order of the last dimension."""
    return values.numpy().astype("<i4").tobytes()


def float32_bytes(values: Tensor) -> bytes:
    """Little-endian, in the order of the last dimension."""
    return values.float().cpu().contiguous().numpy().astype("<f4", copy=False).tobytes()


@contextmanager
def computing(device: str) -> Iterator[None]:
    """Without a graph; and on the CPU with one thread, which is faster and steadier than several for single steps."""
    with one_thread() if device == "cpu" else nullcontext(), torch.inference_mode():
        yield
