"""A trace in a file, in four formats that all open again with the same bits.

`.safetensors` and `.npz` hold arrays and a header in JSON; `.json` is one object; `.csv` has the header as a comment
in its first line, then a row a step and a column a value, without the picture. Nothing in a file is executed. What a
file says is checked before it is believed.
"""

import base64
import errno
import io
import json
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, cast

import msgspec
import numpy as np
import numpy.typing as npt

from unrolled.models.trace import tables
from unrolled.models.trace.atomic import atomic_path
from unrolled.models.trace.channel import Channel
from unrolled.models.trace.json_pieces import JsonPieces, TooLongError
from unrolled.models.trace.names import file_name, is_endless, text_name
from unrolled.models.trace.provenance import Provenance
from unrolled.models.trace.steps import Candidate
from unrolled.models.trace.tensor_files import Arrays, tensors_in, write_tensors
from unrolled.models.trace.trace import Trace

FORMAT = "unrolled-trace"
VERSION = 1
HEADER, INPUT, LOG_PROBS, TOKENS = "header", "input", "log_probs", "tokens"
CHANNEL_PREFIX = "channel."
MOST_CHANNELS = 1024
# Bytes; 50,000 steps of the largest model shipped make 0.7 GB. Text takes ten times its size while it is read.
LARGEST_FILES = {".safetensors": 4 * 2**30, ".npz": 4 * 2**30, ".json": 2**29, ".csv": 2**30}
LARGEST_RATIO, ALWAYS_ALLOWED = 20, 2**28  # bytes unpacked for a byte packed, beyond so many
MOST_VALUES = 1_000_000  # of a step
MOST_STEPS = 1_000_000   # as many lines of a header take seconds
LARGEST_HEADER = 2**30   # bytes, of words and candidates; five times as many in memory
AT_ONCE = 2**16          # numbers
MUCH = 2**25             # bytes, which take a moment
MOST_LOG_PROB = 1e-2     # a rounded 1

Say = Callable[[float], None]
"""Told how far reading is, from 0 to 1; what it raises ends the reading."""


class TraceError(ValueError):
    """A trace that cannot be read or written: one sentence for people."""


class TraceHeader(msgspec.Struct, frozen=True, kw_only=True):
    format: str = FORMAT
    version: int = VERSION
    channels: tuple[Channel, ...]
    provenance: Provenance
    ended: bool
    steps: int = -1  # to know a table that is cut off; -1 where it is not said
    words: tuple[str, ...] = ()
    candidates: tuple[tuple[Candidate, ...], ...] = ()


def save_trace(trace: Trace, path: Path) -> None:
    """Write a trace; the suffix says how. Raises `TraceError` when the suffix is not known, or the file cannot be written;
    the old file is left as it was then.
    """
    writer = _by_suffix(path, _WRITERS)
    try:
        with atomic_path(path) as temporary:
            with temporary.open("wb") as file:
                writer(file, trace)
            _check_file(temporary, path.name)
    except OSError as error:
        raise TraceError(writing_sentence(path, error)) from error


def untold(_: float) -> None:
    """A `Say` that nobody hears."""


def load_trace(path: Path, say: Say = untold) -> Trace:
    """Read a trace. Raises `TraceError` when the suffix is not known, the file cannot be read, or is not a trace."""
    reader: Callable[[Path, Say], Trace] = _by_suffix(path, _READERS)
    with _sentences(file_name(path)):
        _check_file(path, file_name(path))
        return reader(path, say)


def _check_file(path: Path, name: str) -> None:
    """The same bound for what is written and for what is read. Raises `TraceError`."""
    if is_endless(path):
        raise TraceError(f"“{name}” is not a file.")
    size, most = path.stat().st_size, LARGEST_FILES[path.suffix.lower()]
    if size > most:
        raise TraceError(f"“{name}” is {size / 2**30:.1f} GiB; of such files {most / 2**30:g} GiB are the most that can be "
                         "opened.")


def _check_length(steps: int, header: int = 0) -> None:
    if steps > MOST_STEPS:
        raise TraceError(f"A trace of {steps:,} steps is too long; {MOST_STEPS:,} are the most. A corpus store, as “unrolled "
                         "corpus trace” writes it, holds more.")
    if header > LARGEST_HEADER:
        raise TraceError(f"The words and candidates of this trace take {header / 2**30:.1f} GiB; {LARGEST_HEADER / 2**30:g} GiB "
                         "is the most that can be opened.")


