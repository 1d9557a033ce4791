"""Where else the same units are on: in this run, and in the recorded runs of a folder."""

from pathlib import Path

from PySide6.QtGui import QCloseEvent
from PySide6.QtWidgets import QFileDialog, QProgressBar, QSizePolicy, QSpinBox, QWidget

from unrolled.models.analysis.similar import Match, Pattern, find, find_in_folder, suggested_threshold, units_on
from unrolled.models.trace import Channel
from unrolled.models.trace.detokenization import text_of
from unrolled.viewer.state.beginning import empty_text
from unrolled.viewer.state.commands import Open, Pin, Seek
from unrolled.viewer.state.session_file import SEARCHED_SUFFIXES, traces_of
from unrolled.viewer.state.wording import counted, percent, shown
from unrolled.viewer.views.view import View, ViewContext
from unrolled.viewer.widgets.asking import Asking, Told, Wanted
from unrolled.viewer.widgets.building import in_column, in_row, muted_label, named, scrolled, tool_button
from unrolled.viewer.widgets.combo_box import ComboBox
from unrolled.viewer.widgets.flow_layout import FlowLayout
from unrolled.viewer.widgets.number_box import NumberBox
from unrolled.viewer.widgets.row_model import PickList

EMPTY = "Where else the same units are active."
NO_UNITS = "Pin units by clicking rows of a track, or take those that are active at the playhead."
MOST_TAKEN = 8  # units of a span that are pinned: as many as can be
LEAST_LIST = 64  # pixels of the list; where there is less room all of it scrolls


