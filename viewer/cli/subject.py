"""What is exported from the command line: a trace, a session's branches, or an input that is run, searched and asked about."""

import argparse
from pathlib import Path

from unrolled.models.protocol.client import BackendClient, BackendError
from unrolled.models.protocol.connection import Failed
from unrolled.models.protocol.decoding import Decoding
from unrolled.models.protocol.message import RunReport
from unrolled.models.protocol.questions import FollowGradients, GradientRows
from unrolled.models.protocol.searching import BeamStepped, Search, Searched
from unrolled.models.trace import Trace
from unrolled.models.trace.edits import first_step
from unrolled.models.trace.files import load_trace
from unrolled.models.trace.names import file_name, text_name
from unrolled.viewer.cli.asking import Asking, is_shipped, taken_up
from unrolled.viewer.cli.running import CHANGED, DEFAULT_MODEL, backend, decoding_of, one_input
from unrolled.viewer.cli.telling import WRONG_USE, CommandError
from unrolled.viewer.export.subject import Subject
from unrolled.viewer.state.attributions import FOLLOWED_AT_MOST, Followed
from unrolled.viewer.state.branches import FIRST, Branch, Branches, PlacedEdit, first_branch
from unrolled.viewer.state.files import Kind, kind_of
from unrolled.viewer.state.search_tree import SearchTree
from unrolled.viewer.state.session_file import branches_of, load_session


def subject_of(arguments: argparse.Namespace) -> Subject:
    """Everything that the asked-for content is made of."""
    path: Path | None = arguments.input
    if path is None:
        return _of_input(arguments)
    kind = kind_of(path)
    if kind is Kind.SESSION:
        return subject_of_session(path)
    if kind is Kind.TRACE:
        trace = load_trace(path)
        return Subject(trace=trace, gradients=_gradients_of_trace(arguments, trace) if arguments.what == "gradients" else None)
    return _of_input(arguments)


def subject_of_session(path: Path) -> Subject:
    """The branches of a session, and the run on screen. Raises `CommandError` where it holds none."""
    saved = load_session(path)
    branches = branches_of(saved)
    if not saved.traces:
        raise CommandError(f"“{file_name(path)}” holds no run.")
    for trace in saved.traces:
        trace.input_bytes = trace.input_bytes or saved.input_bytes
    branches = branches or first_branch(saved.traces[0])
    shown = branches.shown
    assert shown is not None
    return Subject(trace=shown.trace, branches=branches, appearance=saved.layout.appearance)


def _of_input(arguments: argparse.Namespace) -> Subject:
    what = arguments.what
    with one_input(arguments) as (client, loaded, run):
        decoding = decoding_of(arguments, loaded.decoding)
        if what == "beam" and decoding.method != "beam":
            raise CommandError("A beam tree is of a beam search: add --beam N.", WRONG_USE)
        before = run(0, edited=False) if what == "branches" else None
        trace = run(0 if before is None else 1)
        branch = CHANGED if trace.provenance.edits else FIRST
        return Subject(
            trace=trace, branches=_branches(before, trace) if before is not None else None,
            search=_search(client, trace, decoding, branch) if what == "beam" else None,
            gradients=_followed(Asking(client, branch), trace) if what == "gradients" else None)


def _branches(before: Trace, changed: Trace) -> Branches | None:
    """The run as it is, and what the edits make of it."""
    edits = changed.provenance.edits
    if not edits:
        return None
    made = Branch(identity=1, wire_id=CHANGED, name="Edited", trace=changed, parent=FIRST, step=first_step(edits),
                  edits=tuple(PlacedEdit(edit) for edit in edits))
    return first_branch(before).with_branch(made)


def _search(client: BackendClient, trace: Trace, decoding: Decoding, branch: int) -> SearchTree:
    """Search once more, and keep every hypothesis."""
    begin = trace.provenance.prompt_tokens
    tree = SearchTree(branch, begin, decoding)
    client.send(Search(0, begin, decoding, branch=branch))
    while True:
        report = client.expect(RunReport)
        if isinstance(report, Searched):
            tree.over = True
            return tree
        if isinstance(report, Failed):
            raise BackendError(report.sentence, report.detail)
        if isinstance(report, BeamStepped):
            tree.grow(report, tuple(trace.channels.values()))


def _gradients_of_trace(arguments: argparse.Namespace, trace: Trace) -> Followed:
    """Have the trace's model take it up, and follow its words back. Raises `CommandError`."""
    named = trace.provenance.model
    if arguments.model == DEFAULT_MODEL and named:
        if not is_shipped(named):
            raise CommandError(f"The trace was recorded by “{text_name(named)}”; name its checkpoint with --model.")
        arguments.model = named
    with backend(arguments) as (client, loaded):
        if why_not := taken_up(client, loaded, trace):
            raise CommandError(f"The gradients cannot be followed: {why_not}")
        return _followed(Asking(client, CHANGED), trace)


def _followed(ask: Asking, trace: Trace) -> Followed:
    last = len(trace) - 1
    first = max(last - FOLLOWED_AT_MOST + 1, 0)
    parts = tuple(part for part in ask(FollowGradients(first, last)) if isinstance(part, GradientRows))
    return Followed(0, 0, first, last, parts)
