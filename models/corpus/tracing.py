"""Trace a corpus into a store: parts are given out to workers until all are there. The same call again goes on."""

import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import numpy as np

from unrolled.models.corpus.crew import Crew, Hand, connected, crew_of
from unrolled.models.corpus.listing import READING_ERRORS, Sentences, read_document
from unrolled.models.corpus.planning import BATCH, Plan, plan
from unrolled.models.corpus.worker import Document, Done, Job, WorkerSettings
from unrolled.models.stepping.stepper import AnyStepper
from unrolled.models.store.claim import Claim
from unrolled.models.store.layout import Dtype, StoreDescription, StoreError, UnreachableError
from unrolled.models.store.location import Location
from unrolled.models.store.making import UNFINISHED, make_store
from unrolled.models.store.store import open_store
from unrolled.models.store.writing import bytes_a_step, in_sentences, missing_parts
from unrolled.models.trace.names import file_name

OFTEN = 0.25        # seconds between two looks at the workers
MOST_DEATHS = 3     # of workers over one part, before it is given up


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceRequest:
    """What is to be traced, into what, by whom; see `unrolled corpus trace --help`."""

    corpus: Path
    output: str
    model: str
    channels: tuple[str, ...] = ()
    dtype: Dtype = "uint8"
    workers: int = 0
    ray: str = ""
    device: str = "cpu"
    batch: int = BATCH


@dataclass(slots=True)
class TracingProgress:
    of_steps: int = 0
    of_parts: int = 0
    # steps, of_steps: steps that are there or under way, and all that there are to be
    steps: int = 0
    parts: int = 0
    rate: float = 0.0  # steps a second since workers had loaded their models, where it can be told; 0 until then

    @property
    def seconds_left(self) -> float:
        return (self.of_steps - self.steps) / self.rate if self.rate else float("nan")


@dataclass(slots=True)
class Outcome:
    """What was done by this call."""

    steps: int = 0
    parts: int = 0
    seconds: float = 0.0
    tracing_seconds: float = 0.0
    writing_seconds: float = 0.0
    deaths: int = 0
    left_out: Sentences = field(default_factory=Sentences)
    notes: Sentences = field(default_factory=Sentences)


def trace_corpus(request: TraceRequest, stepper: AnyStepper, *, hire: Callable[[WorkerSettings], Crew] | None = None,
                 reading: Callable[[int, int], None] = lambda done, of: None,
                 say: Callable[[TracingProgress], None] = lambda progress: None) -> Outcome:
    """Trace what is not there yet. Interrupted anywhere, all parts that are there are whole. Raises `StoreError` when nothing
    can be traced, or the store is another's or of something else, or it cannot be written.

    Parameters
    ----------
    stepper : Stepper
        The model of the request; workers load their own.
    hire : callable, optional
        Makes those who trace; without it the processes or actors that are asked for.
    reading : callable
        Told how many documents were read to be measured, of how many.
    say : callable
        Told about the tracing, often.
    """
    with connected(request.ray):
        return _traced(request, stepper, hire, reading, say)


def _traced(request: TraceRequest, stepper: AnyStepper, hire: Callable[[WorkerSettings], Crew] | None,
            reading: Callable[[int, int], None], say: Callable[[TracingProgress], None]) -> Outcome:
    Location(request.output, to_read=True).exists()  # said at once where nobody answers: who writes has more patience
    location = Location(request.output)
    planned = plan(stepper, request.corpus, channels=request.channels, dtype=request.dtype, batch=request.batch, say=reading)
    if location.exists() and UNFINISHED not in location.group("r").attrs:
        _check_same(location, planned.description)
    else:
        with in_sentences(location):
            make_store(location, planned.description, planned.titles, planned.rooms, planned.packing)
    with Claim(location) as claim:
        _sweep(location)
        parts = missing_parts(location, planned.description.parts)
        outcome = Outcome(left_out=planned.left_out, notes=planned.notes)
        if parts:
            settings = WorkerSettings(location.address, request.model, request.device, planned.description)
            crew = hire(settings) if hire else crew_of(settings, workers=request.workers, ray=request.ray)
            try:
                _run(crew, _jobs(planned, parts), planned, parts, outcome, say, claim)
            except (StoreError, UnreachableError) as error:
                raise StoreError(f"{error}{_still_needed(location, planned)}") from error
    return outcome