class SimilarView(View):
    def __init__(self, ctx: ViewContext) -> None:
        super().__init__(ctx, name="Similar steps")
        self._channels: tuple[Channel, ...] = ()
        self._seen: tuple[object, ...] = ()
        self._signs: dict[tuple[str, int], int] = {}
        self.channel = named(ComboBox(), "Quantity that is searched")
        self.channel.activated.connect(lambda _: self.suggest())
        self.threshold = named(
            NumberBox(decimals=3, minimum=-1000, maximum=1000, singleStep=0.05, prefix="active from "),
            "Threshold of activity",
            "A unit is active where it is this far from 0, on the same side as at the playhead.\n"
            "Below 0: a unit is active at this value and below")
        self.threshold.setKeyboardTracking(False)
        self.threshold.valueChanged.connect(lambda _: self.search())
        self.suggestion = tool_button("Suggest", "The threshold that best divides the quantity’s values in two (Otsu 1979)",
                                  self.suggest)
        self.length = named(QSpinBox(minimum=1, maximum=1000, prefix="for ", suffix=" step"),
                            "For how many steps they stay active")
        self.length.setKeyboardTracking(False)
        self.length.valueChanged.connect(lambda steps: self.length.setSuffix(" step" if steps == 1 else " steps"))
        self.length.valueChanged.connect(lambda _: self.search())
        self.take = tool_button("Pin active units", "Pin the units that are active from the playhead on, for that many steps",
                            self.take_units)
        self.folder = tool_button("Search a folder…", "Search the traces and sessions of a folder too", self.ask_folder)
        self.cancel = tool_button("Cancel", "Cancel the search", self._cancel)
        self.progress = named(QProgressBar(textVisible=False), "Progress of the search")
        bar = QWidget()
        FlowLayout(bar, self.channel, self.threshold, self.suggestion, self.length, self.take, self.folder, self.cancel, gap=4)
        self.status = muted_label(wrapped=True)
        self.matches = PickList("Similar steps, best first")
        self.matches.picked.connect(self._go)
        self.matches.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Ignored)  # as high as there is room for
        inside = QWidget()
        listed = in_row(None, (self.matches, 1))
        listed.addStrut(LEAST_LIST)  # else the buttons would be squeezed where it is narrow
        in_column(inside, bar, self.progress, self.status, (listed, 1), spacing=4)
        self.hold(scrolled(inside))
        self._asking = Asking(self)
        self._asking.answered.connect(lambda found: self._show_found(*found))
        self._asking.progressed.connect(self._show_progress)
        self._asking.failed.connect(self.status.setText)
        for shown_while_busy in (self.progress, self.cancel):
            shown_while_busy.hide()
            self._asking.busy_changed.connect(shown_while_busy.setVisible)
        self.refresh()

    def refresh(self) -> None:
        trace = self.session.trace
        channels = tuple(own for own in self.session.channels if own.axes == ("unit",)) if trace is not None else ()
        if trace is None or not len(trace) or not channels:
            self.say(empty_text(self.session, EMPTY))
            return
        self.say("")
        if channels != self._channels:
            self._channels = channels
            self.channel.offer((own.name, f"{own.symbol}  {own.title}") for own in channels)
            self.suggest()
        seen = (trace, len(trace), self.session.selection.units)
        if seen != self._seen and self.isVisible():
            if seen[:1] != self._seen[:1]:
                self._signs.clear()
            self._seen = seen
            self.search()

    @property
    def pattern(self) -> Pattern | None:
        """What is looked for; None without a pinned unit."""
        channel = next((own for own in self._channels if own.name == self.channel.currentData()), None)
        units = tuple(unit for unit in self.session.selection.units if channel is not None and unit < channel.size)
        if channel is None or not units:
            return None
        return Pattern(channel=channel.name, units=units, threshold=self.threshold.value(), length=self.length.value(),
                       signs=tuple(self._sign(channel.name, unit) for unit in units))

    def _sign(self, channel: str, unit: int) -> int:
        """Whether a unit is looked for above 0 or below: as it was at the playhead when it was first looked for."""
        trace, step = self.session.trace, self.session.playhead.step
        if (channel, unit) not in self._signs and trace is not None and 0 <= step < len(trace):
            self._signs[channel, unit] = -1 if float(trace.column(channel)[step, unit]) < 0 else 1
        return self._signs.get((channel, unit), 1)

    def suggest(self) -> None:
        trace, name = self.session.trace, self.channel.currentData()
        if trace is not None and name in trace.channels:
            self.threshold.setValue(suggested_threshold(trace.column(name)[-4096:]))

    def take_units(self) -> None:
        """Pin the units that are on throughout the span that begins at the playhead."""
        trace, name, step = self.session.trace, self.channel.currentData(), self.session.playhead.step
        if trace is None or name not in trace.channels or step < 0:
            return
        values = trace.column(name)[step : step + self.length.value()]
        units = units_on(values, self.threshold.value())
        if not units:
            self.status.setText("No unit is active there; lower the threshold, or take fewer steps.")
            return
        loudest = sorted(units, key=lambda unit: -float(abs(values[:, unit]).mean()))[:MOST_TAKEN]
        self._signs |= {(name, unit): units[unit] for unit in loudest}
        self.do(Pin(tuple(loudest)))

    def search(self) -> None:
        trace, pattern = self.session.trace, self.pattern
        self._asking.stop()
        self.matches.clear()
        if trace is None or pattern is None:
            self.status.setText(NO_UNITS)
            return
        try:
            found = find(pattern, trace)
        except ValueError as error:
            self.status.setText(f"{error}.")
            return
        self._fill(found)
        units = ", ".join(f"{unit}{' (negative)' if sign < 0 else ''}"
                          for unit, sign in zip(pattern.units, pattern.signs, strict=True))
        count, steps = counted(len(found), "match", "matches"), counted(pattern.length, "step")
        self.status.setText(f"{count} in this run, where at least half of the units {units} are active; the percentage is "
                            f"how many. A span closer to {steps} ranks higher.")

    def ask_folder(self) -> None:
        name = QFileDialog.getExistingDirectory(self, "Search the traces of a folder")
        if name:
            self.search_folder(Path(name))

    def search_folder(self, folder: Path) -> None:
        pattern = self.pattern
        if pattern is None:
            self.status.setText(NO_UNITS)
            return

        def work(wanted: Wanted, told: Told) -> tuple[list[Match], list[str]]:
            try:
                return find_in_folder(pattern, folder, SEARCHED_SUFFIXES, traces_of, wanted=wanted, progress=told)
            except OSError as error:
                raise ValueError(f"“{folder.name}” cannot be read: {error.strerror or error}.") from error

        self.progress.setRange(0, 0)
        self._asking.ask(work)

    def closeEvent(self, event: QCloseEvent) -> None:
        self._asking.close()
        super().closeEvent(event)

    def _cancel(self) -> None:
        self._asking.stop()
        self.status.setText("Search cancelled.")

    def _show_progress(self, share: float) -> None:
        self.progress.setRange(0, 1000)
        self.progress.setValue(round(1000 * share))
        self.status.setText(f"Searching the folder: {percent(share)}")

    def _show_found(self, matches: list[Match], left_out: list[str]) -> None:
        trace, pattern = self.session.trace, self.pattern
        own = find(pattern, trace) if trace is not None and pattern is not None else []
        self.matches.clear()
        self._fill(sorted((*own, *matches), key=lambda match: -match.score))
        more = f" {left_out[0]}{f' And {len(left_out) - 1} more.' if len(left_out) > 1 else ''}" if left_out else ""
        self.status.setText(f"{len(matches)} found in the folder, {len(own)} in this run.{more}")
        self.status.setToolTip("\n".join(left_out))

    def _fill(self, matches: list[Match]) -> None:
        trace = self.session.trace
        detokenization = trace.provenance.detokenization if trace is not None else "words"
        gap = "" if detokenization == "characters" else " "
        for match in matches:
            around = [text_of((shown(word) if detokenization == "words" else word for word in part), detokenization)
                      for part in (match.before, match.words, match.after)]
            text = f"{around[0]}{gap}[{around[1]}]{gap}{around[2]}".replace("\n", "⏎").strip()
            where = f"{Path(match.source).name}, " if match.source else ""
            steps = f"steps {match.first + 1:,}–{match.last + 1:,}" if match.last > match.first else f"step {match.first + 1:,}"
            line = f"{percent(match.share):>5}   {text}   ({where}{steps})"
            self.matches.add(line, match, line)

    def _go(self, match: Match) -> None:
        if match.source:
            self.do(Open(Path(match.source)))
        self.do(Seek(match.first))
