"""The steps of a part's documents. Texts that are only read are stepped side by side; everything else as the window does.

Which documents are stepped together depends on the part alone, so that the numbers are the same to the last bit whoever
traces it, and when, on one kind of processor with one thread.
"""

import sys
from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate, tee
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from unrolled.models.corpus.worker import Document, Job
from unrolled.models.inputs.files import ReadingError
from unrolled.models.inputs.kinds import Notes, kind_named
from unrolled.models.protocol.decoding import Decoding
from unrolled.models.protocol.stepping import Ended, SteppedBlock
from unrolled.models.runs.branch import Branch
from unrolled.models.runs.errors import NotFinite
from unrolled.models.stepping.next_character import NextCharacterStepper
from unrolled.models.stepping.stepper import AnyStepper, EncodedInput, InputError, ReadsAhead, ReadsTexts
from unrolled.models.store.layout import StoreDescription, StoreError, stored
from unrolled.models.store.writing import Part
from unrolled.models.trace import Channel
from unrolled.models.trace.names import text_name

BLOCK_STEPS = 64  # of which the values are brought to the host together

Said = Callable[[int], None]
"""Told how many steps were taken since it was told last."""


def read_by(stepper: AnyStepper, data: bytes, name: str) -> tuple[EncodedInput[Any], Notes]:
    """An input of the stepper's kind, however long, and what its file brought. Raises `StoreError` with a sentence when it
    cannot be read.
    """
    if isinstance(stepper, ReadsTexts):
        stepper.longest_text = sys.maxsize  # a tab may be read as four characters
    try:
        given, notes = kind_named(stepper.description.input_kind).for_model(data, text_name(name))
        encoded: EncodedInput[Any] = stepper.read(given)
    except InputError as error:
        raise StoreError(f"“{text_name(name)}”: {error}") from error
    except ReadingError as error:
        raise StoreError(str(error)) from error
    return encoded, notes


def is_batched(stepper: AnyStepper, encoded: EncodedInput[Any]) -> bool:
    """Whether documents can be stepped side by side: all is read, and no step looks at anything but the state; what a text's
    first step reads in place of a word is read as one.
    """
    return bool(encoded.prompt_tokens) and (encoded.memory is None or isinstance(stepper, NextCharacterStepper))


@torch.inference_mode()
def trace_part(stepper: AnyStepper, description: StoreDescription, job: Job, *,
               say: Said = lambda steps: None) -> tuple[Part, list[str], list[str]]:
    """Everything of a part, what of it could not be read, and what a person should know of what could, a sentence each. Raises
    `StoreError` when a number is not finite.
    """
    part, left_out, notes = Part.empty(description, job.shards), list[str](), list[str]()
    side_by_side: list[tuple[Document, EncodedInput[Any]]] = []
    for document in job.documents:
        try:
            encoded, own_notes = read_by(stepper, document.data, document.name)
        except StoreError as error:
            left_out.append(str(error))
            continue
        if description.decoding != "read":  # else they were said when it was measured
            notes += own_notes
        if description.decoding == "read" and is_batched(stepper, encoded):
            side_by_side.append((document, encoded))
        else:
            _alone(stepper, description, document, encoded, part)
            say(document.room)
    for first in range(0, len(side_by_side), description.batch):
        wave = side_by_side[first : first + description.batch]
        _together(stepper, description, [own for own, _ in wave], [encoded for _, encoded in wave], part, say)
    return part, left_out, notes


def _together(stepper: AnyStepper, description: StoreDescription, documents: Sequence[Document],
              texts: Sequence[EncodedInput[Any]], part: Part, say: Said) -> None:
    """Step texts side by side, each from its first step; the longest first, so that those that end are the last rows."""
    tokens = [np.array(own.prompt_tokens[: document.room], np.int64) for document, own in zip(documents, texts, strict=True)]
    lengths = np.array([len(own) for own in tokens])
    assert (np.diff(lengths) <= 0).all()
    table = np.full((int(lengths[0]) + 1, len(tokens)), stepper.description.start_token, np.int64)    # (T + 1, K)
    for row, own in enumerate(tokens):
        table[1 : len(own) + 1, row] = own
        if texts[row].memory is not None:
            table[0, row] = int(texts[row].memory)
        place = documents[row].place
        part.tokens[place : place + len(own)] = own
        _write_characters(stepper, part, place, own, texts[row].characters)
    take = _read_ahead if isinstance(stepper, ReadsAhead) else _step_by_step
    starts = range(0, int(lengths[0]), BLOCK_STEPS)
    blocks = take(stepper, texts[0].memory, table, lengths, description.channels)
    for begin, (log_probs, values) in zip(starts, blocks, strict=True):
        counts = np.clip(lengths[: log_probs.shape[1]] - begin, 0, BLOCK_STEPS)
        _keep(description, documents, counts, begin, log_probs, values, part)
        say(int(counts.sum()))


Taken = Iterator[tuple[Tensor, list[Tensor]]]
"""Of each block the log-probabilities of what was read, (T, K), and the values of each channel, (T, K, size)."""


def _blocks(table: npt.NDArray[np.int64], lengths: npt.NDArray[np.int64]) -> Iterator[npt.NDArray[np.int64]]:
    """Tokens of those that have not ended, (T + 1, K): each step's is the one before it."""
    for begin in range(0, int(lengths[0]), BLOCK_STEPS):
        yield table[begin : begin + BLOCK_STEPS + 1, : int((lengths > begin).sum())]


