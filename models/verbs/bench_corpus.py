"""What tracing a corpus costs: texts side by side, workers side by side, and the writing."""

import tempfile
import time
from operator import itemgetter
from pathlib import Path
from typing import Any

import numpy as np

from unrolled.models.adapters.registry import load
from unrolled.models.cells.threads import one_thread
from unrolled.models.corpus.stepping import trace_part
from unrolled.models.corpus.tracing import Outcome, TraceRequest, TracingProgress, trace_corpus
from unrolled.models.corpus.worker import Document, Job
from unrolled.models.data.source_files import STANDARD_LIBRARY, source_texts
from unrolled.models.protocol.decoding import Decoding
from unrolled.models.runs.branch import BLOCK_STEPS, Branch
from unrolled.models.stepping.stepper import AnyStepper
from unrolled.models.store.layout import StoreDescription
from unrolled.models.store.making import pack

MODEL = "chars-lstm"
TEXTS, LENGTH = 64, 512      # for the gain of a batch
ALONE = 3                    # of them are stepped one at a time too
ROUNDS = 6
WORKER_ROUNDS = 2
CORPUS_TEXTS, CORPUS_LENGTH = 256, 2_000


def corpus_costs() -> dict[str, Any]:
    """Ratios out of one run, by turns; of each the fastest round, since whatever else runs here can only make one slower."""
    texts = "\n".join(source_texts(Path(STANDARD_LIBRARY))[:40])
    gain, details = _batch_gain(texts)
    with tempfile.TemporaryDirectory() as home:
        folder = Path(home) / "texts"
        folder.mkdir()
        for number in range(CORPUS_TEXTS):
            begin = number * CORPUS_LENGTH % (len(texts) - CORPUS_LENGTH)
            (folder / f"{number:04d}.txt").write_text(texts[begin : begin + CORPUS_LENGTH], encoding="utf-8")
        rates: dict[int, list[float]] = {1: [], 2: []}
        outcomes = []
        for number in range(WORKER_ROUNDS):
            for workers, own in rates.items():
                rate, outcome = _rate(folder, Path(home) / f"store{workers}-{number}", workers)
                own.append(rate)
                outcomes.append(outcome)
    one, two = (max(own) for own in rates.values())
    busy, outcome = min(((own.tracing_seconds + own.writing_seconds, own) for own in outcomes), key=itemgetter(0))
    return {"corpus_batch_gain": gain, "corpus_scaling": two / one,
            "corpus_write_share": outcome.writing_seconds / busy, "details": details | {
                "scaling": f"{one:,.0f} steps a second by one worker, {two:,.0f} by two, from the first step on; "
                           f"limit 1.7",
                "writing": f"{outcome.writing_seconds / outcome.steps * 1e6:.1f} of {busy / outcome.steps * 1e6:.1f} µs a step "
                           "of the processor; limit 0.25"}}


def _batch_gain(texts: str) -> tuple[float, dict[str, Any]]:
    """Steps a second of the processor with 64 texts at once, over reading them one at a time as a window does."""
    stepper = load(MODEL)
    documents = [texts[number * LENGTH : (number + 1) * LENGTH].encode() for number in range(TEXTS)]
    packing = pack(np.full(TEXTS, LENGTH), TEXTS * LENGTH)
    hidden = tuple(channel for channel in stepper.description.channels if channel.name == "hidden")
    job = Job(0, 0, 1, tuple(Document(number, int(packing.begin[number]), LENGTH, str(number), data)
                             for number, data in enumerate(documents)))
    alone, together, every = [], [], []
    with one_thread():
        for _ in range(ROUNDS):
            alone.append(_alone(stepper, documents[:ALONE]) / (ALONE * LENGTH))
            together.append(_together(stepper, hidden, job) / (TEXTS * LENGTH))
            every.append(_together(stepper, stepper.description.channels, job) / (TEXTS * LENGTH))
    one, many, all_channels = (min(own) * 1e6 for own in (alone, together, every))
    return one / many, {"batch": f"{many:.1f} µs a step with {TEXTS} texts at once and the hidden state kept, {one:.0f} µs one "
                                 f"text at a time as the window reads it; limit 10; with all channels kept {all_channels:.1f} µs"}


def _alone(stepper: AnyStepper, documents: list[bytes]) -> float:
    began = time.process_time()
    for data in documents:
        branch = Branch(0, 0, stepper, stepper.read(data.decode()), others={})
        while len(branch) < LENGTH:
            branch.advance(len(branch), Decoding(), lambda: True, BLOCK_STEPS)
    return time.process_time() - began


def _together(stepper: AnyStepper, channels: Any, job: Job) -> float:
    description = StoreDescription(model=stepper.description, channels=channels, documents=TEXTS, parts=1, steps=TEXTS * LENGTH,
                                   shard=TEXTS * LENGTH, batch=TEXTS)
    began = time.process_time()
    trace_part(stepper, description, job)
    return time.process_time() - began


def _rate(folder: Path, store: Path, workers: int) -> tuple[float, Outcome]:
    """Steps a second between the first and the last that were taken: starting a process is not what is measured."""
    seen: list[tuple[float, int]] = []

    def say(progress: TracingProgress) -> None:
        if progress.steps and (not seen or progress.steps > seen[-1][1]):
            seen.append((time.monotonic(), progress.steps))

    request = TraceRequest(corpus=folder, output=str(store), model=MODEL, workers=workers)
    outcome = trace_corpus(request, load(MODEL), say=say)
    (began, first), (ended, last) = seen[0], seen[-1]
    return (last - first) / max(ended - began, 1e-9), outcome
