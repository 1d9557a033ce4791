"""The drawer under the centre: views behind tabs, each made when it is first looked at.

Closed it is one line of tabs.
"""

from PySide6.QtCore import QSize, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QSizePolicy, QStackedWidget, QToolButton

from unrolled.models.protocol.dispatch import handles
from unrolled.viewer.state.commands import Do, OpenView, ToggleView
from unrolled.viewer.views.spec import Place
from unrolled.viewer.widgets.building import in_column
from unrolled.viewer.widgets.flow_layout import FlowLayout
from unrolled.viewer.window.actions import with_keys
from unrolled.viewer.window.view_host import ViewHost

USUAL_HEIGHT, LEAST_HEIGHT = 300, 190
UNBOUNDED = 16_777_215  # as Qt calls it


class Drawer(QFrame):
    """Tabs, and the view behind the one that is open."""

    opened = Signal(str)  # another view; empty where the drawer was closed
    fitted = Signal()  # its tabs take more lines, or fewer

    def __init__(self, host: ViewHost, do: Do) -> None:
        super().__init__()
        self.setObjectName("section")
        self._host = host
        self._specs = {spec.name: spec for spec in host.at(Place.DRAWER)}
        self.open_name = ""
        self.height_wanted = USUAL_HEIGHT
        self.buttons: dict[str, QToolButton] = {}  # the tabs, by the names of their views
        self._row = FlowLayout(gap=4)
        for spec in self._specs.values():
            button = QToolButton()
            button.setObjectName("drawerTab")
            button.setText(spec.title)
            button.setCheckable(True)
            button.setToolTip(with_keys(spec.hint or spec.title, spec.shortcut))
            button.setAccessibleName(f"{spec.title}: {spec.hint}" if spec.hint else spec.title)
            button.clicked.connect(lambda _=False, name=spec.name: do(ToggleView(name)))
            self.buttons[spec.name] = button
            self._row.addWidget(button)
        self._stack = QStackedWidget()
        self._stack.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Ignored)
        self._stack.hide()
        in_column(self, self._row, (self._stack, 1), spacing=4).setContentsMargins(8, 4, 8, 4)
        host.subject_changed.connect(self._offer)
        self._offer()
        self._fit()

    @handles(ToggleView)
    def toggle(self, command: ToggleView) -> None:
        """Open a view; the one that is open is closed."""
        self.open(OpenView("" if command.name == self.open_name else command.name))

    @handles(OpenView)
    def open(self, command: OpenView) -> None:
        """Open a view that has something to show, or close the drawer where the name is empty."""
        name = command.name
        if name and (name not in self.buttons or self.buttons[name].isHidden()):
            name = self.open_name
        self.open_name = name
        if name:
            view = self._host.view(self._specs[name])
            if self._stack.indexOf(view) < 0:
                self._stack.addWidget(view)
            self._stack.setCurrentWidget(view)
        self._stack.setVisible(bool(name))
        for own, button in self.buttons.items():
            button.setChecked(own == name)
        self._fit()
        self.opened.emit(name)

    def _offer(self) -> None:
        for name, spec in self._specs.items():
            there = spec.accepts(self._host.subject)
            self.buttons[name].setVisible(there)
            if not there and self.open_name == name:
                self.open(OpenView(""))
        self._fit()

    def sizeHint(self) -> QSize:
        return QSize(400, self.height_wanted if self.open_name else self._line_height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if not self.open_name and self.maximumHeight() != self._line_height():
            self._fit()

    def _line_height(self) -> int:
        return self._row.heightForWidth(max(self.width() - 16, 200)) + 10

    def _fit(self) -> None:
        closed, before = not self.open_name, self.maximumHeight()
        self.setMinimumHeight(self._line_height() if closed else LEAST_HEIGHT)
        self.setMaximumHeight(self._line_height() if closed else UNBOUNDED)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum if closed else QSizePolicy.Policy.Preferred)
        self.updateGeometry()
        if closed and self.maximumHeight() != before:
            self.fitted.emit()
