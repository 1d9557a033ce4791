"""What came together, to be gone through: several files, several sentences."""

from collections.abc import Iterable

from unrolled.models.inputs.inputs import InputText
from unrolled.models.protocol.dispatch import handles
from unrolled.models.trace.names import file_name, text_name
from unrolled.viewer.control.voice import Voice
from unrolled.viewer.state import commands as c

SHOWN_CHARACTERS = 40


class Waiting:
    """Opens one after another."""

    def __init__(self, voice: Voice) -> None:
        self._voice = voice
        self._left: list[tuple[str, c.Command]] = []

    @property
    def titles(self) -> tuple[str, ...]:
        return tuple(title for title, _ in self._left)

    @handles(c.OpenAll)
    def open_all(self, command: c.OpenAll) -> None:
        self._left = [(file_name(path), c.Open(path)) for path in command.paths]
        self.open_next(c.OpenNext())

    def add_sentences(self, sentences: Iterable[InputText]) -> None:
        """Let sentences wait, before what waits already."""
        self._left[:0] = [(_short(one.text), c.OpenText(one)) for one in sentences]
        self._say()

    @handles(c.OpenNext)
    def open_next(self, _: c.OpenNext) -> None:
        if self._left:
            self._voice.unsaid.emit("run")  # what was said of it is done
            following = self._left.pop(0)[1]
            self._say()
            self._voice.do(following)  # afterwards, so that what is wrong with it is what is read

    def _say(self) -> None:
        self._voice.state_changed.emit()
        if self._left:
            count = "One more is" if len(self._left) == 1 else f"{len(self._left):,} more are"
            self._voice.say("run", f"{count} waiting.", "info", action=f"Open {self._left[0][0]}", command=c.OpenNext())


def _short(text: str) -> str:
    text = text_name(" ".join(text.split()))
    return f"“{text}”" if len(text) <= SHOWN_CHARACTERS else f"“{text[: SHOWN_CHARACTERS - 1].rstrip()}…”"