def _run(crew: Crew, jobs: Iterator[Job], planned: Plan, parts: Sequence[int], outcome: Outcome,
         say: Callable[[TracingProgress], None], claim: Claim) -> None:
    rooms = _steps_of_parts(planned)
    progress = TracingProgress(of_steps=int(planned.rooms.sum()), of_parts=planned.description.parts,
                               parts=planned.description.parts - len(parts))
    before = progress.of_steps - sum(rooms[part] for part in parts)
    began = loading = time.monotonic()  # when this began, and when no worker had taken a step yet
    finished, is_counted = 0, False
    at_work: dict[Future[Done], tuple[Hand, Job]] = {}
    deaths: dict[int, int] = {}

    def give(hand: Hand, job: Job | None = None) -> None:
        job = job or next(jobs, None)
        if job is None:
            hand.end()
        else:
            at_work[hand.submit(job)] = hand, job

    try:
        for _ in range(min(crew.size, len(parts))):
            give(crew.hire())
        while at_work:
            done, _ = wait(at_work, timeout=OFTEN, return_when=FIRST_COMPLETED)
            for future in done:
                hand, job = at_work.pop(future)
                try:
                    result = future.result()
                except crew.died as error:
                    outcome.deaths += 1
                    deaths[job.part] = deaths.get(job.part, 0) + 1
                    if deaths[job.part] >= MOST_DEATHS:
                        raise StoreError(f"Workers have died {MOST_DEATHS} times over part {job.part}, with the document "
                                         f"“{job.documents[0].name}”; there may not be enough memory.") from error
                    hand.kill()
                    give(crew.hire(), job)
                    continue
                except Exception as error:
                    cause = getattr(error, "cause", None)  # Ray wraps what a worker raises into pages of text
                    if isinstance(cause, Exception):
                        raise cause from error
                    raise
                _note(outcome, result)
                finished += rooms[job.part]
                progress.parts += 1
                give(hand)
            counted, now = sum(hand.steps for hand, _ in at_work.values()), time.monotonic()
            progress.steps, outcome.seconds = before + finished + counted, now - began
            is_counted = is_counted or counted > 0  # those of a cluster are told part by part
            if progress.steps == before:
                loading = now
            elif now > (since := loading if is_counted else began):
                progress.rate = (progress.steps - before) / (now - since)
            say(progress)
            claim.keep()
    finally:
        for hand, _ in at_work.values():
            hand.kill()


def _note(outcome: Outcome, done: Done) -> None:
    outcome.steps += done.steps
    outcome.parts += 1
    outcome.tracing_seconds += done.tracing_seconds
    outcome.writing_seconds += done.writing_seconds
    for sentence in done.left_out:
        outcome.left_out.add(sentence)
    for note in done.notes:
        outcome.notes.add(note)


def _steps_of_parts(planned: Plan) -> dict[int, int]:
    found = dict.fromkeys(range(planned.description.parts), 0)
    for number, part in enumerate(_part_of_documents(planned)):
        found[part] += int(planned.rooms[number])
    return found


def _part_of_documents(planned: Plan) -> list[int]:
    shards = planned.packing.begin // planned.description.shard
    found: list[int] = (np.searchsorted(planned.packing.part_shards, shards, side="right") - 1).tolist()
    return found


def _jobs(planned: Plan, parts: Sequence[int]) -> Iterator[Job]:
    """A job for each part, its documents read again when its turn comes: a corpus need not fit into memory."""
    documents: dict[int, list[int]] = {part: [] for part in parts}
    for number, part in enumerate(_part_of_documents(planned)):
        if part in documents:
            documents[part].append(number)
    edges = [*planned.packing.part_shards.tolist(), planned.packing.shards]
    for part in parts:
        begin = edges[part] * planned.description.shard
        own = sorted(documents[part], key=lambda number: (-int(planned.rooms[number]), number))
        yield Job(part, edges[part], edges[part + 1] - edges[part], tuple(
            Document(number, int(planned.packing.begin[number]) - begin, int(planned.rooms[number]), planned.titles[number],
                     _again(planned.paths[number], planned.description.model.input_kind)) for number in own))


def _again(path: Path, input_kind: str) -> bytes:
    try:
        return read_document(path, input_kind)
    except READING_ERRORS as error:
        raise StoreError(f"“{file_name(path)}” could be read before, and cannot be any more: {error}") from error


def _check_same(location: Location, wanted: StoreDescription) -> None:
    """Going on is only possible with what the store was begun with. Raises `StoreError` with what differs."""
    found = open_store(location.address).description
    if found.model.weights_hash != wanted.model.weights_hash:
        raise StoreError(f"“{location.title}” was begun with another model, {found.model.name}; name another store.")
    if found.corpus_hash != wanted.corpus_hash:
        raise StoreError(f"“{location.title}” was begun with other documents: files were added, changed or taken away since. "
                         "Name another store.")
    for name, words in (("channels", "other channels"), ("dtype", "another type of number"), ("batch", "another batch")):
        if getattr(found, name) != getattr(wanted, name):
            raise StoreError(f"“{location.title}” was begun with {words}; name another store, or give the same again.")
    same = msgspec.structs.replace(wanted, created=found.created, source=found.source)
    if same != found:
        raise StoreError(f"“{location.title}” was begun by another version of Unrolled, which lays it out otherwise; name "
                         "another store.")


def _sweep(location: Location) -> None:
    """Take away what a writer that was killed left unfinished."""
    if location.folder is not None:
        for left in location.folder.rglob("*.partial"):
            left.unlink(missing_ok=True)


def _still_needed(location: Location, planned: Plan) -> str:
    if location.folder is None:
        return ""
    rooms = _steps_of_parts(planned)
    missing = sum(rooms[part] for part in missing_parts(location, planned.description.parts))
    needed = missing * bytes_a_step(planned.description)
    free = shutil.disk_usage(location.folder).free
    return f" About {needed / 1e6:,.0f} MB are still to be written." if needed > free else ""
