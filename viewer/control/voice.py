"""What the parts of the control say to a person: signals that the window shows."""

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import QObject, Signal

from unrolled.viewer.state.commands import Command, Do, RestartBackend, ShowTraceback
from unrolled.viewer.state.notice import Notice


class Voice(QObject):
    """Says it.

    Parameters
    ----------
    do : callable
        Takes the command of a notice's button.
    """

    opened = Signal(str)  # a file, or a store, for the list of recent ones
    said = Signal(object)  # a `Notice` to show
    unsaid = Signal(str)  # what was said at this place no longer holds
    status_changed = Signal(str, float)  # what is going on, and how far it is (-1: not known); empty when nothing is
    state_changed = Signal()  # what can be done now is different: models, devices, playing, decoding, whether a run is live

    def __init__(self, do: Do, parent: QObject | None = None, *, elsewhere: bool = False) -> None:
        super().__init__(parent)
        self.do, self._elsewhere = do, elsewhere  # whether the backend is another machine's or process's

    def say(self, place: str, text: str, kind: str = "error", *, action: str = "", command: Command | None = None) -> None:
        """A sentence where a person looks; see `Notice`."""
        act: Callable[[], object] | None = partial(self.do, command) if command is not None else None
        self.said.emit(Notice(place=place, text=text, kind=kind, action=action, act=act,
                              stays=isinstance(command, ShowTraceback)))

    def say_backend(self, sentence: str) -> None:
        """Of the backend, with what brings it back."""
        self.say("model", sentence, action="Connect again" if self._elsewhere else "Start it again", command=RestartBackend())

    def say_not_running(self) -> None:
        self.say_backend("The model’s process is not " + ("connected." if self._elsewhere else "running."))

    def say_notes(self, notes: tuple[str, ...]) -> None:
        """What a person should know of the input."""
        if notes:
            self.say("input", " ".join(notes), "info")

    def busy(self, text: str, fraction: float = -1.0) -> None:
        self.status_changed.emit(text, fraction)

    def idle(self) -> None:
        self.status_changed.emit("", -1.0)
