"""Where a sentence, a prompt or a whole file is typed, pasted and changed, to be run."""

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QPlainTextEdit

from unrolled.models.inputs.inputs import InputText, typed
from unrolled.viewer.state.commands import OpenText
from unrolled.viewer.theme.fonts import mono_font, text_font
from unrolled.viewer.views.view import View, ViewContext
from unrolled.viewer.widgets.building import elided_label, in_column, in_row, named, push_button, typeset

HINTS = {"sentence": "Type or paste a sentence to translate", "text": "Type or paste text for the model to continue"}
MOST_EDITED = 20_000  # characters; a longer file is read as it is
LEAST_HEIGHT, LEAST_LINE = 70, 34


class TextView(View):
    def __init__(self, ctx: ViewContext) -> None:
        super().__init__(ctx, name="Input text")
        self._shown: InputText | None = None
        self._kind = ""
        self.edit = named(QPlainTextEdit(), "Text for the model")
        self.edit.setTabChangesFocus(True)
        self.edit.setMinimumHeight(LEAST_LINE)
        self.button = push_button("Run", "Run this text with the model (Ctrl+Enter)", self.run, name="Run this text")
        self._state = elided_label(look="muted")
        in_column(self, (self.edit, 1), in_row(None, (self._state, 1), self.button, spacing=8), spacing=6)
        self.setMinimumHeight(LEAST_HEIGHT)
        for keys in ("Ctrl+Return", "Ctrl+Enter"):
            QShortcut(QKeySequence(keys), self.edit, self.run, context=Qt.ShortcutContext.WidgetShortcut)
        self.edit.textChanged.connect(self._say_state)
        self.refresh()

    def run(self) -> None:
        self.do(OpenText(typed(self.edit.toPlainText())))

    def refresh(self) -> None:
        given, description = self.session.text, self.session.description
        kind = description.input_kind if description is not None else ""
        if kind != self._kind and kind in HINTS:
            self._kind = kind
            self.edit.setPlaceholderText(HINTS[kind])
            typeset(self.edit, mono_font(12) if kind == "text" else text_font(14))
        if given is not self._shown:
            self._shown = given
            if given is not None and given.text.rstrip("\n") != self.edit.toPlainText().rstrip("\n"):
                self.edit.setPlainText(given.text[:MOST_EDITED])
            self.edit.setReadOnly(given is not None and len(given.text) > MOST_EDITED)
        self._say_state()

    def _say_state(self) -> None:
        given = self._shown
        if given is not None and len(given.text) > MOST_EDITED:
            text = f"{given.name}: {len(given.text):,} characters; only the first {MOST_EDITED:,} are shown"
        elif given is not None and given.text.rstrip("\n") != self.edit.toPlainText().rstrip("\n"):
            text = "Edited: run it to see the result"
        else:
            text = "" if given is None else given.name
        if text != self._state.text():
            self._state.setText(text)
        self.button.setEnabled(not self.edit.isReadOnly())
