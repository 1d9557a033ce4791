"""A session as one file, ``.unrolled``: a zip of ``session.json``, the traces as safetensors, the inputs as given.

What is read was made by anyone: sizes are bounded before anything is unpacked, every field is checked, and names in
the archive are never used as paths. It knows neither Qt nor torch.
"""

import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, BinaryIO, cast

import msgspec
import numpy as np

from unrolled.models.inputs.kinds import media
from unrolled.models.protocol.decoding import Decoding
from unrolled.models.trace import Trace
from unrolled.models.trace.atomic import atomic_path
from unrolled.models.trace.files import Say, TraceError, load_trace, trace_of_bytes, untold, write_trace, writing_sentence
from unrolled.models.trace.names import file_name, is_endless, text_name
from unrolled.models.trace.tensor_files import PART
from unrolled.viewer.state.appearance import AppearanceValues
from unrolled.viewer.state.branches import FIRST, Branch, Branches, PlacedEdit
from unrolled.viewer.state.files import SESSION_SUFFIX, TRACE_SUFFIXES

FORMAT_VERSION = 2  # 2: branches
# The same bounds hold for what is written and for what is read.
LARGEST_MEMBER = 4 * 2**30  # bytes; 50,000 steps of the largest model shipped make 0.7 GB
LARGEST_LAYOUT = 16 * 2**20
LARGEST_RATIO = 4  # bytes unpacked for a byte of the file, beyond a layout's; nothing is packed in what is written here
MOST_BRANCHES = 1024
MOST_INPUTS = 1024
MOST_MEMBERS = MOST_BRANCHES + MOST_INPUTS + 2
LONGEST_NAME = 1000
SEARCHED_SUFFIXES = (*TRACE_SUFFIXES, SESSION_SUFFIX)

Unit = Annotated[int, msgspec.Meta(ge=0, lt=1_000_000)]


class SessionFileError(ValueError):
    """A session that cannot be read or written: one sentence for people."""


class SavedBranch(msgspec.Struct, frozen=True, kw_only=True):
    """A branch without its trace; see `Branch`. The traces are in the same order."""

    identity: Annotated[int, msgspec.Meta(ge=0, le=1_000_000)]
    wire_id: Annotated[int, msgspec.Meta(ge=0, le=1_000_000)] = msgspec.field(name="take")  # as in files of version 0.1
    name: Annotated[str, msgspec.Meta(max_length=LONGEST_NAME)]
    parent: Annotated[int, msgspec.Meta(ge=0, le=1_000_000)] | None = None
    step: Annotated[int, msgspec.Meta(ge=0, le=1_000_000)] = 0
    edits: tuple[PlacedEdit, ...] = ()
    decoding: Decoding = Decoding()


class SessionLayout(msgspec.Struct, frozen=True, kw_only=True):
    """What ``session.json`` holds."""

    version: int = FORMAT_VERSION
    title: Annotated[str, msgspec.Meta(max_length=LONGEST_NAME)] = ""  # what it is about, for a person who chooses among several
    input_name: str = ""  # of its file; empty without one
    input_medium: str = "picture"
    traces: Annotated[int, msgspec.Meta(ge=0, le=MOST_BRANCHES)] = 0
    # Empty where there is one run alone.
    branches: Annotated[tuple[SavedBranch, ...], msgspec.Meta(max_length=MOST_BRANCHES)] = ()
    current: int = FIRST  # the identity of the branch on screen
    # The file names of the inputs that edits swap to.
    other_inputs: Annotated[tuple[str, ...], msgspec.Meta(max_length=MOST_INPUTS)] = ()
    step: int = 0
    pinned: tuple[Unit, ...] = ()
    model: str = ""
    device: str = ""
    decoding: Decoding = Decoding()
    appearance: AppearanceValues = AppearanceValues()

    def __post_init__(self) -> None:
        if self.input_medium not in media():
            raise ValueError(f"nothing here reads the medium {self.input_medium!r}")


@dataclass(frozen=True, slots=True)
class SavedSession:
    """A session as it was read."""

    layout: SessionLayout
    input_bytes: bytes  # the input's file; empty without one
    traces: tuple[Trace, ...]
    others: tuple[tuple[str, bytes], ...] = ()  # the inputs that edits swap to: their names and their files


