"""A session's file, read and decoded as far as a thread can."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from unrolled.models.inputs.inputs import Input
from unrolled.models.inputs.kinds import INPUT_ERRORS, Notes, decode_input
from unrolled.models.trace.files import Say
from unrolled.viewer.state.branches import Branches
from unrolled.viewer.state.files import input_of_trace
from unrolled.viewer.state.session_file import SavedSession, branches_of, load_session


@dataclass(frozen=True, slots=True)
class ReadSession:
    """What is shown of it.

    Attributes
    ----------
    branches : Branches or None
        None where there is one run alone, or none.
    others : dict of str to Input
        What edits swap to, by its hash; what cannot be read is left out, and its edits cannot be taken then.
    notes : tuple of str
        What of it cannot be read, a sentence each.
    """

    saved: SavedSession
    given: Input | None
    branches: Branches | None
    others: dict[str, Input]
    notes: Notes


def read_session(path: Path, say: Say) -> ReadSession:
    """Read it. Raises `ValueError` with a sentence."""
    saved = load_session(path, say)
    layout, notes = saved.layout, []
    given = decode_input(saved.input_bytes, layout.input_name or "input", layout.input_medium)[0] if saved.input_bytes else None
    if given is None and saved.traces:
        given = input_of_trace(saved.traces[0], path.name)
    others: dict[str, Input] = {}
    for name, data in saved.others:
        try:
            others[hashlib.sha256(data).hexdigest()] = decode_input(data, name, layout.input_medium)[0]
        except INPUT_ERRORS as error:
            notes.append(str(error))
    return ReadSession(saved, given, branches_of(saved), others, tuple(notes))
