"""Everything that can be done, in one table: its text, its command, its keys, its icon and its menu.

Menus, toolbar, tooltips and the list of shortcuts are all made from this table, so that they cannot disagree; the views
of the drawer add a row each.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QWidget

from unrolled.viewer.state import commands as c
from unrolled.viewer.theme.icons import icon
from unrolled.viewer.theme.themes import Theme
from unrolled.viewer.views.spec import Place, ViewSpec

OPACITY_STEP = 0.1
SPEED_FACTOR = 1.25
ZOOM_FACTOR = 1.25


@dataclass(frozen=True, slots=True)
class ActionSpec:
    """One thing that can be done."""

    name: str  # what the code calls it
    menu: str
    text: str
    do: Callable[..., c.Command]  # makes its command; of an action that is switched on and off from whether it is on
    keys: tuple[str, ...] = ()  # its shortcuts, the first of which is shown
    icon: str = ""  # the icon's file without suffix; empty for none
    checkable: bool = False
    group: int = 0  # a menu has a line between different groups
    hint: str = ""  # a longer text for the tooltip


def _switches(name: str, on: str | bool = True, off: str | bool = False) -> Callable[[bool], c.Command]:
    return lambda checked: c.ChangeAppearance({name: on if checked else off})


SPECS = (
    ActionSpec("open", "File", "Open…", partial(c.ChooseFile, "open"), ("Ctrl+O",), "open",
               hint="Open a photograph, a text, a clip, a trace or a session"),
    ActionSpec("open_frames", "File", "Open folder…", partial(c.ChooseFile, "frames"), ("Ctrl+Shift+F",),
               hint="Open a folder of frames as a clip, or a store of traces"),
    ActionSpec("draw_input", "File", "New scene", c.DrawInput, ("Ctrl+N",), hint="Draw another input of the model’s own kind"),
    ActionSpec("paste", "File", "Paste", c.Paste, ("Ctrl+V",), "paste", hint="Paste a picture, a text or a file"),
    ActionSpec("open_next", "File", "Next of what is waiting", c.OpenNext, ("N",),
               hint="Open the next of several files or sentences that were opened together"),
    ActionSpec("encoding", "File", "Text encoding…", partial(c.ShowDialog, "encoding"), (),
               hint="Read the open text in another encoding"),
    ActionSpec("open_model", "File", "Open model…", partial(c.ChooseFile, "model"), ("Ctrl+Shift+O",), "model",
               group=1, hint="Open a model from a file, a folder or the hub"),
    ActionSpec("trace_corpus", "File", "Trace a corpus…", partial(c.ShowDialog, "trace corpus"), (), group=1,
               hint="Run a model over many documents, into a store that can be searched"),
    ActionSpec("save_session", "File", "Save session…", partial(c.ChooseFile, "save session"), ("Ctrl+S",), group=2),
    ActionSpec("export", "File", "Export…", partial(c.ShowDialog, "export"), ("Ctrl+E",), "export", group=2,
               hint="Save an animation, a film strip or the trace"),
    ActionSpec("restore", "File", "Reopen last session", c.RestoreLast, ("Ctrl+Shift+T",), "undo", group=3,
               hint="Open what was open last time"),
    ActionSpec("quit", "File", "Quit", c.Quit, ("Ctrl+Q",), group=4),
    ActionSpec("step", "Run", "Next step", c.StepForward, ("Space", "Right"), "step", hint="Next step: let the model go on"),
    ActionSpec("back", "Run", "Previous step", c.StepBack, ("Left", "Backspace"), "back"),
    ActionSpec("first", "Run", "First step", c.GoFirst, ("Home",), "first"),
    ActionSpec("last", "Run", "Last step", c.GoLast, ("End",), "last", hint="Last step; again to run to the end"),
    ActionSpec("run_to_end", "Run", "Run to the end", c.RunToEnd, ("Ctrl+End",)),
    ActionSpec("play", "Run", "Play", c.TogglePlay, ("P",), "play", group=1),
    ActionSpec("loop", "Run", "Loop", c.SetLoop, ("L",), "loop", checkable=True, group=1,
               hint="Start again after the last step"),
    ActionSpec("faster", "Run", "Faster", partial(c.ScaleSpeed, SPEED_FACTOR), ("+", "="), group=1),
    ActionSpec("slower", "Run", "Slower", partial(c.ScaleSpeed, 1 / SPEED_FACTOR), ("-",), group=1),
    ActionSpec("decoding", "Run", "Decoding…", partial(c.ShowDialog, "decoding"), ("D",), "settings", group=2,
               hint="Decoding: greedy, beam search or sampling"),
    ActionSpec("run_again", "Run", "Restart", c.Rerun, ("Ctrl+R",), "undo", group=2, hint="Run the input again from the start"),
    ActionSpec("undo", "Edit", "Undo", c.Undo, ("Ctrl+Z",), "undo", hint="Undo the last change to the branches"),
    ActionSpec("redo", "Edit", "Redo", c.Redo, ("Ctrl+Shift+Z", "Ctrl+Y")),
    ActionSpec("swap", "Edit", "Swap the input from here on…", c.ChooseReplacement, ("Ctrl+Shift+P",), group=1),
    ActionSpec("compare_model", "Edit", "Compare with another model…", c.ChooseModelToCompare, ("Ctrl+M",), group=2),
    ActionSpec("compare_input", "Edit", "Compare with another input…", partial(c.ChooseFile, "compare input"),
               ("Ctrl+Shift+M",), group=2),
    ActionSpec("compare_trace", "Edit", "Compare with a recorded trace…", partial(c.ChooseFile, "compare trace"), group=2),
    ActionSpec("compare_end", "Edit", "End comparison", c.EndComparison, ("Ctrl+Shift+E",), group=2),
    ActionSpec("theme", "View", "Light or dark", c.SwitchTheme, ("T",), "moon", hint="Switch between light and dark"),
    ActionSpec("attention_scale", "View", "Stretch attention at each step", _switches("attention_scale", "stretched", "absolute"),
               ("A",), checkable=True, group=1,
               hint="Stretched: each step from its least to its greatest weight, instead of one scale for all"),
    ActionSpec("attention_style", "View", "Dim what is not attended to", _switches("attention_style", "dimmed", "colours"),
               ("I",), "dim", checkable=True, group=1,
               hint="Dim the rest of the picture, instead of colours over what is attended to"),
    ActionSpec("attention_smooth", "View", "Smooth attention", _switches("attention_smooth"), ("S",), "smooth", checkable=True,
               group=1),
    ActionSpec("show_region", "View", "Outline what the model saw", _switches("show_region"), ("O",), checkable=True, group=1),
    ActionSpec("candidates_log", "View", "Candidates on a logarithmic scale", _switches("candidates_logarithmic"), ("Shift+P",),
               checkable=True, group=1),
    ActionSpec("more_opaque", "View", "Stronger overlay", partial(c.ShiftOpacity, OPACITY_STEP), ("]",), group=1),
    ActionSpec("less_opaque", "View", "Fainter overlay", partial(c.ShiftOpacity, -OPACITY_STEP), ("[",), group=1),
    ActionSpec("clear_pins", "View", "Unpin all units", partial(c.Pin, ()), ("Ctrl+Shift+C",), "unpin", group=2),
    ActionSpec("zoom_in", "View", "Zoom in on the steps", partial(c.ZoomSteps, 1 / ZOOM_FACTOR), ("Ctrl++", "Ctrl+="), group=3),
    ActionSpec("zoom_out", "View", "Zoom out", partial(c.ZoomSteps, ZOOM_FACTOR), ("Ctrl+-",), group=3),
    ActionSpec("zoom_reset", "View", "Show the whole run", c.ShowWholeRun, ("Ctrl+0",), "zoom-reset", group=3),
    ActionSpec("room", "View", "Training room", c.ShowTrainingRoom, ("Ctrl+T",), "room", checkable=True, group=4,
               hint="Train a small network live, and watch its gradients"),
    ActionSpec("corpus", "View", "Corpus", c.ShowCorpus, ("Ctrl+K",), checkable=True, group=4,
               hint="The store of traces that is open: its documents, a search through all of them, and a map"),
    ActionSpec("full_screen", "View", "Full screen", c.ShowFullScreen, ("F11",), checkable=True, group=4),
    ActionSpec("shortcuts", "Help", "Keyboard shortcuts", partial(c.ShowDialog, "shortcuts"), ("F1",), "help"),
    ActionSpec("log", "Help", "Open log file", partial(c.ShowDialog, "log"), ()),
    ActionSpec("about", "Help", "About Unrolled", partial(c.ShowDialog, "about"), (), "info"),
)

REPEATING = ("step", "back", "faster", "slower", "zoom_in", "zoom_out", "more_opaque", "less_opaque")
MENUS = ("File", "Edit", "View", "Run", "Explain", "Help")


def action_specs(views: Iterable[ViewSpec]) -> tuple[ActionSpec, ...]:
    """All actions, those that open the drawer's views too; by menu and group, otherwise in the table's order."""
    of_views = (ActionSpec(view.name, view.menu if view.menu in MENUS else "Explain", view.action or view.title,
                           partial(c.ToggleView, view.name), (view.shortcut,) if view.shortcut else (),
                           group=1 if view.menu == "Edit" else 0, hint=view.hint)
                for view in views if view.place is Place.DRAWER)
    return tuple(sorted((*SPECS, *of_views), key=lambda spec: (MENUS.index(spec.menu), spec.group)))


def make_actions(owner: QWidget, specs: Iterable[ActionSpec]) -> dict[str, QAction]:
    """An action for each row of the table, with its shortcut in force wherever the focus is in the window."""
    made: dict[str, QAction] = {}
    for spec in specs:
        action = QAction(spec.text, owner)
        action.setObjectName(spec.name)
        action.setShortcuts([QKeySequence(keys) for keys in spec.keys])
        action.setShortcutContext(Qt.ShortcutContext.WindowShortcut)
        action.setAutoRepeat(spec.name in REPEATING)
        action.setCheckable(spec.checkable)
        action.setToolTip(with_keys((spec.hint or spec.text).rstrip("…"), *spec.keys[:1]))
        action.setIconVisibleInMenu(False)
        owner.addAction(action)
        made[spec.name] = action
    return made


def with_keys(text: str, keys: str = "") -> str:
    """What something does, with its shortcut."""
    return f"{text} ({key_text(keys)})" if keys else text


def key_text(keys: str) -> str:
    """A shortcut as this system writes it."""
    return QKeySequence(keys).toString(QKeySequence.SequenceFormat.NativeText)


def set_icons(actions: dict[str, QAction], theme: Theme) -> None:
    for spec in SPECS:
        if spec.icon:
            actions[spec.name].setIcon(icon(spec.icon, theme))
