"""What the commands do that concern the session alone: what is looked at and how, what is painted, what is asked."""

from __future__ import annotations

from unrolled.models.protocol.dispatch import handles
from unrolled.viewer.state import commands as c
from unrolled.viewer.state.session import Session


class SessionCommands:
    """Takes commands to the session's own parts."""

    def __init__(self, session: Session) -> None:
        self._session = session

    @handles(c.Seek)
    def seek(self, command: c.Seek) -> None:
        self._session.playhead.seek(command.step)

    @handles(c.TogglePin)
    def toggle_pin(self, command: c.TogglePin) -> None:
        self._session.selection.toggle(command.unit)

    @handles(c.Pin)
    def pin(self, command: c.Pin) -> None:
        self._session.selection.set(command.units)

    @handles(c.Unpin)
    def unpin(self, command: c.Unpin) -> None:
        self._session.selection.set(tuple(unit for unit in self._session.selection.units if unit != command.unit))

    @handles(c.UnpinAll)
    def unpin_all(self, _: c.UnpinAll) -> None:
        self._session.selection.clear()

    @handles(c.LookAt)
    def look_at(self, command: c.LookAt) -> None:
        self._session.selection.look_at(command.axis, command.place)

    @handles(c.Hover)
    def hover(self, command: c.Hover) -> None:
        self._session.selection.set_hover(command.unit)

    @handles(c.ShowSteps)
    def show_steps(self, command: c.ShowSteps) -> None:
        self._session.time_axis.show(command.start, command.stop)

    @handles(c.ZoomSteps)
    def zoom_steps(self, command: c.ZoomSteps) -> None:
        around = max(self._session.playhead.step, 0) + 0.5 if command.around is None else command.around
        self._session.time_axis.zoom(command.factor, around)

    @handles(c.PanSteps)
    def pan_steps(self, command: c.PanSteps) -> None:
        self._session.time_axis.pan(command.by)

    @handles(c.RevealStep)
    def reveal_step(self, command: c.RevealStep) -> None:
        self._session.time_axis.reveal(command.step)

    @handles(c.ShowWholeRun)
    def show_whole_run(self, _: c.ShowWholeRun) -> None:
        self._session.time_axis.reset()

    @handles(c.ChangeAppearance)
    def change_appearance(self, command: c.ChangeAppearance) -> None:
        self._session.appearance.update(**command.changes)

    @handles(c.ShiftOpacity)
    def shift_opacity(self, command: c.ShiftOpacity) -> None:
        opacity = self._session.appearance.values.attention_opacity + command.by
        self._session.appearance.update(attention_opacity=round(min(max(opacity, 0.0), 1.0), 2))

    @handles(c.Ask)
    def ask(self, command: c.Ask) -> None:
        self._session.questions.ask(command.name, command.question, command.wire_id)

    @handles(c.DropQuestion)
    def drop_question(self, command: c.DropQuestion) -> None:
        self._session.questions.drop(command.name)

    @handles(c.SetBrush)
    def set_brush(self, command: c.SetBrush) -> None:
        self._session.brush.set_mode(command.mode)

    @handles(c.SetBrushStrength)
    def set_brush_strength(self, command: c.SetBrushStrength) -> None:
        self._session.brush.strength = command.strength

    @handles(c.Paint)
    def paint(self, command: c.Paint) -> None:
        self._session.brush.paint(command.place, erase=command.erase)

    @handles(c.WipeBrush)
    def wipe_brush(self, _: c.WipeBrush) -> None:
        self._session.brush.wipe()
