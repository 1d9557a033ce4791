"""What one word depended on: the words that were read before it, and the places that were looked at. It knows no session."""

from PySide6.QtCore import QSize, Signal
from PySide6.QtWidgets import QCheckBox, QLabel, QWidget

from unrolled.models.analysis.occlusion import LEAST_DROP, MEASURES, MOST, SOME, Measure
from unrolled.models.protocol.questions import Occluded
from unrolled.models.trace.numbers import signed
from unrolled.viewer.plotting.place_bars import Bars, PlaceBars, bars
from unrolled.viewer.plotting.place_map import PlaceMap
from unrolled.viewer.plotting.table import Table
from unrolled.viewer.theme.themes import Theme
from unrolled.viewer.views.attribution.contributions import Places, WordsRead
from unrolled.viewer.widgets.building import in_column, muted_label, named
from unrolled.viewer.widgets.combo_box import ComboBox
from unrolled.viewer.widgets.flow_layout import FlowLayout

INPUTS, FIRST_STATE = "gradient × input", "… through the initial state"
DROPS: dict[Measure, str] = {"log_prob": "drop in log p when masked", "logit": "drop in logit when masked",
                             "margin": "drop in margin when masked"}
SIGNS = "Above 0: evidence for the word. Below 0: against it."


class ContributionBars(QWidget):
    chosen = Signal(int)  # the step of an earlier word that was clicked
    measured = Signal()

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.title = QLabel("", wordWrap=True)
        masking = "Occlusion: mask each place in turn"
        self.masking = named(QCheckBox(masking), masking,
                             "Compute the step again with each place masked, and show how much less likely the word becomes")
        self.measures = named(ComboBox(sizeAdjustPolicy=ComboBox.SizeAdjustPolicy.AdjustToContents), "Measure of occlusion",
                              "The log-probability of a nearly certain word barely moves; its logit, and its "
                              "margin over the runner-up, do")
        self.measures.offer(MEASURES.items())
        self.measures.activated.connect(lambda _: self.measured.emit())
        self.numbers = muted_label(wrapped=True)
        self.masking.toggled.connect(self.measures.setVisible)
        self.measures.hide()
        self.verdict = QLabel("", wordWrap=True)
        self.verdict.setToolTip(
            "The share of the positive drops that lies in the tenth of the places with the most attention. "
            f"By chance it would be 10%.\nFrom {MOST:.0%}, attention is said to show what the word needed, from {SOME:.0%} "
            f"a part. Nothing is said where no place takes {LEAST_DROP:g} nats.")
        self.attention = PlaceMap("attention α", theme, signed_values=False)
        self.attention.setToolTip("Where the model looked")
        self.inputs = PlaceMap(INPUTS, theme, signed_values=True)
        self.inputs.setToolTip(f"{SIGNS} The scale is this step’s own.")
        self.first_state = PlaceMap(FIRST_STATE, theme, signed_values=True)
        self.first_state.setToolTip(f"{SIGNS} The picture’s effect through the initial state, which no attention "
                                    "map shows. The scale is this step’s own.")
        self.drops = PlaceMap(DROPS["log_prob"], theme, signed_values=True)
        self.drops.setToolTip("Above 0: masking it makes the word less likely. The scale is this step’s own.")
        self.sources = PlaceBars("Effect of each source word", theme)
        self.words = PlaceBars("Effect of each earlier word", theme)
        self.words.setToolTip(SIGNS)
        self.words.chosen.connect(self.chosen)
        self._maps = maps = QWidget()
        FlowLayout(maps, self.attention, self.inputs, self.first_state, self.drops, gap=10)
        column = in_column(self, self.title, self.masking, self.measures, self.numbers, self.verdict, maps, self.sources,
                           self.words, spacing=6)
        column.setContentsMargins(0, 4, 6, 0)
        column.addStretch(1)

    def sizeHint(self) -> QSize:
        return QSize(240, 120)

    def show_words(self, read: WordsRead | None, title: str) -> None:
        """The words read before, or the frames; None where that is not known."""
        if read is not None:
            shown = read.strongest()
            self.words.set_bars(shown.names, (bars(title, shown.values),), steps=shown.steps,
                                recorded=Table(("step", "word", title), (read.steps, read.names, read.values)))
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
                        ((INPUTS, "∂ × input", places.inputs), (FIRST_STATE, "initial state", places.first_state),
                         (DROPS[self.measure], "drop", places.drops)) if values is not None]
            self.sources.set_bars(places.names, tuple(columns))
        else:
            self.attention.set_values(places.attention, (places.shape[0], places.shape[1]), top=places.attention_top,
                                      colour_map=places.colour_map)
        self.drops.set_title(DROPS[self.measure])
        for part, values in ((self.inputs, places.inputs), (self.first_state, places.first_state), (self.drops, places.drops)):
            part.setVisible(values is not None and not places.names)
            if values is not None and not places.names:
                part.set_values(values, (places.shape[0], places.shape[1]))

    @property
    def measure(self) -> Measure:
        measure: Measure = self.measures.currentData()
        return measure

    def show_values(self, found: Occluded | None, runner_up: str = "") -> None:
        """The word's log-probability, logit and margin with nothing masked; None where that is not known."""
        if found is not None:
            self.numbers.setText(f"log p {signed(found.log_prob, 2)} · logit {signed(found.logit, 2)} · "
                                 f"margin {signed(found.margin, 2)} over “{runner_up}”")
        self.numbers.setVisible(found is not None)

    def show_verdict(self, text: str) -> None:
        """What masking says; nothing where nothing was masked."""
        self.verdict.setText(text)
        self.verdict.setVisible(bool(text))
