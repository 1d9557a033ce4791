"""The page of a store: documents at the left, what was found in the middle, a unit at the right."""

from collections.abc import Mapping

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QKeySequence, QShortcut, QShowEvent
from PySide6.QtWidgets import QLineEdit, QSplitter, QTabWidget, QWidget

from unrolled.models.corpus.nearest import LONGEST, LikeWhat
from unrolled.models.corpus.search import Found
from unrolled.models.store.layout import StoreError, UnreachableError
from unrolled.models.store.store import Store
from unrolled.viewer.corpus.documents import DocumentList
from unrolled.viewer.corpus.lines import Lines
from unrolled.viewer.corpus.map_page import MapPage
from unrolled.viewer.corpus.question import EXAMPLES, HELP, Like, Matching, OnTogether, Question, QuestionError, question_of
from unrolled.viewer.corpus.unit_page import UnitPage
from unrolled.viewer.state.commands import Do, FrameSteps, OpenDocument
from unrolled.viewer.state.open_store import OpenStore, Steps
from unrolled.viewer.state.wording import counted, few, percent
from unrolled.viewer.theme.icons import icon
from unrolled.viewer.theme.themes import Theme
from unrolled.viewer.widgets.asking import Asking
from unrolled.viewer.widgets.building import in_column, in_row, muted_label, push_button, scrolled
from unrolled.viewer.widgets.section import Section

WIDTHS, WIDE = (250, 740, 330), 1200  # pixels, where the page is so wide
LEAST_WIDTHS = (226, 380, 290)
DTYPES = {"uint8": "8 bits", "float16": "half precision", "float32": "single precision"}
LOOK_MILLISECONDS = 3000  # from one look for new parts to the next, where some are not there yet
NOTHING = "Matches are listed here, the text around each coloured by the unit on the right."


