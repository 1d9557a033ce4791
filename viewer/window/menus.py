"""The menus, made from the table of actions, and the two that fill themselves: recent files and samples."""

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QMenu

from unrolled.assets import path as asset
from unrolled.models.inputs.kinds import input_kinds, sample
from unrolled.models.trace.names import file_name, text_name
from unrolled.viewer.drawing.painting import elided
from unrolled.viewer.state.commands import Command, Open, OpenSample, ReturnToRun
from unrolled.viewer.window.actions import MENUS

if TYPE_CHECKING:
    from unrolled.viewer.window.main_window import MainWindow

LONGEST = 400  # of a name, in device-independent pixels
FAILING = ("dog", "fails-horses")  # samples that the captioners get wrong: one stands and is said to run, the others are no dog


def in_menu(text: str) -> str:
    """Words of a person's or a file's for a menu: cut where they are long, and every & a sign like others."""
    return elided(text, QMenu().font(), LONGEST).replace("&", "&&")


class Menus:
    def __init__(self, window: "MainWindow") -> None:
        self._window = window
        self.recent, self.earlier = QMenu("Recent", window), QMenu("Earlier runs", window)
        bar = window.menuBar()
        bar.setAccessibleName("Menu bar")
        for name in MENUS:
            menu = bar.addMenu(f"&{name}")
            group = 0
            for spec in window.action_specs:
                if spec.menu != name:
                    continue
                if spec.group != group:
                    menu.addSeparator()
                    group = spec.group
                menu.addAction(window.actions_by_name[spec.name])
                if spec.name == "paste":
                    self.recent.aboutToShow.connect(self._fill_recent)
                    menu.addMenu(self.recent)
                    self.earlier.aboutToShow.connect(self._fill_earlier)
                    menu.addMenu(self.earlier)
                    samples = QMenu("Samples", menu)
                    samples.aboutToShow.connect(lambda samples=samples: self._fill_samples(samples))
                    menu.addMenu(samples)

    def _fill_recent(self) -> None:
        self.recent.clear()
        for name in self._window.settings.recent():
            path = Path(name)
            action = self.recent.addAction(in_menu(file_name(path)), lambda _=False, path=path: self._window.do(Open(path)))
            action.setToolTip(text_name(name))
        if self.recent.isEmpty():
            self.recent.addAction("Nothing opened yet").setEnabled(False)
            return
        self.recent.addSeparator()
        self.recent.addAction("Clear list", self._window.settings.clear_recent)

    def _fill_earlier(self) -> None:
        self.earlier.clear()
        for number, run in enumerate(self._window.controller.earlier.kept):
            self.earlier.addAction(in_menu(run.title), lambda _=False, number=number: self._window.do(ReturnToRun(number)))
        if self.earlier.isEmpty():
            self.earlier.addAction("None yet: a run stays here when another is opened").setEnabled(False)

    def _fill_samples(self, menu: QMenu) -> None:
        menu.clear()
        photographs = sorted(asset("samples").glob("*.jpg"))
        failing = [path for path in photographs if path.stem in FAILING]
        for path in photographs:
            if path not in failing:
                self._add_sample(menu, path, Open(path))
        for kind in input_kinds():
            made_for = sample(kind)
            if made_for is not None and made_for not in photographs:
                self._add_sample(menu, made_for, OpenSample(kind))  # as what it was made for: a GIF is a picture too
        if failing:
            menu.addSeparator()
            fails = menu.addMenu("Where it fails")
            fails.setToolTip("Photographs whose captions are wrong: a dog that stands is said to run, horses are called a dog")
            for path in failing:
                self._add_sample(fails, path, Open(path))

    def _add_sample(self, menu: QMenu, path: Path, command: Command) -> None:
        title = path.stem.removeprefix("fails-").replace("-", " ").capitalize()
        menu.addAction(title, lambda: self._window.do(command))
