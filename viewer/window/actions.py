"""Everything that can be done, in one table: its text, its keys, its icon and its menu.

Menus, toolbar, tooltips and the list of shortcuts are all made from this table, so that they cannot disagree.
"""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QWidget

from unrolled.viewer.theme.icons import icon
from unrolled.viewer.theme.themes import Theme


@dataclass(frozen=True, slots=True)
class ActionSpec:
    """One thing that can be done.

    Attributes
    ----------
    name : str
        What the code calls it.
    menu : str
        The menu it is in.
    text : str
        What people read.
    keys : tuple of str
        Its shortcuts, the first of which is shown.
    icon : str
        The icon's file without suffix; empty for none.
    checkable : bool
        Whether it is switched on and off.
    group : int
        Where a menu is divided by lines: a line between different groups.
    hint : str
        A longer text for the tooltip.
    """

    name: str
    menu: str
    text: str
    keys: tuple[str, ...] = ()
    icon: str = ""
    checkable: bool = False
    group: int = 0
    hint: str = ""


SPECS = (
    ActionSpec("open", "File", "Open…", ("Ctrl+O",), "open", hint="Open a photograph, a text, a clip, a trace or a session"),
    ActionSpec("open_frames", "File", "Open a folder of frames…", ("Ctrl+Shift+F",), "",
               hint="Open a folder of frames as a clip"),
    ActionSpec("draw_input", "File", "New scene", ("Ctrl+N",), "", hint="Draw another input of the model’s own kind"),
    ActionSpec("paste", "File", "Paste", ("Ctrl+V",), "paste", hint="Paste a picture, a text or a file"),
    ActionSpec("open_checkpoint", "File", "Open checkpoint…", ("Ctrl+Shift+O",), "model", group=1,
               hint="Open a model from its checkpoint"),
    ActionSpec("save_session", "File", "Save session…", ("Ctrl+S",), "", group=2),
    ActionSpec("export", "File", "Export…", ("Ctrl+E",), "export", group=2,
               hint="Save an animation, a film strip or the trace"),
    ActionSpec("restore", "File", "Open what was open last time", ("Ctrl+Shift+T",), "undo", group=3),
    ActionSpec("quit", "File", "Quit", ("Ctrl+Q",), "", group=4),
    ActionSpec("step", "Run", "Next word", ("Space", "Right"), "step", hint="Let the model write the next word"),
    ActionSpec("back", "Run", "Word before", ("Left", "Backspace"), "back"),
    ActionSpec("first", "Run", "First word", ("Home",), "first"),
    ActionSpec("last", "Run", "Last word", ("End",), "last", hint="Last word; again to run to the end"),
    ActionSpec("run_to_end", "Run", "Run to the end", ("Ctrl+End",), ""),
    ActionSpec("play", "Run", "Play", ("P",), "play", group=1),
    ActionSpec("loop", "Run", "Loop", ("L",), "loop", checkable=True, group=1, hint="Begin again after the last word"),
    ActionSpec("faster", "Run", "Faster", ("+", "="), "", group=1),
    ActionSpec("slower", "Run", "Slower", ("-",), "", group=1),
    ActionSpec("decoding", "Run", "How words are chosen…", ("D",), "settings", group=2,
               hint="Greedy, beam search or sampling"),
    ActionSpec("run_again", "Run", "Start over", ("Ctrl+R",), "undo", group=2),
    ActionSpec("undo", "Edit", "Undo", ("Ctrl+Z",), "undo", hint="Undo the last change of the branches"),
    ActionSpec("redo", "Edit", "Redo", ("Ctrl+Shift+Z", "Ctrl+Y"), ""),
    ActionSpec("edits", "Edit", "Change something…", ("C",), "", group=1,
               hint="Change the computation: words, units, gates, attention, the picture"),
    ActionSpec("swap", "Edit", "Swap the picture from here on…", ("Ctrl+Shift+P",), "", group=1),
    ActionSpec("compare_model", "Edit", "Compare with another model…", ("Ctrl+M",), "", group=2),
    ActionSpec("compare_input", "Edit", "Compare with another picture…", ("Ctrl+Shift+M",), "", group=2),
    ActionSpec("compare_trace", "Edit", "Compare with a recorded trace…", (), "", group=2),
    ActionSpec("compare_end", "Edit", "End the comparison", ("Ctrl+Shift+E",), "", group=2),
    ActionSpec("equations", "Explain", "Equations of this step", ("E",), "",
               hint="This step in equations, with one unit's numbers"),
    ActionSpec("why", "Explain", "Why this word", ("W",), "",
               hint="What the word depended on: gradients, and masking what was looked at"),
    ActionSpec("gates", "Explain", "Gate statistics", ("G",), ""),
    ActionSpec("attention", "Explain", "Attention statistics", ("Shift+A",), ""),
    ActionSpec("similar", "Explain", "Find similar steps", ("F",), ""),
    ActionSpec("beam", "Explain", "Beam search", ("B",), ""),
    ActionSpec("theme", "View", "Light or dark", ("T",), "moon", hint="Switch between light and dark"),
    ActionSpec("attention_scale", "View", "Stretch attention at each step", ("A",), "", checkable=True, group=1,
               hint="Stretched: each step from its least to its greatest weight, instead of one scale for all"),
    ActionSpec("attention_smooth", "View", "Smooth attention", ("S",), "smooth", checkable=True, group=1),
    ActionSpec("show_region", "View", "Outline what the model saw", ("O",), "", checkable=True, group=1),
    ActionSpec("more_opaque", "View", "Stronger overlay", ("]",), "", group=1),
    ActionSpec("less_opaque", "View", "Fainter overlay", ("[",), "", group=1),
    ActionSpec("clear_pins", "View", "Let all pinned units go", ("Ctrl+Shift+C",), "unpin", group=2),
    ActionSpec("zoom_in", "View", "Zoom in on the steps", ("Ctrl++", "Ctrl+="), "", group=3),
    ActionSpec("zoom_out", "View", "Zoom out", ("Ctrl+-",), "", group=3),
    ActionSpec("zoom_reset", "View", "Show the whole run", ("Ctrl+0",), "zoom-reset", group=3),
    ActionSpec("room", "View", "Training room", ("Ctrl+T",), "room", checkable=True, group=4,
               hint="Train a small network live, and watch its gradients"),
    ActionSpec("full_screen", "View", "Full screen", ("F11",), "", checkable=True, group=4),
    ActionSpec("shortcuts", "Help", "Keyboard shortcuts", ("F1",), "help"),
    ActionSpec("about", "Help", "About Unrolled", (), "info"),
)

