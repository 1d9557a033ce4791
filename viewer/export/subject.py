"""What is exported: a run, and what was found about it. It knows no Qt."""

from __future__ import annotations

from dataclasses import dataclass, field

from unrolled.models.trace import Trace
from unrolled.viewer.state.appearance import AppearanceValues
from unrolled.viewer.state.attributions import Followed
from unrolled.viewer.state.branches import Branches
from unrolled.viewer.state.search_tree import SearchTree


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A run with all that pictures are made of; nobody changes it meanwhile.

    Attributes
    ----------
    trace : Trace
    search : SearchTree or None
        Its beam search.
    branches : Branches or None
        The run and those that leave it.
    gradients : Followed or None
        Of its words, with respect to every earlier state.
    appearance : AppearanceValues
        The colour maps and scales of tracks.
    """

    trace: Trace
    search: SearchTree | None = None
    branches: Branches | None = None
    gradients: Followed | None = None
    appearance: AppearanceValues = field(default_factory=AppearanceValues)
