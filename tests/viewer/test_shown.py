"""Views have the session to read: nothing of what they are given changes it."""

from __future__ import annotations

from typing import get_type_hints

import pytest

from unrolled.viewer.state import shown
from unrolled.viewer.state.session import Session
from unrolled.viewer.state.shown import ShownSession
from unrolled.viewer.views.view import ViewContext

ANSWERING = {"input_at", "with_last", "get", "edit"}  # methods that change nothing


def parts() -> dict[str, tuple[type, object]]:
    """Protocol and object of the session, and of each part that has a protocol of its own."""
    session = Session()
    found: dict[str, tuple[type, object]] = {"session": (ShownSession, session)}
    for name, own in vars(ShownSession).items():
        wanted = get_type_hints(own.fget)["return"] if isinstance(own, property) else None
        if getattr(wanted, "__module__", "") == shown.__name__ and wanted is not shown.Followed:
            found[name] = (wanted, getattr(session, name))
    return found


def test_a_view_is_typed_with_what_it_may_read() -> None:
    assert get_type_hints(ViewContext)["session"] is ShownSession
    assert set(parts()) == {"session", "playhead", "selection", "time_axis", "appearance", "questions", "brush"}


@pytest.mark.parametrize("name", parts())
def test_nothing_of_it_changes_the_session(name: str) -> None:
    protocol, own = parts()[name]
    members = {member: value for member, value in vars(protocol).items() if not member.startswith("_")}
    assert members
    assert all(hasattr(own, member) for member in members)
    assert {member for member, value in members.items() if not isinstance(value, property)} <= ANSWERING