@contextmanager
def _sentences(name: str) -> Iterator[None]:
    """Whatever reading raises, as a `TraceError`: what a file can do to a reader is not to be listed."""
    try:
        yield
    except TraceError:
        raise
    except FileNotFoundError as error:
        raise TraceError(f"There is no file “{name}”.") from error
    except IsADirectoryError as error:
        raise TraceError(f"“{name}” is a folder.") from error
    except OSError as error:
        raise TraceError(f"“{name}” cannot be read: {error.strerror or error}.") from error
    except MemoryError as error:
        raise TraceError(f"There is not enough memory to open “{name}”.") from error
    except Exception as error:
        raise TraceError(f"“{name}” is cut off, damaged, or not a trace of Unrolled.") from error


def writing_sentence(path: Path, error: OSError) -> str:
    if error.errno == errno.ENOSPC:
        return f"There is no room left on the disk for “{path.name}”."
    if isinstance(error, FileNotFoundError):
        return f"There is no folder “{path.parent}” to write to."
    if isinstance(error, PermissionError):
        return f"“{path}” cannot be written: its folder or the file does not allow it."
    return f"“{path}” cannot be written: {error.strerror or error}."


def _by_suffix(path: Path, table: dict[str, Any]) -> Any:
    try:
        return table[path.suffix.lower()]
    except KeyError:
        raise TraceError(f"“{path.name}” should end in one of {', '.join(table)}.") from None


def _header_text(trace: Trace, *, words: bool = True) -> str:
    """The header as JSON, a step at a time: a long run is saved in a thread, and the window goes on beside it."""
    _check_length(len(trace))
    # Not msgspec's writer: it turns an infinite log-probability into null, and refuses the halves of characters that
    # Python makes of a file name that is not UTF-8. Escapes keep both, and ASCII always fits the file.
    header = TraceHeader(channels=tuple(trace.channels.values()), provenance=trace.provenance, ended=trace.ended,
                         steps=len(trace), words=tuple(trace.words) if words else ())
    if not words:
        return json.dumps(msgspec.to_builtins(header))
    candidates = ", ".join(json.dumps(msgspec.to_builtins(of_step)) for of_step in trace.candidates)
    start = json.dumps({name: value for name, value in msgspec.to_builtins(header).items() if name != "candidates"})
    _check_length(len(trace), len(start) + len(candidates))
    return f'{start[:-1]}, "candidates": [{candidates}]}}'


def _arrays(trace: Trace) -> Arrays:
    arrays: Arrays = {CHANNEL_PREFIX + name: np.ascontiguousarray(trace.column(name)) for name in trace.channels}
    return arrays | {LOG_PROBS: np.ascontiguousarray(trace.log_probs), TOKENS: np.asarray(trace.tokens, np.int64),
                     INPUT: np.frombuffer(trace.input_bytes, np.uint8)}


def _read_header(text: str | bytes, say: Say = untold) -> TraceHeader:
    _check_length(0, len(text))
    text = text.decode("utf-8", "surrogatepass") if isinstance(text, bytes) else text
    return _header_and_rest(JsonPieces(text, say))[0]


def _header_and_rest(pieces: JsonPieces, **readers: Callable[[JsonPieces], Any]) -> tuple[TraceHeader, dict[str, Any]]:
    """A header and what stands beside it in the same object, some of that read in its own way. Raises `ValueError`."""
    # Python's reader takes the NaN and Infinity that values may hold, msgspec's does not.
    readers = {"words": _read_words, "candidates": _read_candidates, **readers}
    known, whole = {*readers, *TraceHeader.__struct_fields__}, {}
    for name in pieces.members():
        try:
            own = readers.get(name, JsonPieces.value)(pieces)
        except TooLongError as error:
            raise TraceError(f"“{text_name(name[:40])}” of this trace is longer than is read there.") from error
        if name in known:
            whole[name] = own
    candidates = whole.pop("candidates", ())
    header = msgspec.structs.replace(msgspec.convert(whole, TraceHeader), candidates=candidates)
    if header.format != FORMAT:
        raise ValueError(f"{header.format} is another format")
    if header.version != VERSION:
        raise TraceError(f"This is a trace of format {header.version}; this Unrolled reads format {VERSION}.")
    _check_length(max(header.steps, len(header.words)))
    _check_provenance(header)
    return header, whole


