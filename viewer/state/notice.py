"""What is said to a person where they look."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """A sentence in a banner.

    Attributes
    ----------
    place : {'document', 'input', 'kept', 'model', 'pressed', 'restore', 'run', 'step'}
        What it is about; a newer one about the same takes its place.
    text : str
        What is wrong, and what to do.
    kind : {'info', 'warning', 'error'}
    action : str
        The text of a button; none when empty.
    act : callable, optional
        What the button does.
    stays : bool
        Whether the sentence is still to be read once the button was pressed.
    dismissed : callable, optional
        Called when it is put away unanswered.
    """

    place: str
    text: str
    kind: str = "error"
    action: str = ""
    act: Callable[[], object] | None = None
    stays: bool = False
    dismissed: Callable[[], object] | None = None