class CorpusPage(QWidget):
    left = Signal()

    def __init__(self, open_store: OpenStore, do: Do, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._open, self._do, self.theme = open_store, do, theme
        self.setAccessibleName("Corpus")
        self.asking, self._looking = Asking(self), Asking(self)
        self._look = QTimer(self)
        self._look.setInterval(LOOK_MILLISECONDS)
        self._laid_out = False
        self._asked: Question | None = None  # what is listed; none for a frame of the map
        self.back = push_button("Back to the run", "Back to the run on screen (Escape)", self.left.emit,
                                drawing=icon("back", theme))
        self.about = muted_label(wrapped=True)
        self.documents = DocumentList()
        self.question = QLineEdit(placeholderText=EXAMPLES, clearButtonEnabled=True)
        self.question.setAccessibleName("What to search for in all documents")
        self.question.setToolTip(HELP)
        self.question.returnPressed.connect(self.search)
        self.go = push_button("Search", "Search all documents (Return)", self._go_or_stop)
        self.like = push_button("More like this", "Search states like those of the place that is selected", self._more_like_this)
        self.status = muted_label(NOTHING, wrapped=True)
        self.found = Lines(theme, "What was found")
        self.unit = UnitPage(theme)
        self.map = MapPage(theme)
        self.tabs = QTabWidget(documentMode=True)
        self.tabs.addTab(self._results(), "Search")
        self.tabs.addTab(self.map, "Map of states")
        self._sections = tuple(Section(title, content) for title, content in (
            ("Documents", self.documents), ("All documents", self.tabs), ("Unit", scrolled(self.unit))))
        self._panes = panes = QSplitter(Qt.Orientation.Horizontal)
        panes.setHandleWidth(10)
        panes.setChildrenCollapsible(False)
        for section, width in zip(self._sections, LEAST_WIDTHS, strict=True):
            section.setMinimumWidth(width)
            panes.addWidget(section)
        panes.setStretchFactor(1, 1)
        top = in_row(None, self.back, (self.about, 1), spacing=12)
        in_column(self, top, (panes, 1), spacing=10).setContentsMargins(12, 10, 12, 12)
        QShortcut(QKeySequence.StandardKey.Find, self, self.question.setFocus)
        self._connect()
        self._store_changed()

    def _results(self) -> QWidget:
        made = QWidget()
        in_column(made, in_row(None, (self.question, 1), self.go, spacing=6),
                  in_row(None, (self.status, 1), self.like, spacing=6), (self.found, 1), spacing=6)
        return made

    def _connect(self) -> None:
        self._open.changed.connect(self._store_changed)
        self.documents.document_wanted.connect(lambda number: self._do(OpenDocument(number)))
        for lines in (self.found, self.unit):
            lines.place_wanted.connect(lambda number, step: self._do(
                OpenDocument(number, step, self.unit.shown_channel, self.unit.unit.value())))
        self.unit.chosen.connect(self._unit_chosen)
        self.map.framed.connect(self._show_framed)
        self._look.timeout.connect(self._look_again)
        self._looking.answered.connect(self._show_new_parts)
        self.asking.answered.connect(self._show)
        self.asking.failed.connect(self.status.setText)
        self.asking.progressed.connect(lambda share: self.status.setText(f"Searching all documents: {percent(share)}"))
        self.asking.busy_changed.connect(lambda busy: self.go.setText("Stop" if busy else "Search"))

    @property
    def store(self) -> Store | None:
        return self._open.store

    @property
    def is_busy(self) -> bool:
        """Whether something is still computed, or read, that is seen."""
        return any(asking.busy for asking in (*self._askings, *self.documents.askings))

    @property
    def _askings(self) -> tuple[Asking, ...]:
        return self.asking, self.unit.asking, *(lines.asking for lines in (self.found, self.unit.greatest, self.unit.least))

    def set_theme(self, theme: Theme) -> None:
        self.theme = theme
        self.back.setIcon(icon("back", theme))
        for part in (self.found, self.unit, self.map):
            part.set_theme(theme)

    def showEvent(self, event: QShowEvent) -> None:
        """Where there is little room the middle has what there is."""
        if not self._laid_out:
            self._laid_out = True
            left, _, right = WIDTHS if self.width() >= WIDE else LEAST_WIDTHS
            self._panes.setSizes([left, max(self.width() - left - right, LEAST_WIDTHS[1]), right])
        super().showEvent(event)

    def close_page(self) -> None:
        """Wait until nothing is computed any more."""
        self._open.changed.disconnect(self._store_changed, missing_ok=True)
        self._look.stop()
        self._looking.close()
        self.documents.close_page()
        for asking in self._askings:
            asking.close()
        self.map.close_page()

    def _store_changed(self) -> None:
        store = self.store
        self.asking.stop()
        self._looking.stop()
        self._look.start()
        self.found.list_hits(())
        self.status.setText(NOTHING)
        self.documents.set_store(store)
        self.map.set_store(store)
        self.unit.set_store(store)
        if not self.unit.shown_channel:
            self._unit_chosen()
        self.about.setText("" if store is None else about(store))

    def _look_again(self) -> None:
        """Somebody may be writing it."""
        store = self.store
        if store is None or store.is_whole:
            self._look.stop()
        elif self.isVisible() and not self._looking.busy:
            self._looking.ask(lambda wanted, progress: store.refresh())

    def _show_new_parts(self, there_are: bool) -> None:
        if there_are and self.store is not None:
            self.about.setText(about(self.store))
            self.documents.table.viewport().update()
            if self.store.is_whole or not self.unit.knows_steps:
                self.unit.ask_again()

    def _unit_chosen(self) -> None:
        channel, unit = self.unit.shown_channel, self.unit.unit.value()
        self.found.set_source(self.store, channel, unit)
        self.map.set_unit(channel, unit)

    def search(self) -> None:
        """Ask what is written."""
        store = self.store
        if store is None:
            return
        try:
            question = question_of(self.question.text())
        except QuestionError as error:
            self.status.setText(str(error))
            return
        self._ask(store, question)

    def _ask(self, store: Store, question: Question) -> None:
        channel = self.unit.shown_channel
        if not channel and not isinstance(question, Matching):
            self.status.setText("This store keeps no channel of units: only its texts can be searched.")
            return
        self._asked = question
        if isinstance(question, OnTogether) and question.on and question.on[0] <= self.unit.unit.maximum():
            self.unit.look_at(question.on[0])  # it colours what is found
        self.tabs.setCurrentIndex(0)
        self.asking.ask(lambda wanted, progress: question.answer(store, channel, wanted, progress))

    def _go_or_stop(self) -> None:
        if self.asking.busy:
            self.asking.stop()
            self.status.setText("The search was stopped.")
        else:
            self.search()

    def _more_like_this(self) -> None:
        index = self.found.currentIndex()
        if not index.isValid():
            self.status.setText("Select a place in the list first.")
            return
        hit = self.found.hits.rows[index.row()]
        last = min(hit.last, hit.first + LONGEST - 1)
        self.question.setText(f"like {hit.document}:{hit.first + 1}-{last + 1}")
        if self.store is not None:
            self._ask(self.store, Like(LikeWhat(str(hit.document), hit.first, last)))

    def _show(self, found: Found) -> None:
        self.found.list_hits(found.hits)
        if isinstance(self._asked, Like):
            self.found.setCurrentIndex(self.found.hits.index(0, 0))  # the place itself
        self.status.setText(" ".join((summary(found, self._asked), *few(found.notes))))

    def _show_framed(self, found: Found, framed: Mapping[int, Steps]) -> None:
        self._do(FrameSteps(framed))
        self.asking.stop()
        self._asked = None
        self.question.clear()
        self._show(found)
        self.tabs.setCurrentIndex(0)


def summary(found: Found, question: Question | None) -> str:
    """What an answer is, in a line; without a question it is of a frame in the map."""
    steps = f"{counted(found.steps, 'step')} of all documents"
    if not found.count:
        return f"Nothing was found in {steps}." if question is not None else "No state lies within the frame."
    if isinstance(question, Like):
        length = question.what.last - question.what.first + 1
        span = "states" if length == 1 else f"spans of {length:,} steps"
        return f"The {len(found.hits):,} {span} most like it among {steps}, the nearest first."
    listed = "first" if isinstance(question, Matching) else "longest"
    shown = "" if found.count <= len(found.hits) else f" The {listed} {len(found.hits):,} are listed."
    where = " within the frame" if question is None else ""
    return f"{counted(found.count, 'match', 'matches')}{where} in {steps}.{shown}"


def about(store: Store) -> str:
    """What a store is, in a line; and what of it cannot be shown."""
    description = store.description
    steps = counted(int(store.documents.room.sum()), "step")
    parts = [store.title, counted(len(store.documents), "document"), steps if description.filled else f"up to {steps}",
             description.model.title, f"values in {DTYPES[description.dtype]}"]
    problems = list(store.problems)
    try:
        store.documents.at_hand(0)
        problems += store.documents.problems
        if not store.is_whole:
            missing = int((~store.written).sum())
            problems.append(f"{missing:,} of {description.parts:,} parts {'is' if missing == 1 else 'are'} not there yet.")
    except (StoreError, UnreachableError) as error:
        problems.append(str(error))
    return "  ·  ".join(parts) + ("\n" + " ".join(problems) if problems else "")