def _read_words(pieces: JsonPieces) -> list[str]:
    found = list[str]()
    for word in pieces.array():
        if not isinstance(word, str):
            raise ValueError("a word is not a string")  # now: all of them may be far larger in memory than in the file
        found.append(word)
    return found


def _read_candidates(pieces: JsonPieces) -> tuple[tuple[Candidate, ...], ...]:
    several = msgspec.json.Decoder(list[tuple[Candidate, ...]]).decode
    return tuple(of_step if isinstance(of_step, tuple) else msgspec.convert(of_step, tuple[Candidate, ...])
                 for of_step in pieces.array(several))


def _check_provenance(header: TraceHeader) -> None:
    """What views take for granted. Raises `ValueError`."""
    names, provenance = [channel.name for channel in header.channels], header.provenance
    if len(set(names)) != len(names) or len(names) > MOST_CHANNELS:
        raise ValueError("two channels have one name, or there are too many")
    if sum(channel.size for channel in header.channels) > MOST_VALUES:
        raise ValueError("a step has far too many values")
    left, top, right, bottom = provenance.region
    if not (0 <= left < right <= 1 and 0 <= top < bottom <= 1):
        raise ValueError(f"there is no region {provenance.region}")
    if provenance.prompt_tokens < 0:
        raise ValueError(f"{provenance.prompt_tokens} tokens came with the input")
    for channel in header.channels:
        for axis, length in zip(channel.axes, channel.shape, strict=True):
            if axis == "source" and length != len(provenance.source):
                raise ValueError(f"{channel.name} looks at {length} words of {len(provenance.source)}")


def _assemble(header: TraceHeader, arrays: Arrays) -> Trace:
    arrays.setdefault(INPUT, np.empty(0, np.uint8))  # a trace without its picture
    for name, array in arrays.items():
        expected = {INPUT: np.uint8, TOKENS: np.int64}.get(name, np.float32)
        if array.dtype != expected:
            raise ValueError(f"{name} is {array.dtype} and should be {np.dtype(expected)}")
    for name in (LOG_PROBS, TOKENS, INPUT):
        if arrays[name].ndim != 1:
            raise ValueError(f"{name} has {arrays[name].ndim} dimensions and should have 1")
    if (arrays[LOG_PROBS] > MOST_LOG_PROB).any():
        raise ValueError("a word has a probability above 1")
    columns = {name.removeprefix(CHANNEL_PREFIX): array for name, array in arrays.items() if name.startswith(CHANNEL_PREFIX)}
    return Trace.from_columns(
        header.channels, columns, words=header.words, tokens=arrays[TOKENS].tolist(), log_probs=arrays[LOG_PROBS],
        candidates=header.candidates, provenance=header.provenance, input_bytes=arrays[INPUT].tobytes(), ended=header.ended)


def write_trace(file: BinaryIO, trace: Trace) -> None:
    """Write a trace as a ``.safetensors`` file has it. Raises `OSError`."""
    write_tensors(file, _arrays(trace), {HEADER: _header_text(trace)})


def trace_of_bytes(data: bytes | memoryview, name: str) -> Trace:
    """A trace from the bytes of a ``.safetensors`` file, which it goes on using. Raises `TraceError`."""
    with _sentences(name):
        return _of_safetensors(data)


def _of_safetensors(data: bytes | memoryview, say: Say = untold) -> Trace:
    arrays, metadata = tensors_in(data)
    _check_length(arrays[TOKENS].size)
    return _assemble(_read_header(metadata[HEADER], say), arrays)


def _read_safetensors(path: Path, say: Say) -> Trace:
    data = np.empty(path.stat().st_size, np.uint8).data  # of gigabytes of zeros Python would make no pause
    with path.open("rb") as file:
        for start in range(0, len(data), MUCH):
            say(start / len(data) / 2)
            part = data[start : start + MUCH]
            if file.readinto(part) < len(part):
                raise EOFError("it was cut off meanwhile")
    return _of_safetensors(data.toreadonly(), lambda fraction: say((1 + fraction) / 2))


