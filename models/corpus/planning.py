"""What there is to trace, and where in a store it is to lie: every document is read once to know how long it is."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

import numpy as np

from unrolled.models.corpus.listing import READING_ERRORS, Sentences, corpus_hash, list_files, read_document
from unrolled.models.corpus.stepping import read_by
from unrolled.models.stepping.stepper import AnyStepper
from unrolled.models.store.layout import Dtype, StoreDescription, StoreError, shard_steps
from unrolled.models.store.making import Packing, Places, pack
from unrolled.models.trace import Channel
from unrolled.models.trace.names import file_name

BATCH = 64               # texts that are stepped side by side
WRITTEN_SHARD = 2**13    # steps a shard at the most, where each step takes much longer: a part is to take seconds, not hours


@dataclass(frozen=True, slots=True)
class Plan:
    description: StoreDescription
    titles: list[str]
    paths: list[Path]  # the documents' files
    rooms: Places
    packing: Packing
    left_out: Sentences
    notes: Sentences   # what a person should know of how documents were read, such as that one was cut off, a sentence each


def plan(stepper: AnyStepper, corpus: Path, *, channels: tuple[str, ...], dtype: Dtype, batch: int = BATCH,
         say: Callable[[int, int], None] = lambda done, of: None) -> Plan:
    """Read all documents, and find places for their steps. Raises `StoreError` when there is nothing to trace, or no such
    channel.
    """
    model = stepper.description
    listing, notes = list_files(corpus), Sentences()
    left_out = listing.left_out
    titles, paths, rooms, hashes = [], [], [], []
    for done, path in enumerate(listing.paths):
        say(done, len(listing.paths))
        try:
            data = read_document(path, model.input_kind)
            # Pictures take long to be looked at: one that cannot be read after all has no steps, and is named then.
            room = model.maximum_steps + 1
            if model.input_kind == "text":
                encoded, of_file = read_by(stepper, data, path.name)
                room = len(encoded.prompt_tokens)
                for note in (*of_file, *(f"“{file_name(path)}”: {own}" for own in encoded.notes)):
                    notes.add(note)
        except READING_ERRORS as error:
            left_out.add(str(error))
            continue
        if not room:
            left_out.add(f"“{file_name(path)}” is too short for a step of this model.")
        else:
            titles.append(listing.title(path))
            paths.append(path)
            rooms.append(room)
            hashes.append(hashlib.sha256(data).digest())
    say(len(listing.paths), len(listing.paths))
    unread = Sentences()
    if not any(model.input_kind == "text" or _is_read(stepper, path, unread) for path in paths):
        sentences = (*left_out.sentences, *unread.sentences)
        why = f": {sentences[0]}" if sentences else "."
        raise StoreError(f"There is nothing in “{corpus.name}” that {model.name} can read{why}")
    kept = chosen_channels(model.channels, channels)
    places = np.array(rooms, np.int64)
    shard = shard_steps(kept, dtype, int(places.sum()))
    is_read = model.input_kind == "text"
    shard = shard if is_read else min(shard, WRITTEN_SHARD)
    packing = pack(places, shard)
    description = StoreDescription(
        model=model, channels=kept, dtype=dtype, documents=len(paths), parts=len(packing.part_shards),
        steps=packing.shards * shard, shard=shard, filled=is_read, decoding="read" if is_read else "greedy",
        source=str(listing.root), batch=batch, corpus_hash=corpus_hash(titles, hashes),
        created=datetime.now(timezone.utc).isoformat(timespec="seconds"))
    return Plan(description, titles, paths, places, packing, left_out, notes)


def _is_read(stepper: AnyStepper, path: Path, why_not: Sentences) -> bool:
    try:
        read_by(stepper, read_document(path, stepper.description.input_kind), path.name)
    except READING_ERRORS as error:
        why_not.add(str(error))
        return False
    return True


def chosen_channels(channels: tuple[Channel, ...], names: tuple[str, ...]) -> tuple[Channel, ...]:
    """Those of these names, in the model's order; without names the first with the role ``hidden``. Raises `StoreError`."""
    known = {channel.name: channel for channel in channels}
    for name in names:
        if name not in known:
            raise StoreError(f"The model has no channel “{name}”; it has {', '.join(known)}.")
    if not names:
        first = next((channel for channel in channels if channel.role == "hidden"), channels[0])
        return (first,)
    return tuple(channel for channel in channels if channel.name in names)