def branches_of(saved: SavedSession) -> Branches | None:
    """The branches of a session that was read; None where it has none but the one run. Raises `SessionFileError` when they do
    not fit together.
    """
    layout = saved.layout
    if not layout.branches:
        return None
    if len(layout.branches) != len(saved.traces):
        raise SessionFileError(f"This session names {len(layout.branches)} branches and holds {len(saved.traces)} traces.")
    made: dict[int, Branch] = {}
    for own, trace in zip(layout.branches, saved.traces, strict=True):
        if own.identity in made or (own.parent is not None and own.parent not in made) or (
                own.identity == FIRST) != (own.parent is None):
            raise SessionFileError("The branches of this session do not fit together.")
        made[own.identity] = Branch(identity=own.identity, wire_id=own.wire_id, name=text_name(own.name), trace=trace,
                                    parent=own.parent, step=min(own.step, len(trace)), edits=own.edits, decoding=own.decoding)
    if len({branch.wire_id for branch in made.values()}) != len(made) or layout.current not in made:
        raise SessionFileError("The branches of this session do not fit together.")
    return Branches(made, layout.current)


def saved_branches(branches: Branches) -> tuple[SavedBranch, ...]:
    return tuple(SavedBranch(identity=own.identity, wire_id=own.wire_id, name=own.name[:LONGEST_NAME],
                             parent=own.parent, step=own.step, edits=own.edits, decoding=own.decoding)
                 for own in branches.all.values())


def save_session(path: Path, saved: SavedSession) -> None:
    """Write a session beside its name and move it into place. Raises `SessionFileError` when it cannot be written; an older
    file of that name is still there then.
    """
    layout = msgspec.structs.replace(
        saved.layout, traces=len(saved.traces), other_inputs=tuple(text_name(name) for name, _ in saved.others),
        input_name=text_name(saved.layout.input_name))
    text = msgspec.json.format(msgspec.json.encode(layout), indent=1)
    _read_layout(text, path.name)
    try:
        with atomic_path(path) as unfinished, zipfile.ZipFile(unfinished, "w", zipfile.ZIP_STORED) as archive:
            archive.writestr("session.json", text)
            if saved.input_bytes:
                archive.writestr(f"input/{_plain_name(layout.input_name)}", saved.input_bytes)
            for number, (name, data) in enumerate(saved.others):
                archive.writestr(f"others/{number}-{_plain_name(name)}", data)
            for number, trace in enumerate(saved.traces):
                with archive.open(f"traces/{number}.safetensors", "w", force_zip64=True) as member:
                    write_trace(cast(BinaryIO, member), trace)
            _check_members(archive.infolist(), path.name, unfinished.stat().st_size)
    except TraceError as error:
        raise SessionFileError(str(error)) from error
    except OSError as error:
        raise SessionFileError(writing_sentence(path, error)) from error
    except MemoryError as error:
        raise SessionFileError(f"There is not enough memory to save “{file_name(path)}”.") from error


def load_session(path: Path, say: Say = untold) -> SavedSession:
    """Read a session. Raises `SessionFileError` when it is not one, is damaged, or was written by a newer Unrolled."""
    name = file_name(path)
    try:
        if is_endless(path):
            raise SessionFileError(f"“{name}” is not a file.")
        with zipfile.ZipFile(path) as archive:
            return _read(archive, name, path.stat().st_size, say)
    except SessionFileError:
        raise
    except (FileNotFoundError, IsADirectoryError) as error:
        raise SessionFileError(f"There is no file “{text_name(str(path))}”.") from error
    except PermissionError as error:
        raise SessionFileError(f"“{name}” cannot be read: its permissions do not allow it.") from error
    except zipfile.BadZipFile as error:
        raise SessionFileError(f"“{name}” is not a session, or is cut off.") from error
    except MemoryError as error:
        raise SessionFileError(f"There is not enough memory to open “{name}”.") from error
    except Exception as error:  # each way of packing has errors of its own
        raise SessionFileError(f"“{name}” is damaged and cannot be read.") from error