def _read_ahead(stepper: Any, _memory: None, table: npt.NDArray[np.int64], lengths: npt.NDArray[np.int64],
                channels: Sequence[Channel]) -> Taken:
    """A block at once. What ends within one reads on, and is not kept."""
    names = [channel.name for channel in channels]
    every = (torch.from_numpy(block).to(stepper.device) for block in _blocks(table, lengths))
    to_read, read = tee(every)
    for tokens, (log_probs, kept) in zip(read, stepper.read_ahead((tokens[:-1] for tokens in to_read), names), strict=True):
        yield log_probs.gather(2, tokens[1:].unsqueeze(2)).squeeze(2), [kept[name] for name in names]


def _step_by_step(stepper: Any, memory: Any, table: npt.NDArray[np.int64], lengths: npt.NDArray[np.int64],
                  channels: Sequence[Channel]) -> Taken:
    """The same by any stepper, a step at a time; what has ended is left out, and zero. `memory`: of one of the texts, each of
    whose steps has a word to read in its place.
    """
    recorded = stepper.description.channels
    starts = dict(zip((channel.name for channel in recorded),
                      accumulate((channel.size for channel in recorded), initial=0), strict=False))
    state = stepper.select(stepper.start(memory), torch.zeros(1, len(lengths), dtype=torch.long))
    step = 0
    for block in _blocks(table, lengths):
        steps, rows = len(block) - 1, block.shape[1]
        log_probs = torch.zeros(steps, rows, device=stepper.device)
        values = [torch.zeros(steps, rows, channel.size, device=stepper.device) for channel in channels]
        for row in range(steps):
            living = int((lengths > step).sum())
            if living < len(state[0][0]):
                state = stepper.select(state, torch.arange(living).unsqueeze(0))
            state, record = stepper.step(memory, state, block[row, :living].tolist())
            read = torch.from_numpy(block[row + 1, :living]).to(stepper.device)
            log_probs[row, :living] = record.log_probs.gather(1, read.unsqueeze(1))[:, 0]
            for own, channel in zip(values, channels, strict=True):
                own[row, :living] = record.values[:, starts[channel.name] : starts[channel.name] + channel.size]
            step += 1
        yield log_probs, values


def _keep(description: StoreDescription, documents: Sequence[Document], counts: npt.NDArray[np.int64], begin: int,
          log_probs: Tensor, values: Sequence[Tensor], part: Part) -> None:
    """Put a block, its steps first, where its documents lie: of each as many steps as it has."""
    host = log_probs.float().cpu().numpy()
    blocks = [own.float().cpu().numpy() for own in values]
    if np.isnan(host).any() or not all(np.isfinite(block.sum()) for block in blocks):  # a sum is read once, and nearly as good
        fine = ~np.isnan(host).any(axis=0)
        for block in blocks:
            fine &= np.isfinite(block).all(axis=(0, 2))
        if not fine.all():
            raise _not_finite(documents[int(np.argmin(fine))], begin)
    places = [slice(document.place + begin, document.place + begin + count)
              for document, count in zip(documents, counts.tolist(), strict=False)]
    for row, place in enumerate(places):
        part.log_probs[place] = host[: counts[row], row]
    for channel, block in zip(description.channels, blocks, strict=True):
        kept = stored(block, channel, description.dtype)
        for row, place in enumerate(places):
            part.values[channel.name][place] = kept[: counts[row], row].reshape(-1, *channel.shape)


def _alone(stepper: AnyStepper, description: StoreDescription, document: Document, encoded: EncodedInput[Any],
           part: Part) -> None:
    """Step one document as the window does: read it, or write words greedily until END."""
    if encoded.channels and any(channel not in encoded.channels for channel in description.channels):
        raise StoreError("A channel whose length differs from input to input cannot be kept in a store; leave it out of "
                         "--channels.")
    branch = Branch(0, 0, stepper, encoded, others={})
    most = min(len(encoded.prompt_tokens) if description.decoding == "read" else branch.maximum, document.room)
    try:
        for first, tokens, log_probs, values in _reports(branch, most):
            place, count = document.place + first, len(tokens)
            part.tokens[place : place + count] = tokens
            part.log_probs[place : place + count] = log_probs
            _write_characters(stepper, part, place, tokens, encoded.characters[first:])
            for channel in description.channels:
                part.values[channel.name][place : place + count] = stored(values[channel.name], channel, description.dtype)
    except NotFinite as error:
        raise _not_finite(document, error.step) from error


def _reports(branch: Branch, most: int) -> Iterator[tuple[int, npt.NDArray[Any], npt.NDArray[np.float32], dict[str, Any]]]:
    """First step, tokens, log-probabilities and values of one step or of many."""
    words = branch.stepper.description.words
    while len(branch) < most:
        report = branch.advance(len(branch), Decoding(), lambda: True, most - len(branch))
        if isinstance(report, Ended):
            return
        if isinstance(report, SteppedBlock):
            block = report.block(branch.channels, words)
            yield block.step, block.tokens, block.log_probs, dict(block.values)
        else:
            result = report.result(branch.channels)
            yield (result.step, np.array([result.token]), np.array([result.log_prob], np.float32),
                   {name: value[None] for name, value in result.values.items()})


def _write_characters(stepper: AnyStepper, part: Part, place: int, tokens: npt.NDArray[Any], known: str) -> None:
    """The text's own characters as far as they are known, else what the tokens are called."""
    if part.characters is not None:
        words = stepper.description.words
        called = (words[token] if len(words[token]) == 1 else "\N{REPLACEMENT CHARACTER}"
                  for token in tokens[len(known) :].tolist())
        own = np.frombuffer((known[: len(tokens)] + "".join(called)).encode("utf-32-le", "surrogatepass"), "<u4")
        part.characters[place : place + len(tokens)] = own


def _not_finite(document: Document, step: int) -> StoreError:
    return StoreError(f"From step {step} on, “{text_name(document.name)}” has numbers that are not finite: this model cannot be "
                      "traced.")
