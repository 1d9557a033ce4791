"""What is said to a person where they look."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """A sentence in a banner."""

    place: str  # what it is about ('input', 'model', 'run', 'step' …); a newer one about the same takes its place
    text: str  # what is wrong, and what to do
    kind: str = "error"  # or 'info', 'warning'
    action: str = ""  # the text of a button; none when empty
    act: Callable[[], object] | None = None
    stays: bool = False  # whether the sentence is still to be read once the button was pressed
    dismissed: Callable[[], object] | None = None  # called when it is put away unanswered
