"""What a view is, told before it is made: its name, its place, and what it has anything to show of.

Window, drawer, menus and shortcuts are made from these, so that a new view is a file and a row in the catalogue.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from fnmatch import fnmatchcase

from unrolled.models.trace import Channel
from unrolled.models.trace.edits import has_heads
from unrolled.models.trace.slices import SLICED
from unrolled.viewer.views.view import View, ViewContext


class Place(Enum):
    """Where a view is in the window."""

    LEFT = auto()    # under one another: what the model is given, and what it makes of it
    CENTRE = auto()
    DRAWER = auto()  # behind a tab under the centre
    RIGHT = auto()
    BOTTOM = auto()  # over the whole width
    STATUS = auto()  # a badge in the line at the very bottom


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What there is to look at; views are chosen by it, never by a model's name.

    Attributes
    ----------
    channels : tuple of Channel
        The run's, else the model's; empty while neither is there.
    task : str
        What the model that writes it is for; empty where it is not there.
    words_chosen : bool
        Its words were chosen by a model, which could choose others; those of a recording were read.
    """

    channels: tuple[Channel, ...] = ()
    input_kind: str = "picture"
    task: str = ""
    detokenization: str = "words"
    searching: bool = False
    comparing: bool = False
    words_chosen: bool = True


Accepts = Callable[[Subject], bool]


@dataclass(frozen=True, slots=True)
class ViewSpec:
    """A view before it is made.

    Attributes
    ----------
    name : str
        What the code calls it, and its action.
    title : str
        What its tab or heading says.
    make : str
        ``module:Class`` of a `View`, imported when it is first shown.
    hint : str
        What it shows, for the tooltip.
    shortcut : str
        Opens it, where its place is the drawer; empty for none.
    accepts : callable
        Whether it has anything to show of a `Subject`.
    menu, action : str
        Where it stands among the menus, and as what; `action` is the title by default. Only the drawer's views are there.
    titles : mapping of str to str
        Other titles, by the model's task or else the kind of input.
    height : int
        Device-independent pixels that it is given in its column; 0 for all that the others leave.
    framed : bool
        Whether it stands under a heading, in a frame.
    """

    name: str
    title: str
    place: Place
    make: str
    hint: str = ""
    shortcut: str = ""
    accepts: Accepts = lambda subject: True
    menu: str = "Explain"
    action: str = ""
    titles: Mapping[str, str] = field(default_factory=dict)
    height: int = 0
    framed: bool = True

    def title_for(self, subject: Subject) -> str:
        """What its heading says over this."""
        return self.titles.get(subject.task) or self.titles.get(subject.input_kind, self.title)

    def made(self, ctx: ViewContext) -> View:
        """The view itself. Raises `TypeError` when what is named is no `View`."""
        module, _, name = self.make.partition(":")
        view = getattr(importlib.import_module(module), name)(ctx)
        if not isinstance(view, View):
            raise TypeError(f"“{self.make}”, the view “{self.name}”, is no View.")
        return view


# ── Predicates ────────────────────────────────────────────────────────────────────────────────────────────────────────


def has(role: str = "*", axes: tuple[str, ...] | None = None) -> Accepts:
    """Whether there is a channel of this role (``*_gate``: any gate) with these axes, of its layers and heads the one looked at;
    also while no channel is known.
    """

    def accepts(subject: Subject) -> bool:
        return not subject.channels or any(
            fnmatchcase(channel.role, role) and axes in (None, drawn_axes(channel)) for channel in subject.channels)

    return accepts


def drawn_axes(channel: Channel) -> tuple[str, ...]:
    """Its axes without those of which a slice is looked at."""
    return tuple(axis for axis in channel.axes if axis not in SLICED)


def lacks(role: str = "*", axes: tuple[str, ...] | None = None) -> Accepts:
    """Whether no channel has this role and these axes; also while no channel is known."""
    there = has(role, axes)
    return lambda subject: not subject.channels or not there(subject)


def of_kind(*kinds: str) -> Accepts:
    """Whether the input is of one of these kinds."""
    return lambda subject: subject.input_kind in kinds


def in_pieces(subject: Subject) -> bool:
    """Whether what is written is pieces of words."""
    return subject.detokenization == "pieces"


def in_characters(subject: Subject) -> bool:
    """Whether it is characters; also while no model says."""
    return not in_pieces(subject)


def layered(subject: Subject) -> bool:
    """Whether there are channels of several layers."""
    return any(channel.axes[:1] == ("layer",) for channel in subject.channels)


def with_heads(subject: Subject) -> bool:
    """Whether there is attention by layer and head."""
    return any(map(has_heads, subject.channels))


def comparing(subject: Subject) -> bool:
    return subject.comparing


def alone(subject: Subject) -> bool:
    return not subject.comparing


def searching(subject: Subject) -> bool:
    return subject.searching


def words_chosen(subject: Subject) -> bool:
    return subject.words_chosen


def either(*predicates: Accepts) -> Accepts:
    return lambda subject: any(accepts(subject) for accepts in predicates)


def every(*predicates: Accepts) -> Accepts:
    return lambda subject: all(accepts(subject) for accepts in predicates)
