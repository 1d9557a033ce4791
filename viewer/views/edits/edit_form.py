"""The form that makes an edit: what is changed, how, and at which steps."""

from collections.abc import Callable, Iterable

from PySide6.QtCore import QStringListModel, Qt
from PySide6.QtWidgets import (
    QCompleter,
    QDoubleSpinBox,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QSizePolicy,
    QSpinBox,
    QStackedWidget,
    QWidget,
)

from unrolled.models.trace import Channel
from unrolled.models.trace.edits import (
    TO_THE_END,
    AddNoise,
    ClampUnits,
    Edit,
    EditError,
    ForceToken,
    ScaleUnits,
    UniformAttention,
    attention_of,
    check,
)
from unrolled.viewer.state.beginning import what_is_written
from unrolled.viewer.state.brush import Mode
from unrolled.viewer.state.commands import ApplyEdit, ChooseReplacement, SetBrush, SetBrushStrength, WipeBrush
from unrolled.viewer.state.edit_text import token_of, units_of
from unrolled.viewer.state.wording import shown
from unrolled.viewer.views.view import ViewContext
from unrolled.viewer.widgets.building import in_column, in_row, named, push_button
from unrolled.viewer.widgets.combo_box import ComboBox
from unrolled.viewer.widgets.number_box import NumberBox

KINDS = (("word", "a {}"), ("units", "units"), ("gate", "a whole gate"), ("attention", "the attention"),
         ("input", "the picture"))
OPERATIONS = (("zero", "set to 0"), ("clamp", "set to"), ("scale", "multiply by"), ("noise", "add noise, σ ="))
LOOKS = (("even", "uniform"), ("attend", "only where I paint"), ("mask", "not where I paint"))
STEPS = (("this", "at this step"), ("on", "from here on"), ("range", "at steps"))
NARROWEST = 60  # device-independent pixels, of a field
BRUSHES: dict[str, Mode] = {"even": "off", "attend": "attend", "mask": "mask"}