def _write_npz(file: BinaryIO, trace: Trace) -> None:
    header = np.frombuffer(_header_text(trace).encode(), np.uint8)
    np.savez_compressed(file, allow_pickle=False, **{HEADER: header}, **_arrays(trace))


def _read_npz(path: Path, say: Say) -> Trace:
    with zipfile.ZipFile(path) as archive:
        unpacked = sum(member.file_size for member in archive.infolist())
        if unpacked > ALWAYS_ALLOWED + LARGEST_RATIO * path.stat().st_size:
            raise TraceError(f"“{file_name(path)}” would unpack to {unpacked / 2**30:.1f} GiB, far more than a trace does.")
    with np.load(path, allow_pickle=False) as file:
        _check_length(file[TOKENS].size)
        header = _read_header(file[HEADER].tobytes())
        arrays: Arrays = {}
        for number, name in enumerate(name for name in file.files if name != HEADER):
            say(number / len(file.files))
            arrays[name] = file[name]
        return _assemble(header, arrays)


def _write_json(file: BinaryIO, trace: Trace) -> None:
    whole = {
        **json.loads(_header_text(trace)),
        TOKENS: list(trace.tokens), LOG_PROBS: tables.exact_numbers(trace.log_probs),
        "values": {name: tables.exact_numbers(trace.column(name)) for name in trace.channels},
        INPUT: base64.b64encode(trace.input_bytes).decode(),
    }
    file.write(json.dumps(whole).encode())


def _read_json(path: Path, say: Say) -> Trace:
    header, whole = _header_and_rest(JsonPieces(path.read_bytes().decode("utf-8", "surrogatepass"), say), **{
        "values": lambda own: {channel: _numbers(own.array()) for channel in own.members()}, INPUT: JsonPieces.string,
        TOKENS: lambda own: _numbers(own.array(), np.int64), LOG_PROBS: lambda own: _numbers(own.array())})
    values, count = whole["values"], len(header.words)
    arrays: Arrays = {CHANNEL_PREFIX + channel.name: values[channel.name].reshape(count, *channel.shape)
                      for channel in header.channels}
    arrays |= {TOKENS: whole[TOKENS], LOG_PROBS: whole[LOG_PROBS],
               INPUT: np.frombuffer(base64.b64decode(whole.get(INPUT, ""), validate=True), np.uint8)}
    return _assemble(header, arrays)


def _numbers(rows: Iterator[Any], dtype: npt.DTypeLike = np.float32) -> npt.NDArray[Any]:
    """All numbers of a column, flat: some at once as Python has them, which takes ten times their room."""
    parts, count = [np.empty(0, dtype)], 1
    while several := list(islice(rows, count)):
        parts.append(np.asarray(several, dtype).ravel())
        count = max(AT_ONCE * len(several) // max(parts[-1].size, 1), 1)
    return np.concatenate(parts)


def _write_csv(file: BinaryIO, trace: Trace) -> None:
    text = io.TextIOWrapper(file, encoding="utf-8", errors="surrogatepass", newline="")
    tables.write_table(text, trace, _header_text(trace, words=False))
    text.detach()


def _read_csv(path: Path, say: Say) -> Trace:
    size = path.stat().st_size
    with path.open(encoding="utf-8", errors="surrogatepass", newline="") as file:
        def lines() -> Iterator[str]:
            for number, line in enumerate(file):
                _check_length(number)
                say(cast(BinaryIO, file.buffer).tell() / size)
                yield line

        header = _read_header(tables.read_comment(file))
        return tables.read_table(lines(), header.channels, header.provenance, ended=header.ended, steps=header.steps)


_WRITERS: dict[str, Callable[[BinaryIO, Trace], None]] = {
    ".safetensors": write_trace, ".npz": _write_npz, ".json": _write_json, ".csv": _write_csv}
_READERS: dict[str, Callable[[Path, Say], Trace]] = {
    ".safetensors": _read_safetensors,
    ".npz": _read_npz, ".json": _read_json, ".csv": _read_csv}
SUFFIXES = tuple(_WRITERS)
