"""What a view is, told before it is made: its name, its place, and what it has anything to show of.

Window, drawer, menus and shortcuts are made from these, so that a new view is a file and a row in the catalogue.
"""

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from fnmatch import fnmatchcase

from unrolled.models.trace import Channel
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
    """What there is to look at; views are chosen by it, never by a model's name."""

    channels: tuple[Channel, ...] = ()  # the run's, else the model's; empty while neither is there
    input_kind: str = "picture"
    task: str = ""  # what the model that writes it is for; empty where it is not there
    detokenization: str = "words"
    searching: bool = False
    comparing: bool = False
    words_chosen: bool = True  # its words were chosen by a model, which could choose others; those of a recording were read

    def records(self, role: str = "*", axes: tuple[str, ...] | None = None) -> bool:
        """Whether a channel has this role (``*_gate``: any gate) and these axes, without those of which a slice is looked at."""
        return any(fnmatchcase(own.role, role) and axes in (None, tuple(axis for axis in own.axes if axis not in SLICED))
                   for own in self.channels)

    def has(self, role: str = "*", axes: tuple[str, ...] | None = None) -> bool:
        """The same, and whether no channel is known yet."""
        return not self.channels or self.records(role, axes)

    @property
    def layered(self) -> bool:
        return any(own.axes[:1] == ("layer",) for own in self.channels)

    @property
    def in_pieces(self) -> bool:
        """Whether its tokens are many signs long each, pieces or a transformer's whole words."""
        return self.detokenization == "pieces" or (self.layered and self.detokenization == "words")


Accepts = Callable[[Subject], bool]


@dataclass(frozen=True, slots=True)
class ViewSpec:
    """A view before it is made."""

    name: str  # what the code calls it, and its action
    title: str  # what its tab or heading says
    place: Place
    make: str  # ``module:Class`` of a `View`, imported when it is first shown
    hint: str = ""  # what it shows, for the tooltip
    shortcut: str = ""  # opens it, where its place is the drawer; empty for none
    accepts: Accepts = lambda subject: True  # whether it has anything to show of a `Subject`; `has` is what most views ask
    # Where it stands among the menus, and as what; `action` is the title by default. Only the drawer's views are there.
    menu: str = "Explain"
    action: str = ""
    titles: Mapping[str, str] = field(default_factory=dict)  # other titles, by the model's task or else the kind of input
    height: int = 0  # device-independent pixels that it is given in its column; 0 for all that the others leave
    framed: bool = True  # whether it stands under a heading, in a frame

    def title_for(self, subject: Subject) -> str:
        """What its heading says over this."""
        return self.titles.get(subject.task) or self.titles.get(subject.input_kind, self.title)

    def made(self, ctx: ViewContext) -> View:
        """The view itself. Raises `TypeError` when what is named is no `View`."""
        module, _, name = self.make.partition(":")
        view = getattr(importlib.import_module(module), name)(ctx)
        if not isinstance(view, View):
            raise TypeError(f"“{self.make}”, the view “{self.name}”, is not a View.")
        return view


def has(role: str = "*", axes: tuple[str, ...] | None = None) -> Accepts:
    """`Subject.has`, of whatever subject it will be asked about."""
    return lambda subject: subject.has(role, axes)