def title_in(path: Path) -> str:
    """What a session says that it is about; nothing where it cannot be read."""
    try:
        with zipfile.ZipFile(path) as archive:
            member = archive.getinfo("session.json")
            return text_name(_read_layout(_member(archive, member), "").title) if member.file_size <= LARGEST_LAYOUT else ""
    except Exception:  # each way of packing has errors of its own
        return ""


def traces_of(path: Path) -> Sequence[Trace]:
    """The traces in a trace's or session's file. Raises `ValueError` with a sentence."""
    return load_session(path).traces if path.suffix.lower() == ".unrolled" else (load_trace(path),)


def _check_members(members: Sequence[zipfile.ZipInfo], name: str, size: int) -> None:
    """Hold what an archive of so many bytes announces against the bounds. Raises `SessionFileError`."""
    if len(members) > MOST_MEMBERS:
        raise SessionFileError(f"“{name}” holds {len(members):,} files; a session has at most {MOST_MEMBERS:,}.")
    unpacked = sum(member.file_size for member in members)
    if unpacked > LARGEST_RATIO * size + LARGEST_LAYOUT or any(member.file_size > LARGEST_MEMBER for member in members):
        raise SessionFileError(f"“{name}” would unpack to {unpacked / 2**30:.1f} GiB, far more than a session holds.")


def _read_layout(text: bytes, name: str) -> SessionLayout:
    if len(text) > LARGEST_LAYOUT:
        raise SessionFileError(f"“{name}” has a layout of {len(text) / 2**20:.0f} MiB, far more than a session has.")
    try:
        return msgspec.json.decode(text, type=SessionLayout)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise SessionFileError(f"“{name}” has a layout that cannot be read ({error}).") from error


def _read(archive: zipfile.ZipFile, name: str, size: int, say: Say) -> SavedSession:
    members = archive.infolist()
    _check_members(members, name, size)
    by_name = {member.filename: member for member in members}
    if "session.json" not in by_name:
        raise SessionFileError(f"“{name}” is not a session: it has no layout in it.")
    layout = _read_layout(_member(archive, by_name["session.json"]), name)
    if layout.version > FORMAT_VERSION:
        raise SessionFileError(f"“{name}” was written by a newer Unrolled; this one reads version {FORMAT_VERSION}.")
    inputs = [member for member in members if member.filename.startswith("input/") and not member.is_dir()]
    data = _member(archive, inputs[0]) if inputs else b""
    others = []
    for number, other in enumerate(layout.other_inputs):
        found = [member for member in members if member.filename.startswith(f"others/{number}-")]
        if not found:
            raise SessionFileError(f"“{name}” lacks an input that its layout names.")
        others.append((other, _member(archive, found[0])))
    traces = []
    for number in range(layout.traces):
        traces.append(_trace(archive, by_name, number, name))
        say((number + 1) / layout.traces)
    return SavedSession(layout, data, tuple(traces), tuple(others))


def _trace(archive: zipfile.ZipFile, by_name: dict[str, zipfile.ZipInfo], number: int, name: str) -> Trace:
    member = by_name.get(f"traces/{number}.safetensors")
    if member is None:
        raise SessionFileError(f"“{name}” lacks a trace that its layout names.")
    try:
        return trace_of_bytes(_view_of(archive, member), f"{number}.safetensors")
    except TraceError as error:
        raise SessionFileError(f"“{name}” holds a trace that cannot be read: {error}") from error


def _member(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    return bytes(_view_of(archive, member))


def _view_of(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> memoryview:
    """A member, never more of it than its header announces, since the header was what was judged. A part at a time, into
    memory that is not touched before: other threads go on meanwhile.
    """
    data = np.empty(member.file_size, np.uint8).data
    place = 0
    with archive.open(member) as stream:
        while part := stream.read(PART):
            if place + len(part) > len(data):
                raise zipfile.BadZipFile("longer than announced")
            data[place : place + len(part)] = part
            place += len(part)
    if place < len(data):
        raise zipfile.BadZipFile("shorter than announced")
    return data


def _plain_name(name: str) -> str:
    return Path(name.replace("\\", "/")).name[:120] or "input"
