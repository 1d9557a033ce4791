"""The window on somebody's own training: one page, and nothing of the microscope around it."""

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QCloseEvent, QKeySequence
from PySide6.QtWidgets import QMainWindow

from unrolled.viewer.client.backend_client import BackendProcess
from unrolled.viewer.state.appearance import Appearance
from unrolled.viewer.state.notice import Notice
from unrolled.viewer.state.paths import settings_file
from unrolled.viewer.theme.stylesheet import apply_theme
from unrolled.viewer.theme.themes import DARK
from unrolled.viewer.watching.page import WatchPage
from unrolled.viewer.window.dialog_actions import saved_at
from unrolled.viewer.window.exporting.dialog import ExportDialog
from unrolled.viewer.window.main_window import LEAST_SIZE, current_theme, first_size
from unrolled.viewer.window.settings import WindowSettings


class WatchWindow(QMainWindow):
    """A window of its own; it ends when it is closed, and stays when the training does."""

    def __init__(self, backend: BackendProcess, appearance: Appearance) -> None:
        super().__init__()
        self._backend, self._appearance = backend, appearance
        self.theme = current_theme(appearance.values.theme)
        self.setWindowTitle("Watched training – Unrolled")
        self.resize(first_size(self.screen().availableSize()))
        self.setMinimumSize(*LEAST_SIZE)
        self._apply_theme()
        self.page = WatchPage(backend, appearance, self.theme)
        self.page.theme_wanted.connect(self.switch_theme)
        self.page.export_wanted.connect(self.export)
        self.setCentralWidget(self.page)
        for keys, act in (("T", self.switch_theme), ("Ctrl+E", self.export), ("Ctrl+Q", self.close)):
            action = QAction(self)
            action.setShortcut(QKeySequence(keys))
            action.setShortcutContext(Qt.ShortcutContext.WindowShortcut)
            action.triggered.connect(lambda _=False, act=act: act())
            self.addAction(action)
        self.page.slider.setFocus()

    def export(self) -> None:
        """Choose what is saved of the plots, and how."""
        say = self.page.notices.show_message
        if self.page.history is None or not len(self.page.history.updates):
            say(Notice(place="run", kind="info", text="There are no curves yet: they come with the first update."))
            return
        dialog = ExportDialog(self.page.session, WindowSettings(settings_file()), self, theme=self.theme, board=self.page.board)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.exported.connect(lambda path: say(saved_at(path, say)))
        dialog.open()

    def switch_theme(self) -> None:
        self._appearance.update(theme="light" if self.theme is DARK else "dark")
        self.theme = current_theme(self._appearance.values.theme)
        self._apply_theme()
        self.page.set_theme(self.theme)

    def closeEvent(self, event: QCloseEvent) -> None:
        self.page.close_page()
        self._backend.close()
        super().closeEvent(event)

    def _apply_theme(self) -> None:
        apply_theme(self.theme)
