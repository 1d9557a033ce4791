"""Trace a folder of documents into a store, and open it: the window stays of use meanwhile."""

import os
from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtGui import QCloseEvent, QKeyEvent
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QFormLayout,
    QLineEdit,
    QProgressBar,
    QSpinBox,
    QWidget,
)

from unrolled.models.store.layout import DTYPES
from unrolled.viewer.corpus.tracing import Tracing, TracingOptions
from unrolled.viewer.state.commands import Do, OpenStore
from unrolled.viewer.state.wording import few
from unrolled.viewer.widgets.building import in_column, in_row, muted_label, named, push_button
from unrolled.viewer.widgets.combo_box import ComboBox

WIDTH = 600
MOST_TOLD = 5  # documents of which is said what was wrong
DTYPE_TITLES = {"uint8": "8 bits over the channel’s range", "float16": "half precision", "float32": "single precision"}


class TracingDialog(QDialog):
    """The dialog.

    Parameters
    ----------
    models : sequence of (str, str)
        Names and titles.
    """

    def __init__(self, models: Sequence[tuple[str, str]], current: str, channels: str, do: Do,
                 parent: QWidget | None = None, *, program: list[str] | None = None) -> None:
        super().__init__(parent)
        self._do, self._program = do, program
        self._tracing: Tracing | None = None
        self.setWindowTitle("Trace a corpus")
        self.setMinimumWidth(WIDTH)
        self.corpus, self.store, self.channels = QLineEdit(), QLineEdit(), QLineEdit(placeholderText="hidden")
        self.corpus.setPlaceholderText("A folder of texts or photographs, or a text with one path per line")
        self.store.setPlaceholderText("A folder for the store, or s3://bucket/name")
        self.model, self.dtype, self.workers = ComboBox(), ComboBox(), QSpinBox(minimum=0, maximum=256)
        for name, title in models:
            self.model.addItem(title, name)
        self.model.currentIndexChanged.connect(lambda: self.channels.setToolTip(
            "Which channels are kept, with commas between them" +
            (f": {channels}" if channels and self.model.currentData() == current else "")))
        self.model.setCurrentIndex(-1)
        self.model.setCurrentIndex(max(self.model.findData(current), 0))
        for name in DTYPES:
            self.dtype.addItem(DTYPE_TITLES[name], name)
        self.workers.setSpecialValueText(f"as many as cores ({os.cpu_count()})")
        self._fields = QWidget()
        fields = QFormLayout(self._fields)
        fields.setContentsMargins(0, 0, 0, 0)
        for title, field, act in (("Corpus", self.corpus, self._choose_corpus), ("Store", self.store, self._choose_store)):
            field.setAccessibleName(title)
            button = push_button("Choose…", "", act, name=f"Choose: {title}")
            fields.addRow(title, in_row(None, (field, 1), button, spacing=6))
        for title, widget in (("Model", self.model), ("Channels", self.channels), ("Values as", self.dtype),
                              ("Workers", self.workers)):
            widget.setAccessibleName(title)
            fields.addRow(title, widget)
        self.bar = named(QProgressBar(textVisible=False, maximum=1000), "Progress of tracing")
        self.said = muted_label("Documents that are in the store already are not traced again.", wrapped=True)
        buttons = QDialogButtonBox()
        self.start = buttons.addButton("Trace", QDialogButtonBox.ButtonRole.AcceptRole)
        self.leave = buttons.addButton("Close", QDialogButtonBox.ButtonRole.RejectRole)
        buttons.accepted.connect(self._start_or_stop)
        buttons.rejected.connect(self.close)
        in_column(self, self._fields, self.bar, self.said, buttons, spacing=10).setContentsMargins(16, 16, 16, 14)
        self.bar.hide()

    @property
    def options(self) -> TracingOptions:
        return TracingOptions(corpus=self.corpus.text().strip(), store=self.store.text().strip(),
                              model=str(self.model.currentData() or ""), channels=self.channels.text(),
                              dtype=str(self.dtype.currentData()), workers=self.workers.value())

    def closeEvent(self, event: QCloseEvent) -> None:
        if self._tracing is not None:
            self._tracing.close()
            self._tracing = None
        super().closeEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Escape closes it as the button does, so that nothing is left running."""
        if event.key() == Qt.Key.Key_Escape:
            self.close()
        else:
            super().keyPressEvent(event)

    def _choose_corpus(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, "The corpus", self.corpus.text())
        if folder:
            self.corpus.setText(folder)
            if not self.store.text():
                self.store.setText(str(Path(folder).with_name(f"{Path(folder).name}-traces")))

    def _choose_store(self) -> None:
        name, _ = QFileDialog.getSaveFileName(self, "The store", self.store.text(),
                                              options=QFileDialog.Option.DontConfirmOverwrite)
        if name:
            self.store.setText(name)

    def _start_or_stop(self) -> None:
        if self._tracing is not None:
            self._tracing.stop()
            self.said.setText("Stopping…")
            return
        options = self.options
        if not options.corpus or not options.store:
            self.said.setText("Choose what to trace, and where the store goes.")
            return
        self._tracing = Tracing(options, self, program=self._program)
        self._tracing.progressed.connect(self._show)
        self._tracing.ended.connect(self._ended)
        self._busy(True)
        self.bar.setRange(0, 0)
        self.bar.show()
        self.said.setText("Starting…")

    def _busy(self, on: bool) -> None:
        self._fields.setEnabled(not on)
        self.start.setText("Stop" if on else "Trace")
        self.leave.setText("Stop and close" if on else "Close")

    def _show(self, text: str, share: float) -> None:
        self.bar.setRange(0, 1000)
        self.bar.setValue(round(1000 * share))
        self.said.setText(text)

    def _ended(self, sentence: str) -> None:
        told: tuple[str, ...] = ()
        if self._tracing is not None:
            told = self._tracing.told
            self._tracing.deleteLater()
            self._tracing = None
        self.bar.hide()
        self._busy(False)
        self.said.setText(sentence or "\n".join(("The corpus is traced, and open.", *few(told, MOST_TOLD))))
        self.said.setMinimumHeight(self.said.heightForWidth(self.said.width()) if told else 0)  # a dialog grows with nothing else
        if not sentence:
            self._do(OpenStore(self.options.store))
            if not told:
                self.close()
