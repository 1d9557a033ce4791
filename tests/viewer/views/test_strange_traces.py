"""What a trace's file may claim and no model of ours records: every view and the report show what can be shown of it."""

from __future__ import annotations

import warnings

import msgspec
import numpy as np
import pytest
import scripted
from contexts import context, on_screen

from unrolled.models.trace import Trace
from unrolled.viewer.report.analysis import as_json
from unrolled.viewer.report.collecting import collect
from unrolled.viewer.report.page import page
from unrolled.viewer.state.session import Session
from unrolled.viewer.views.catalogue import BUILT_IN
from unrolled.viewer.views.spec import Subject


def strange(change, fill=None):
    """The script's trace with its channels changed, every number of it the same one if one is given."""
    whole = scripted.trace()
    channels = tuple(change(channel) for channel in whole.channels.values())
    columns = {new.name: whole.column(old) if fill is None else np.full_like(whole.column(old), fill)
               for old, new in zip(whole.channels, channels, strict=True)}
    return Trace.from_columns(channels, columns, words=list(whole.words), tokens=list(whole.tokens), log_probs=whole.log_probs,
                              candidates=list(whole.candidates), provenance=whole.provenance, ended=True)


def as_it_is(channel):
    return channel


def another_role(channel):
    return msgspec.structs.replace(channel, role="attention")


def other_axes(*names):
    return lambda channel: msgspec.structs.replace(channel, axes=names[: len(channel.axes)])


STRANGE = {
    "no numbers": lambda: strange(as_it_is, np.nan), "beyond": lambda: strange(as_it_is, 3e38),
    "endless": lambda: strange(as_it_is, -np.inf), "all is attention": lambda: strange(another_role),
    "units as layers": lambda: strange(other_axes("layer", "head")),
    "places as words": lambda: strange(other_axes("source", "unit")),
    "keys": lambda: strange(other_axes("key", "key")), "unheard of": lambda: strange(other_axes("left", "right")),
}


@pytest.mark.parametrize("kind", STRANGE)
def test_every_view_shows_it(qtbot, kind):
    session = Session()
    session.set_input(scripted.picture())
    session.set_trace(STRANGE[kind]())
    session.playhead.seek(3)
    shown = 0
    for spec in BUILT_IN:
        if spec.accepts(Subject(channels=tuple(session.trace.channels.values()))):
            view = on_screen(qtbot, spec.made(context(session)), 500, 300)
            view.seek(0)
            view.grab()
            shown += 1
    assert shown > 8


@pytest.mark.parametrize("kind", STRANGE)
def test_the_report_says_what_can_be_said(qtbot, kind):
    trace = STRANGE[kind]()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        found = collect(trace, file="strange.safetensors", ask=None)
        assert b"</html>" in page(found, trace, None)
    assert as_json(found).startswith(b"{")
