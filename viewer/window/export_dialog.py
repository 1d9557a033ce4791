"""What to export, and how; then the progress of it, which can be cancelled. The window stays of use meanwhile."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QDialog,
    QDoubleSpinBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QProgressBar,
    QPushButton,
    QSpinBox,
    QWidget,
)

from unrolled.viewer.export.formats import Makes, formats
from unrolled.viewer.export.settings import ExportSettings
from unrolled.viewer.state.session import Session
from unrolled.viewer.theme.colour_maps import SEQUENTIAL
from unrolled.viewer.widgets.building import in_column, muted_label
from unrolled.viewer.widgets.combo_box import ComboBox
from unrolled.viewer.window.export_worker import ExportWorker
from unrolled.viewer.window.settings import WindowSettings


class ExportDialog(QDialog):
    """Chooses, exports, and closes when it is done.

    Attributes
    ----------
    exported : Signal(object)
        The `Path` of the file that was written.
    """

    exported = Signal(object)

    def __init__(self, session: Session, settings: WindowSettings, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session, self._settings = session, settings
        self._worker: ExportWorker | None = None
        self.setWindowTitle("Export")
        self.setAccessibleName("Export")
        self.setMinimumWidth(420)
        values = session.appearance.values
        self.format = _picker("Format", [(row.suffix[1:], row.title) for row in formats().values()],
                              settings.text("export_format", "gif"))
        self.width_ = QSpinBox(suffix=" pixels")
        self.width_.setRange(64, 4096)
        self.width_.setSingleStep(32)
        self.width_.setValue(int(settings.number("export_size", 640)))
        self.seconds = QDoubleSpinBox(singleStep=0.1, decimals=2, suffix=" s")
        self.seconds.setRange(0.05, 10.0)
        self.seconds.setValue(settings.number("export_seconds", 0.6))
        for spin in (self.width_, self.seconds):
            spin.setButtonSymbols(QSpinBox.ButtonSymbols.NoButtons)
        names = list(dict.fromkeys((values.attention_colour_map, *SEQUENTIAL)))
        self.colour_map = _picker("Colour map", [(name, name.split(":")[-1].capitalize()) for name in names],
                                  values.attention_colour_map)
        self.scale = _picker("Scale", (("absolute", "The same at every step"), ("stretched", "Stretched at each step")),
                             values.attention_scale)
        self.dark = QCheckBox("Dark background")
        self.dark.setAccessibleName("Dark background")
        self._form = QFormLayout()
        self._form.setHorizontalSpacing(16)
        self._form.setVerticalSpacing(8)
        self._form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        for title, widget in (("Format", self.format), ("Width", self.width_), ("Time per step", self.seconds),
                              ("Colour map", self.colour_map), ("Scale", self.scale)):
            widget.setAccessibleName(title)
            self._form.addRow(title, widget)
        self._form.addRow("", self.dark)
        self.note = muted_label(wrapped=True)
        self.note.setTextFormat(Qt.TextFormat.PlainText)
        self.note.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.note.setMinimumHeight(36)
        self.bar = QProgressBar(textVisible=False)
        self.bar.setRange(0, 1000)
        self.bar.setAccessibleName("Progress of the export")
        held = self.bar.sizePolicy()
        held.setRetainSizeWhenHidden(True)  # nothing moves when it appears
        self.bar.setSizePolicy(held)
        self.bar.hide()
        self.cancel = QPushButton("Cancel", autoDefault=False)
        self.cancel.clicked.connect(self.reject)
        self.go = QPushButton("Export…", default=True)
        self.go.clicked.connect(self._ask)
        for button in (self.cancel, self.go):
            button.setAccessibleName(button.text().rstrip("…"))
        buttons = QHBoxLayout()
        buttons.addStretch(1)
        buttons.addWidget(self.cancel)
        buttons.addWidget(self.go)
        in_column(self, self._form, self.note, self.bar, buttons, spacing=12).setContentsMargins(24, 20, 24, 16)
        self.format.currentIndexChanged.connect(self._show_fields)
        self._show_fields()

    def settings(self) -> ExportSettings:
        values = self._session.appearance.values
        return ExportSettings(
            width=self.width_.value(), seconds_per_word=round(self.seconds.value(), 3),
            colour_map=str(self.colour_map.currentData()), scale=str(self.scale.currentData()),
            smooth=values.attention_smooth, opacity=values.attention_opacity, dark=self.dark.isChecked())

    def export_to(self, path: Path) -> None:
        """Write the file in a thread of its own; the dialog closes when it is there."""
        trace = self._session.trace
        if trace is None or self._worker is not None:
            return
        self._remember(path)
        worker = ExportWorker(trace.snapshot(), path, self.settings(), self)
        worker.progressed.connect(lambda fraction: self.bar.setValue(round(1000 * fraction)))
        worker.done.connect(lambda sentence: self._done(sentence, path))
        self._worker = worker
        self.bar.setValue(0)
        self.bar.show()
        self.note.setText(f"Writing {path.name}…")
        self._form_enabled(False)
        worker.start()

    def done(self, result: int) -> None:
        """Close; an export that is under way is cancelled first, and no half-written file is left."""
        if self._worker is not None:
            self._worker.cancel()
            self._worker = None
        super().done(result)

    def _ask(self) -> None:
        suffix = str(self.format.currentData())
        trace = self._session.trace
        stem = (Path(trace.provenance.input_name).stem if trace is not None else "") or "unrolled"
        folder = Path(self._settings.text("export_folder", self._settings.text("folder")))
        name, _ = QFileDialog.getSaveFileName(self, "Export", str(folder / f"{stem}.{suffix}"),
                                              f"{self.format.currentText()} (*.{suffix})")
        if name:
            path = Path(name)
            self.export_to(path if path.suffix.lower() == f".{suffix}" else path.with_name(f"{path.name}.{suffix}"))

    def _done(self, sentence: str, path: Path) -> None:
        self._worker = None
        if not sentence:
            self.accept()
            self.exported.emit(path)
            return
        self.bar.hide()
        self.note.setText(sentence)
        self._form_enabled(True)

    def _show_fields(self) -> None:
        makes = formats()[f".{self.format.currentData()}"].makes
        for widget in (self.width_, self.colour_map, self.scale, self.dark):
            self._form.setRowVisible(widget, makes is not Makes.TRACE)
        self._form.setRowVisible(self.seconds, makes is Makes.ANIMATION)
        self.note.setText(makes.value)
        self.adjustSize()

    def _form_enabled(self, enabled: bool) -> None:
        for widget in (self.format, self.width_, self.seconds, self.colour_map, self.scale, self.dark, self.go):
            widget.setEnabled(enabled)

    def _remember(self, path: Path) -> None:
        self._settings.put("export_format", str(self.format.currentData()))
        self._settings.put("export_size", self.width_.value())
        self._settings.put("export_seconds", self.seconds.value())
        self._settings.put("export_folder", str(path.parent))


def _picker(name: str, choices: tuple[tuple[str, str], ...] | list[tuple[str, str]], current: str) -> ComboBox:
    picker = ComboBox()
    picker.setAccessibleName(name)
    for value, title in choices:
        picker.addItem(title, value)
    picker.setCurrentIndex(max(0, picker.findData(current)))
    return picker