class EditForm(QWidget):
    """Makes edits of what a person fills in."""

    def __init__(self, ctx: ViewContext) -> None:
        super().__init__()
        self._session, self._do = ctx.session, ctx.do
        self._channels: tuple[Channel, ...] = ()
        self._words_of: object = None
        self._noun = what_is_written(ctx.session)
        self.kind = _picker("What to change", tuple((name, title.format(self._noun)) for name, title in KINDS))
        self.kind.currentIndexChanged.connect(self._kind_changed)
        self.word = named(QLineEdit(placeholderText=f"type a {self._noun}"), "What to write")
        self.word.returnPressed.connect(self.make)
        self._completions = QStringListModel(self)
        completer = QCompleter(self._completions, self)
        completer.setCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        self.word.setCompleter(completer)
        self.channel = _picker("Quantity", ())
        self.units = named(QLineEdit("pinned"), "Units", "Units: 17 or 3, 5, 20-25, or “pinned”, or “all”")
        self.units.returnPressed.connect(self.make)
        self.operation = _picker("Operation", OPERATIONS)
        self.operation.currentIndexChanged.connect(lambda _: self._show_value())
        self.value = named(NumberBox(decimals=3, minimum=-1e6, maximum=1e6, singleStep=0.1), "Value")
        self.seed = named(QSpinBox(minimum=0, maximum=2**31 - 1, prefix="seed "), "Seed of the noise")
        self.gate = _picker("Gate", ())
        self.gate_state = _picker("State of the gate", (("off", "closed (0)"), ("open", "open (1)")))
        self.look = _picker("How to change attention", LOOKS)
        self.look.currentIndexChanged.connect(lambda _: self._take_brush())
        self.strength = named(QDoubleSpinBox(minimum=0.05, maximum=1.0, singleStep=0.05, value=1.0, prefix="weight "),
                              "Weight of a stroke")
        self.strength.valueChanged.connect(lambda value: self._do(SetBrushStrength(value)))
        self.wipe = push_button("Clear", "Clear what is painted (right-click clears one place)", lambda: self._do(WipeBrush()))
        self.swap = push_button("Choose…", "", lambda: self._do(ChooseReplacement(self.first)), name="Choose another input")
        self.steps = _picker("At which steps", STEPS)
        self.steps.currentIndexChanged.connect(lambda _: self._show_range())
        self.begin, self.end = _step_box("First step"), _step_box("Last step")
        self.button = push_button("Apply on a new branch", "", self.make)
        self.button.setObjectName("primary")
        self.sentence = named(QLabel("", wordWrap=True), "Why the edit is refused")
        self._build()
        self._kind_changed()
        self._show_value()
        self._show_range()

    def _build(self) -> None:
        self._pages = QStackedWidget()
        pages: tuple[tuple[tuple[QWidget, ...], ...], ...] = (
            ((self.word,),), ((self.channel, self.units), (self.operation, self.value, self.seed)),
            ((self.gate, self.gate_state),), ((self.look,), (self.strength, self.wipe)), ((self.swap,),))
        for rows in pages:
            page = QWidget()
            in_column(page, *map(_side_by_side, rows), spacing=4).addStretch(1)
            self._pages.addWidget(page)
        when = _side_by_side((self.steps, self.begin, self.end))
        self._pages.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        form = QFormLayout(verticalSpacing=5)
        in_column(self, form).addStretch(1)
        form.setContentsMargins(0, 0, 0, 0)
        form.addRow("Change", self.kind)
        form.addRow("", self._pages)
        form.addRow("Steps", when)
        form.addRow("", self.sentence)
        form.addRow("", self.button)

    @property
    def first(self) -> int:
        here = max(self._session.playhead.step, 0)
        return self.begin.value() - 1 if self.steps.currentData() == "range" else here

    @property
    def last(self) -> int:
        """The last one, or -1 for as long as the run goes on."""
        chosen = self.steps.currentData()
        return self.first if chosen == "this" else TO_THE_END if chosen == "on" else self.end.value() - 1

    def refresh(self) -> None:
        trace, description = self._session.trace, self._session.description
        channels = self._session.channels if trace is not None else ()
        noun = what_is_written(self._session)
        if channels != self._channels or noun != self._noun:
            self._channels, self._noun = channels, noun
            self.word.setPlaceholderText(f"type a {noun}")
            units = [own for own in channels if own.editable and own.axes == ("unit",)]
            self.channel.offer((own.name, f"{own.symbol}  {own.title}") for own in units)
            self.gate.offer((own.name, f"{own.symbol}  {own.title}") for own in units if own.role.endswith("_gate"))
            medium = {"picture": "the picture", "clip": "the clip"}.get(trace.provenance.input_kind if trace else "", "")
            there = {"word": True, "units": bool(units), "gate": self.gate.count() > 0,
                     "attention": attention_of(channels) is not None, "input": bool(medium)}
            self.kind.offer((name, medium if name == "input" else title.format(noun)) for name, title in KINDS if there[name])
        if description is not None and description is not self._words_of:
            self._words_of = description
            self._completions.setStringList(sorted({shown(word, description.detokenization) for word in description.words}))
        live = self._session.can_change
        self.button.setEnabled(live)
        self.swap.setEnabled(live)
        self.button.setToolTip("" if live else "Load the model that recorded this run to edit it")

    def make(self) -> None:
        description = self._session.description
        try:
            if description is None or not self._session.can_change:
                raise EditError("Load the model that recorded this run to edit it.")
            edit = self._edit()
            check(edit, self._channels, description.words)
        except EditError as error:
            self.sentence.setText(str(error))
            return
        self.sentence.setText("")
        self._do(WipeBrush())
        self._do(ApplyEdit(edit))

    def _edit(self) -> Edit:
        makers: dict[str, Callable[[], Edit]] = {"word": self._word_edit, "units": self._units_edit, "gate": self._gate_edit,
                                                 "attention": self._attention_edit}
        chosen = self.kind.currentData()
        if chosen not in makers:
            raise EditError("Choose the other input with the button above.")
        return makers[chosen]()

    def _word_edit(self) -> Edit:
        description = self._session.description
        assert description is not None
        token = token_of(self.word.text().strip(), description)
        return ForceToken(first=self.first, last=self.first, token=token, word=description.words[token])

    def _units_edit(self) -> Edit:
        channel, first, last, value = self.channel.currentData(), self.first, self.last, self.value.value()
        units = self._units()
        operation = self.operation.currentData()
        if operation == "scale":
            return ScaleUnits(channel=channel, units=units, factor=value, first=first, last=last)
        if operation == "noise":
            if value < 0:
                raise EditError("A standard deviation cannot be below 0.")
            return AddNoise(channel=channel, units=units, deviation=value, seed=self.seed.value(), first=first, last=last)
        return ClampUnits(channel=channel, units=units, value=value if operation == "clamp" else 0.0, first=first, last=last)

    def _gate_edit(self) -> Edit:
        value = 1.0 if self.gate_state.currentData() == "open" else 0.0
        return ClampUnits(channel=self.gate.currentData(), value=value, first=self.first, last=self.last)

    def _attention_edit(self) -> Edit:
        if self.look.currentData() == "even":
            return UniformAttention(first=self.first, last=self.last)
        channel = attention_of(self._channels)
        edit = self._session.brush.edit(channel.size if channel else 0, first=self.first, last=self.last)
        if edit is None:
            where = "picture" if channel is not None and channel.axes == ("row", "column") else "source words"
            raise EditError(f"Paint on the {where} first.")
        return edit

    def _units(self) -> tuple[int, ...]:
        text = self.units.text().strip().lower()
        if text == "pinned":
            if not self._session.selection.units:
                raise EditError("No unit is pinned: click a row of a track, or type units.")
            return self._session.selection.units
        return units_of(text)

    def _kind_changed(self) -> None:
        names = [name for name, _ in KINDS]
        self._pages.setCurrentIndex(names.index(self.kind.currentData()) if self.kind.currentData() in names else 0)
        for number in range(self._pages.count()):  # as high as the page that is seen, not as the highest
            policy = QSizePolicy.Policy.Preferred if number == self._pages.currentIndex() else QSizePolicy.Policy.Ignored
            page = self._pages.widget(number)
            if page is not None:
                page.setSizePolicy(QSizePolicy.Policy.Preferred, policy)
        self.steps.setEnabled(self.kind.currentData() not in ("word", "input"))
        self.button.setVisible(self.kind.currentData() != "input")
        self.sentence.setText("")
        self._take_brush()

    def _show_value(self) -> None:
        operation = self.operation.currentData()
        self.value.setVisible(operation != "zero")
        self.seed.setVisible(operation == "noise")
        self.value.setValue({"scale": 2.0, "noise": 0.5}.get(operation, 1.0))

    def _show_range(self) -> None:
        ranged = self.steps.currentData() == "range"
        self.begin.setVisible(ranged)
        self.end.setVisible(ranged)
        if ranged:
            self.begin.setValue(max(self._session.playhead.step, 0) + 1)
            self.end.setValue(max(self._session.playhead.step, 0) + 1)

    def _take_brush(self) -> None:
        on = self.isVisible() and self.kind.currentData() == "attention"
        mode = BRUSHES.get(self.look.currentData() or "even", "off") if on else "off"
        self._do(SetBrush(mode))
        self.strength.setVisible(mode == "attend")
        self.wipe.setVisible(mode != "off")

    def take_brush(self, on: bool) -> None:
        """The form is seen or hidden: with it goes the brush."""
        if on:
            self._take_brush()
        else:
            self._do(SetBrush("off"))


def _side_by_side(parts: Iterable[QWidget]) -> QHBoxLayout:
    """Fields, as narrow as the panel makes them."""
    found = tuple(parts)
    for part in found:
        part.setMinimumWidth(NARROWEST)
    return in_row(None, *((part, 3 if isinstance(part, ComboBox) else 2) for part in found), spacing=4)  # words take more


def _picker(name: str, items: tuple[tuple[str, str], ...]) -> ComboBox:
    made = named(ComboBox(minimumContentsLength=8), name, name)
    made.setSizeAdjustPolicy(ComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    made.offer(items)
    return made


def _step_box(name: str) -> QSpinBox:
    return named(QSpinBox(minimum=1, maximum=1_000_000), name, f"{name}, counted from 1")
