"""How an export is to look: a field for each setting, and a sentence below the one that cannot be drawn."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QCheckBox, QDoubleSpinBox, QFormLayout, QLabel, QLineEdit, QSpinBox, QWidget

from unrolled.viewer.drawing.resolution import PIXELS_PER_INCH
from unrolled.viewer.export.contents import Content
from unrolled.viewer.export.failure import ExportError
from unrolled.viewer.export.formats import ExportFormat, Makes
from unrolled.viewer.export.settings import ExportSettings, faults
from unrolled.viewer.export.steps import chosen_steps, parse_steps
from unrolled.viewer.export.subject import Subject
from unrolled.viewer.state.appearance import AppearanceValues
from unrolled.viewer.theme.colour_maps import SEQUENTIAL
from unrolled.viewer.widgets.building import in_column, named
from unrolled.viewer.widgets.combo_box import ComboBox
from unrolled.viewer.window.settings import WindowSettings

FIRST_STEP = 1  # of the window
HEADING = 92  # pixels
STYLES = (("dimmed", "The rest dimmed"), ("colours", "Colours over it"))
SCALES = (("absolute", "The same at every step"), ("stretched", "Stretched at each step"))


class ExportFields(QWidget):
    changed = Signal()  # another value in any of them

    def __init__(self, settings: WindowSettings, look: AppearanceValues, subject: Subject) -> None:
        super().__init__()
        self._look = look
        self.width_ = _whole(int(settings.number("export_size", 640)), " pixels")
        self.width_.setSingleStep(32)
        self.dpi = _whole(int(settings.number("export_dpi", PIXELS_PER_INCH)), " dpi")
        self.type_size = _real(settings.number("export_type", 0.0), " pt", zero="automatic")
        self.columns = _whole(int(settings.number("export_columns", 0)), "", zero="as many as fit")
        self.seconds = _real(settings.number("export_seconds", 0.6), " s")
        self.seconds.setSingleStep(0.1)
        self.steps = QLineEdit(_fitting(settings.text("export_steps"), subject))
        self.steps.setPlaceholderText("all, or 1-5,8: counted from 1")
        self.style_ = picker(STYLES, look.attention_style)
        names = list(dict.fromkeys((look.attention_colour_map, *SEQUENTIAL)))
        self.colour_map = picker([(name, name.split(":")[-1].capitalize()) for name in names], look.attention_colour_map)
        self.scale = picker(SCALES, look.attention_scale)
        self.end = _switch("Include the step that wrote END", settings.switch("export_end", True))
        self.dark = _switch("Dark background", settings.switch("export_dark"))
        self.clear = _switch("Transparent background", settings.switch("export_clear"))
        self.outlines = _switch("Text as outlines", settings.switch("export_outlines", True))
        self.outlines.setToolTip("The same on every machine; text needs the fonts, and can be edited")
        self._form = form()
        self._rows: dict[str, tuple[QWidget, QLabel]] = {}
        for name, title, widget, changed in (
            ("width", "Width", self.width_, self.width_.valueChanged),
            ("dpi", "Resolution", self.dpi, self.dpi.valueChanged),
            ("type_points", "Type size", self.type_size, self.type_size.valueChanged),
            ("columns", "Columns", self.columns, self.columns.valueChanged),
            ("steps", "Steps", self.steps, self.steps.textChanged),
            ("seconds_per_word", "Time per step", self.seconds, self.seconds.valueChanged),
            ("style", "Attention", self.style_, self.style_.currentIndexChanged),
            ("colour_map", "Colour map", self.colour_map, self.colour_map.currentIndexChanged),
            ("scale", "Scale", self.scale, self.scale.currentIndexChanged),
            *((switch, "", box, box.toggled) for switch, box in (
                ("end", self.end), ("dark", self.dark), ("clear", self.clear), ("outlines", self.outlines))),
        ):
            self._add(name, title, widget)
            changed.connect(lambda _: self.changed.emit())
        in_column(self, self._form)

    def _add(self, name: str, title: str, widget: QWidget) -> None:
        widget.setAccessibleName(title or widget.accessibleName())
        fault = QLabel(wordWrap=True, textFormat=Qt.TextFormat.PlainText)
        fault.setObjectName("fault")
        fault.hide()
        row = QWidget()
        in_column(row, widget, fault, spacing=2)
        self._form.addRow(heading(title), row)
        self._rows[name] = row, fault

    def show_for(self, content: Content, chosen: ExportFormat) -> None:
        """Show the fields that matter to this, and no others."""
        painted = content.makes is not Makes.TRACE
        matter = content.takes | chosen.takes | ({"width", "dark"} if painted else set())
        if self.style_.currentData() == "dimmed" and "style" in matter:
            matter -= {"colour_map"}
        for name, (row, _) in self._rows.items():
            self._form.setRowVisible(row, painted and name in matter)

    def values(self, subject: Subject, content: Content) -> ExportSettings | None:
        """What is chosen; None where something cannot be drawn, which is said below its field."""
        steps: tuple[int, ...] = ()
        said: dict[str, str] = {}
        try:
            steps = parse_steps(self.steps.text(), first=FIRST_STEP)
        except ExportError as error:
            said["steps"] = str(error)
        made = ExportSettings(
            width=self.width_.value(), dpi=self.dpi.value(), type_points=round(self.type_size.value(), 2),
            columns=self.columns.value(), steps=steps, end=self.end.isChecked(),
            seconds_per_word=round(self.seconds.value(), 3), style=str(self.style_.currentData()),
            colour_map=str(self.colour_map.currentData()), scale=str(self.scale.currentData()),
            smooth=self._look.attention_smooth, opacity=self._look.attention_opacity, dark=self.dark.isChecked(),
            clear=self.clear.isChecked() and self._form.isRowVisible(self._rows["clear"][0]),
            outlines=self.outlines.isChecked())
        said |= dict(faults(made))
        if "steps" not in said:
            try:
                chosen_steps(_length(subject, content), -1, made, first=FIRST_STEP)
            except ExportError as error:
                said["steps"] = str(error)
        said = {name: sentence for name, sentence in said.items()
                if name in self._rows and self._form.isRowVisible(self._rows[name][0])}
        for name, (_, fault) in self._rows.items():
            fault.setText(said.get(name, ""))
            fault.setVisible(name in said)
        return None if said else made

    def remember(self, settings: WindowSettings) -> None:
        for key, value in (
            ("export_size", self.width_.value()), ("export_dpi", self.dpi.value()), ("export_type", self.type_size.value()),
            ("export_columns", self.columns.value()), ("export_seconds", self.seconds.value()),
            ("export_end", self.end.isChecked()), ("export_dark", self.dark.isChecked()),
            ("export_clear", self.clear.isChecked()), ("export_outlines", self.outlines.isChecked()),
            *((("export_steps", self.steps.text()),) if self._form.isRowVisible(self._rows["steps"][0]) else ()),
        ):
            settings.put(key, value)


def _length(subject: Subject, content: Content) -> int:
    if content.name == "beam" and subject.search is not None:
        return subject.search.begin + len(subject.search.steps)
    if content.name == "branches" and subject.branches is not None:
        return max(len(own.trace) for own in subject.branches.all.values())
    return len(subject.trace)


def _fitting(text: str, subject: Subject) -> str:
    """Steps as they were chosen the last time, where this run has them."""
    try:
        chosen_steps(len(subject.trace), -1, ExportSettings(steps=parse_steps(text, first=FIRST_STEP)))
    except ExportError:
        return ""
    return text


def form() -> QFormLayout:
    """Headings and their fields, in two columns."""
    return QFormLayout(horizontalSpacing=12, verticalSpacing=8,
                       fieldGrowthPolicy=QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)


def heading(title: str) -> QLabel:
    """What stands before a field, as wide in every form."""
    made = QLabel(title)
    made.setFixedWidth(HEADING)
    return made


def picker(choices: tuple[tuple[str, str], ...] | list[tuple[str, str]], current: str) -> ComboBox:
    made = ComboBox()
    made.offer(choices, current)
    return made


def _whole(value: int, suffix: str, *, zero: str = "") -> QSpinBox:
    """A number, whatever is typed: a sentence says what is wrong with it."""
    spin = QSpinBox(minimum=0, maximum=99_999, value=value, suffix=suffix)
    spin.setSpecialValueText(zero)
    return spin


def _real(value: float, suffix: str, *, zero: str = "") -> QDoubleSpinBox:
    spin = QDoubleSpinBox(decimals=2, minimum=0.0, maximum=999.0, value=value, suffix=suffix)
    spin.setSpecialValueText(zero)
    return spin


def _switch(title: str, on: bool) -> QCheckBox:
    made = named(QCheckBox(title), title)
    made.setChecked(on)
    return made
