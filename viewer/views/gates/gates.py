"""Gates over the whole run: a dot a unit, and how long the gates alone would let units remember."""

import numpy as np
from PySide6.QtWidgets import QButtonGroup, QLabel, QToolButton, QWidget

from unrolled.models.analysis.gate_statistics import KEEPING, Saturating, Saturation, gate_channels
from unrolled.models.trace import Channel, Trace
from unrolled.viewer.state.beginning import empty_text
from unrolled.viewer.state.commands import Hover, TogglePin
from unrolled.viewer.state.wording import counted, percent
from unrolled.viewer.theme.fonts import mono_font
from unrolled.viewer.views.gates.scatter import GateScatter
from unrolled.viewer.views.view import View, ViewContext
from unrolled.viewer.widgets.building import in_column, muted_label, switch, typeset
from unrolled.viewer.widgets.flow_layout import FlowLayout
from unrolled.viewer.widgets.row_model import PickList
from unrolled.viewer.widgets.two_parts import TwoParts

EMPTY = "How often each unit’s gates are shut and open."
LONGEST = 8
CHART_HEIGHT = 230  # at least, where the half-lives stand below
PROXY = "Half-life from the gate alone: ln 2 / −mean ln f. A proxy: it ignores what is written, and what other units feed back."


class GateStatisticsView(View):
    def __init__(self, ctx: ViewContext) -> None:
        super().__init__(ctx, name="Gate statistics")
        self._trace: Trace | None = None
        self._counted: dict[str, Saturating] = {}
        self._gates: tuple[Channel, ...] = ()
        self._chosen = ""
        self._shown: tuple[object, ...] = ()
        self.buttons: dict[str, QToolButton] = {}
        self._group = QButtonGroup(self)
        self._choices = QWidget()
        self._flow = FlowLayout(self._choices, gap=2)
        self.scatter = GateScatter(ctx.theme)
        self.scatter.pointed.connect(lambda unit: self.do(Hover(unit)))
        self.scatter.clicked.connect(lambda unit: self.do(TogglePin(unit)))
        self.reading = muted_label()
        self.lives = PickList("Half-lives of units")
        self.lives.setToolTip(PROXY)
        typeset(self.lives, mono_font(12))
        self.lives.picked.connect(lambda unit: self.do(TogglePin(unit)))
        self._title = QLabel("Half-life (proxy)")
        self._title.setToolTip(PROXY)
        self._title.setObjectName("subtitle")
        self._short = muted_label(wrapped=True)
        chart, list_ = QWidget(), QWidget()
        in_column(chart, self._choices, (self.scatter.plot, 1), self.reading)
        in_column(list_, self._title, self._short, (self.lives, 1))
        self.hold(TwoParts(chart, list_, stretch=(3, 2), first_height=CHART_HEIGHT))
        self.refresh()

    def refresh(self) -> None:
        trace = self.session.trace
        gates = gate_channels(self.session.channels) if trace is not None else ()
        if trace is None or not len(trace) or not gates:
            self._trace = None
            self.say(empty_text(self.session, EMPTY))
            return
        self.say("")
        if trace is not self._trace or gates != self._gates:
            self._trace = trace
            self._offer(gates)
            self._counted = {gate.name: Saturating(gate.size) for gate in gates}
            self._shown = ()
        if not self.isVisible() and self._shown:
            return
        statistics = self._counted[self._chosen]
        statistics.follow(trace.column(self._chosen))
        selection = self.session.selection
        self.scatter.set_marked(selection.units, selection.hover)
        shown = (self._chosen, len(trace), selection.units, self.theme.name)
        result = statistics.result
        if shown != self._shown:
            self._shown = shown
            self.scatter.set_fractions(result.shut, result.open)
            self._show_lives(trace)
        self._read_out(result)

    def _offer(self, gates: tuple[Channel, ...]) -> None:
        self._gates = gates
        names = [gate.name for gate in gates]
        if self._chosen not in names:
            self._chosen = next((gate.name for gate in gates if gate.role in KEEPING), names[0])
        self.buttons = {}
        for gate in gates:
            button = switch(f"{gate.symbol}  {gate.title}", f"How often the {gate.title} is shut and open, of each unit",
                            gate.title)
            button.setChecked(gate.name == self._chosen)
            button.clicked.connect(lambda _=False, name=gate.name: self._choose(name))
            self.buttons[gate.name] = button
            self._group.addButton(button)
        self._flow.renew(self.buttons.values())

    def _choose(self, name: str) -> None:
        self._chosen = name
        self.refresh()

    def _show_lives(self, trace: Trace) -> None:
        keeping = next((gate for gate in self._gates if gate.role in KEEPING), None)
        self._title.setVisible(keeping is not None)
        self.lives.setVisible(keeping is not None)
        if keeping is None:
            self._short.hide()
            return
        statistics = self._counted[keeping.name]
        statistics.follow(trace.column(keeping.name))
        result = statistics.result
        lives = result.half_life
        told = result.told
        order = np.argsort(-np.where(told, lives, -1.0), kind="stable")[: min(LONGEST, int(told.sum()))]
        pinned = [unit for unit in self.session.selection.units if unit < len(lives)]
        self.lives.clear()
        untold = len(lives) - int(told.sum())
        self._title.setText(f"Half-life (proxy) over {counted(result.steps, 'step')}")
        self._short.setText(f"{untold:,} of {len(lives):,} units: longer than this run, which is too short to rank them; "
                            "“unrolled analyze FOLDER” counts over many." if untold else "")
        self._short.setVisible(bool(untold))
        for unit in (*pinned, *(int(unit) for unit in order if int(unit) not in pinned)):
            text = f"unit {unit:<4} {_steps(float(lives[unit]), result.steps)}"
            self.lives.add(f"{text}  pinned" if unit in pinned else text, unit, PROXY)

    def _read_out(self, result: Saturation) -> None:
        unit = self.session.selection.hover
        if unit is None or unit >= len(result.shut):
            self.reading.setText(f"{counted(len(result.shut), 'unit')}, {counted(result.steps, 'step')}; hover over a dot")
        else:
            self.reading.setText(f"unit {unit}: open {percent(float(result.open[unit]))}, "
                                 f"shut {percent(float(result.shut[unit]))} of the steps")


def _steps(life: float, seen: int) -> str:
    if not life > 0:
        return f"{'–':>8}"
    number = f"{life:,.1f}" if life <= seen else f"> {seen:,}"
    return f"{number:>8} steps"
