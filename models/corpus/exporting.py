"""A store as one file that other programs read: Parquet, a row a step, or NumPy's npz; written piece by piece."""

import zipfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from unrolled.models.corpus.parts import Told
from unrolled.models.store.layout import StoreError
from unrolled.models.store.run import StoredRun
from unrolled.models.store.store import Store
from unrolled.models.trace import Channel
from unrolled.models.trace.atomic import atomic_path
from unrolled.models.trace.files import writing_sentence

SUFFIXES = (".parquet", ".npz")
ROWS = 8192  # steps at a time


def export(store: Store, path: Path, *, documents: Sequence[int] = (), channels: Sequence[str] = (),
           progress: Told = lambda done, of: None) -> tuple[int, int]:
    """Write the documents that are there, all or some, and give how many steps and documents that are. Raises `StoreError` when
    the suffix is none of `SUFFIXES`, what is asked for is not there, the file cannot be written, or the library for it is not
    installed.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise StoreError(f"“{path.name}” should end in one of {', '.join(SUFFIXES)}.")
    kept = tuple(store.description.channel(name) for name in channels) or store.description.channels
    for number in documents:
        if not 0 <= number < len(store.documents):
            raise StoreError(f"There is no document {number}; there are {len(store.documents):,}, counted from 0.")
    numbers = list(documents) or [number for number in range(len(store.documents)) if store.documents[number].is_there]
    if not numbers:
        raise StoreError(f"Nothing of “{store.title}” is there yet.")
    runs = [store.run(number) for number in numbers]
    write = _write_parquet if path.suffix.lower() == ".parquet" else _write_npz
    try:
        with atomic_path(path) as temporary:
            write(store, runs, kept, temporary, progress)
    except OSError as error:
        raise StoreError(writing_sentence(path, error)) from error
    return sum(map(len, runs)), len(runs)


def _pieces(runs: Sequence[StoredRun], progress: Told) -> Iterator[tuple[StoredRun, int, int]]:
    for done, run in enumerate(runs):
        progress(done, len(runs))
        for start in range(0, len(run), ROWS):
            yield run, start, min(start + ROWS, len(run))
    progress(len(runs), len(runs))


def _write_parquet(store: Store, runs: Sequence[StoredRun], channels: Sequence[Channel], path: Path, progress: Told) -> None:
    """Columns document, title, step, word, token, log_prob, and of every channel a list of float32 a step."""
    try:
        import pyarrow as arrow
        from pyarrow import parquet
    except ImportError as error:
        raise StoreError("Parquet needs the package pyarrow; “python -m pip install 'unrolled[tables]'” brings it.") from error
    schema = arrow.schema([
        ("document", arrow.int64()), ("title", arrow.string()), ("step", arrow.int64()), ("word", arrow.string()),
        ("token", arrow.int32()), ("log_prob", arrow.float32()),
        *((channel.name, arrow.list_(arrow.float32(), channel.size)) for channel in channels)])
    with parquet.ParquetWriter(path, schema) as writer:
        for run, start, stop in _pieces(runs, progress):
            count = stop - start
            columns: list[Any] = [
                arrow.array(np.full(count, run.number)), arrow.array([run.title] * count), arrow.array(np.arange(start, stop)),
                arrow.array([word.encode("utf-8", "replace").decode() for word in run.words(start, stop)]),
                arrow.array(run.tokens(start, stop)), arrow.array(run.log_probs(start, stop))]
            columns += [arrow.FixedSizeListArray.from_arrays(arrow.array(run.values(channel.name, start, stop).ravel()),
                                                             channel.size) for channel in channels]
            writer.write_table(arrow.Table.from_arrays(columns, schema=schema))


def _write_npz(store: Store, runs: Sequence[StoredRun], channels: Sequence[Channel], path: Path, progress: Told) -> None:
    """``title``, ``begin`` and ``steps`` of the documents, then ``token``, ``log_prob`` and every channel, one document after
    another; a text's characters as ``character``.
    """
    lengths = np.array([len(run) for run in runs], np.int64)
    total = int(lengths.sum())
    of_steps: list[tuple[str, tuple[int, ...], Any, Callable[[StoredRun, int, int], npt.NDArray[Any]]]] = [
        ("token", (), np.int32, StoredRun.tokens), ("log_prob", (), np.float32, StoredRun.log_probs)]
    if store.description.has_characters:
        of_steps.append(("character", (), np.uint32, lambda run, start, stop: np.frombuffer(
            run.text(start, stop).encode("utf-32-le", "surrogatepass"), "<u4")))
    for channel in channels:
        of_steps.append((channel.name, channel.shape, np.float32,
                         lambda run, start, stop, name=channel.name: run.values(name, start, stop)))  # type: ignore[misc]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
        for name, array in (("title", np.array([run.title for run in runs])), ("begin", np.cumsum(lengths) - lengths),
                            ("steps", lengths)):
            with archive.open(f"{name}.npy", "w") as file:
                np.lib.format.write_array(file, array, allow_pickle=False)
        for place, (name, shape, dtype, read) in enumerate(of_steps):
            with archive.open(f"{name}.npy", "w", force_zip64=True) as file:
                np.lib.format.write_array_header_2_0(file, {
                    "descr": np.lib.format.dtype_to_descr(np.dtype(dtype)), "fortran_order": False, "shape": (total, *shape)})

                def told(done: int, of: int, place: int = place) -> None:
                    progress(place * of + done, len(of_steps) * of)

                for run, start, stop in _pieces(runs, told):
                    file.write(np.ascontiguousarray(read(run, start, stop), dtype).tobytes())
