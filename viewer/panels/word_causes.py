"""What one word depended on: the words that were read before it, and the places that were looked at. It knows no session."""

from __future__ import annotations

from PySide6.QtCore import QSize, Signal
from PySide6.QtWidgets import QCheckBox, QLabel, QVBoxLayout, QWidget

from unrolled.viewer.panels.causes import Places, WordsRead
from unrolled.viewer.panels.flow_layout import FlowLayout
from unrolled.viewer.panels.place_bars import Bars, PlaceBars, bars
from unrolled.viewer.panels.place_map import PlaceMap
from unrolled.viewer.theme.themes import Theme

INPUTS, FALLS = "gradient × input", "fall when masked"
SIGNS = "Above 0: it spoke for the word. Below 0: against it."


class WordCauses(QWidget):
    """Bars and maps.

    Attributes
    ----------
    chosen : Signal(int)
        An earlier word was clicked: its step.
    masking : QCheckBox
        Whether each place is masked in turn at every step that is looked at.
    """

    chosen = Signal(int)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.title = QLabel("")
        self.title.setWordWrap(True)
        self.masking = QCheckBox("Mask each place in turn")
        self.masking.setAccessibleName("Mask each place in turn")
        self.masking.setToolTip("Take the step again with each place masked, and show how far log p(word) falls")
        self.verdict = QLabel("")
        self.verdict.setWordWrap(True)
        self.verdict.setToolTip("Spearman’s rank correlation of the falls with the attention, from −1 to 1.\n"
                                "1: the more a place was looked at, the more the word needed it. Near 0 or below: "
                                "the attention does not say what was needed.")
        self.attention = PlaceMap("attention α", theme, signed_values=False)
        self.attention.setToolTip("Where the model looked")
        self.inputs = PlaceMap(INPUTS, theme, signed_values=True)
        self.inputs.setToolTip(f"{SIGNS} The scale is this step’s own.")
        self.falls = PlaceMap(FALLS, theme, signed_values=True)
        self.falls.setToolTip("Above 0: without it the word was less likely. The scale is this step’s own.")
        self.sources = PlaceBars("What each source word did", theme)
        self.words = PlaceBars("What each word read before did", theme)
        self.words.setToolTip(SIGNS)
        self.words.chosen.connect(self.chosen)
        maps = QWidget()
        flow = FlowLayout(maps, gap=10)
        self._parts = (self.attention, self.inputs, self.falls, self.sources, self.words)
        for part in self._parts[:3]:
            flow.addWidget(part)
        self._maps = maps
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 4, 6, 0)
        column.setSpacing(6)
        for widget in (self.title, self.masking, self.verdict, maps, self.sources, self.words):
            column.addWidget(widget)
        column.addStretch(1)

    def sizeHint(self) -> QSize:
        """Low: what has no room is scrolled to."""
        return QSize(240, 120)

    def set_theme(self, theme: Theme) -> None:
        """Other colours are in force."""
        for part in self._parts:
            part.set_theme(theme)

    def show_words(self, read: WordsRead | None, title: str) -> None:
        """The words read before, or the frames; None where that is not known."""
        if read is not None:
            shown = read.strongest()
            self.words.set_bars(shown.names, (bars(title, shown.values),), steps=shown.steps)
        self.words.setVisible(read is not None)

    def show_places(self, places: Places | None) -> None:
        """The places that were looked at; None without attention."""
        self._maps.setVisible(places is not None and not places.names)
        self.sources.setVisible(places is not None and bool(places.names))
        if places is None:
            return
        if places.names:
            columns = [Bars("attention α", "α", places.attention, False, places.attention_top)]
            columns += [bars(title, values, brief_title=brief) for title, brief, values in
                        ((INPUTS, "∂ × input", places.inputs), (FALLS, "fall", places.falls)) if values is not None]
            self.sources.set_bars(places.names, tuple(columns))
        else:
            self.attention.set_values(places.attention, places.shape, top=places.attention_top, colour_map=places.colour_map)
        for part, values in ((self.inputs, places.inputs), (self.falls, places.falls)):
            part.setVisible(values is not None)
            if values is not None:
                part.set_values(values, places.shape, names=places.names)

    def show_verdict(self, text: str) -> None:
        """What masking says; nothing where nothing was masked."""
        self.verdict.setText(text)
        self.verdict.setVisible(bool(text))
