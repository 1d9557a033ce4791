"""Makes the views of the catalogue when they are first shown, and says which of them have something to show."""

from collections.abc import Callable, Sequence

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QPalette

from unrolled.viewer.state.beginning import detokenization, input_kind, model_on_screen
from unrolled.viewer.state.commands import Do
from unrolled.viewer.state.session import Session
from unrolled.viewer.theme.themes import Theme
from unrolled.viewer.views.catalogue import catalogue
from unrolled.viewer.views.spec import Place, Subject, ViewSpec
from unrolled.viewer.views.view import View, ViewContext
from unrolled.viewer.widgets.building import own_ground


class ViewHost(QObject):
    """All views of a window.

    Parameters
    ----------
    kept : callable
        What a view of this name remembers of an earlier start.
    specs : tuple of ViewSpec, optional
        By default the catalogue's.
    """

    made = Signal(object)  # a `View`, to be brought up to date from now on
    subject_changed = Signal()

    def __init__(self, session: Session, do: Do, theme: Theme, kept: Callable[[str], Sequence[str] | None] = lambda name: None,
                 specs: tuple[ViewSpec, ...] | None = None, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session, self._do, self._theme, self._kept = session, do, theme, kept
        self.specs = catalogue() if specs is None else specs
        self.views: dict[str, View] = {}  # those that were made, by name
        self.subject = subject_of(session)
        for changed in (session.input_changed, session.model_changed, session.trace_changed, session.compared_changed,
                        session.search_changed):
            changed.connect(self._follow)

    def at(self, place: Place) -> tuple[ViewSpec, ...]:
        return tuple(spec for spec in self.specs if spec.place is place)

    def view(self, spec: ViewSpec) -> View:
        """A view, made if it is not there yet."""
        if spec.name not in self.views:
            made = spec.made(ViewContext(self._session, self._do, self._theme))
            own_ground(made, QPalette.ColorRole.Base if spec.framed else QPalette.ColorRole.Window)
            made.recall(self._kept(spec.name) or ())
            self.views[spec.name] = made
            self.made.emit(made)
        return self.views[spec.name]

    def set_theme(self, theme: Theme) -> None:
        self._theme = theme
        for view in self.views.values():
            view.set_theme(theme)

    def close(self) -> None:
        """Let go of what must not outlive the program's event loop."""
        for view in self.views.values():
            view.close()

    def _follow(self) -> None:
        subject = subject_of(self._session)
        if subject != self.subject:
            self.subject = subject
            self.subject_changed.emit()


def subject_of(session: Session) -> Subject:
    """What there is to look at: the run's, else the model's, else what the input alone tells."""
    trace, description = session.trace, session.description
    recorded = trace.provenance if trace is not None else None
    channels = trace.channels.values() if trace is not None else description.channels if description is not None else ()
    writer = model_on_screen(session) if recorded is None else description
    task = writer.task if writer is not None and (recorded is None or recorded.model == writer.name) else ""
    return Subject(task=task, channels=tuple(channels), detokenization=detokenization(session),
                   input_kind=recorded.input_kind if recorded is not None else input_kind(session),
                   searching=session.search is not None, comparing=session.compared is not None,
                   words_chosen=recorded is None or recorded.words_chosen)
