"""Read everything that is there, checksums and all."""

import json
from collections.abc import Callable, Iterator
from functools import partial

from unrolled.models.store.layout import BY_UNIT, OF_DOCUMENTS, PYRAMID, StoreError
from unrolled.models.store.reading_ahead import ahead, at_once
from unrolled.models.store.store import Store, arrays_of


def verify(store: Store, *, progress: Callable[[int, int], None] = lambda done, of: None) -> Iterator[str]:
    """What is missing, cut off or damaged, a sentence each, as it is found; of parts that are not there nothing is said.

    Every array of the documents and every shard of every array of every part is read whole, so that each chunk's checksum is
    compared; descriptions of arrays are held against those beside the store's own. `progress`: told how many shards are done, of
    how many.
    """
    yield from store.problems
    yield from _descriptions(store)
    of_documents = [sentence for name in (*OF_DOCUMENTS, "part_shard", "written") for sentence in _of_documents(store, name)]
    yield from of_documents
    if of_documents:
        return  # whose steps lie where is not known
    description = store.description
    names = ["token", "log_prob", *(["character"] if description.has_characters else []),
             *(name for name, _ in arrays_of(description, description.channels))]
    shards = [number for start, stop in store.spans() for number in range(start // description.shard, stop // description.shard)]
    files = [(name, number) for number in shards for name in names]
    threads = at_once(store.location, description.shard * max((own.size for own in description.channels), default=1))
    for done, ((_, number), wrong) in enumerate(zip(files, ahead(partial(_wrong, store), files, threads), strict=True)):
        progress(done, len(files))
        if sentence := wrong():
            yield f"{sentence[:-1]}; {_documents(store, number)}."
    progress(len(files), len(files))


def _descriptions(store: Store) -> Iterator[str]:
    """What other readers open the arrays by."""
    known = json.loads(store.location.read("zarr.json") or b"{}").get("consolidated_metadata") or {}
    for name, own in known.get("metadata", {}).items():
        try:
            found = json.loads(store.location.read(f"{name}/zarr.json") or b"{}")
        except ValueError:
            found = {}
        if found != {key: value for key, value in own.items() if key != "consolidated_metadata"}:
            yield f"“{name}/zarr.json” of “{store.title}” is missing or damaged."


def _of_documents(store: Store, name: str) -> Iterator[str]:
    """What is wrong with an array that has something for each document or part."""
    try:
        store.documents.array(name)
    except StoreError as error:
        yield str(error)


def _wrong(store: Store, file: tuple[str, int]) -> str:
    """What is wrong with one shard of one array; nothing where it is fine."""
    name, shard = file
    try:
        store.steps(name, axis=1 if name.startswith((BY_UNIT, PYRAMID)) else 0).check(shard)
    except StoreError as error:
        return str(error)
    return ""


def _documents(store: Store, shard: int) -> str:
    documents = store.documents
    begin, stop = shard * store.description.shard, (shard + 1) * store.description.shard
    own = documents.order[(documents.begin[documents.order] < stop)
                          & (documents.begin[documents.order] + documents.room[documents.order] > begin)]
    if len(own) == 0:
        return "no document lies there"
    first = documents[int(own[0])].title
    return f"it holds steps of “{first}”" + (f" and {len(own) - 1} more documents" if len(own) > 1 else "")