REPEATING = ("step", "back", "faster", "slower", "zoom_in", "zoom_out", "more_opaque", "less_opaque")
MENUS = ("File", "Edit", "View", "Run", "Explain", "Help")


def make_actions(owner: QWidget) -> dict[str, QAction]:
    """An action for each row of the table, with its shortcut in force wherever the focus is in the window."""
    made: dict[str, QAction] = {}
    for spec in SPECS:
        action = QAction(spec.text, owner)
        action.setObjectName(spec.name)
        action.setShortcuts([QKeySequence(keys) for keys in spec.keys])
        action.setShortcutContext(Qt.ShortcutContext.WindowShortcut)
        action.setAutoRepeat(spec.name in REPEATING)
        action.setCheckable(spec.checkable)
        action.setToolTip(tooltip(spec))
        action.setIconVisibleInMenu(False)
        owner.addAction(action)
        made[spec.name] = action
    return made


def tooltip(spec: ActionSpec) -> str:
    """What it does, with its first shortcut."""
    text = (spec.hint or spec.text).rstrip("…")
    return f"{text} ({key_text(spec.keys[0])})" if spec.keys else text


def key_text(keys: str) -> str:
    """A shortcut as this system writes it."""
    return QKeySequence(keys).toString(QKeySequence.SequenceFormat.NativeText)


def set_icons(actions: dict[str, QAction], theme: Theme) -> None:
    """Draw the icons in the theme's colours."""
    for spec in SPECS:
        if spec.icon:
            actions[spec.name].setIcon(icon(spec.icon, theme))
