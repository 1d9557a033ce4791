"""What the commands do that concern the session alone: what is looked at and how, what is painted, what is asked."""

from unrolled.models.protocol.dispatch import Dispatch
from unrolled.viewer.state import commands as c
from unrolled.viewer.state.session import Session


def session_commands(session: Session) -> Dispatch:
    appearance, axis, brush = session.appearance, session.time_axis, session.brush
    playhead, questions, selection = session.playhead, session.questions, session.selection

    def zoom(command: c.ZoomSteps) -> None:
        axis.zoom(command.factor, max(playhead.step, 0) + 0.5 if command.around is None else command.around)

    def shift_opacity(command: c.ShiftOpacity) -> None:
        opacity = appearance.values.attention_opacity + command.by
        appearance.update(attention_opacity=round(min(max(opacity, 0.0), 1.0), 2))

    def set_strength(command: c.SetBrushStrength) -> None:
        brush.strength = command.strength

    made = Dispatch()
    made.on(c.Seek, lambda command: playhead.seek(command.step))
    made.on(c.TogglePin, lambda command: selection.toggle(command.unit))
    made.on(c.Pin, lambda command: selection.set(command.units))
    made.on(c.LookAt, lambda command: selection.look_at(command.axis, command.place))
    made.on(c.Hover, lambda command: selection.set_hover(command.unit))
    made.on(c.ShowSteps, lambda command: axis.show(command.start, command.stop))
    made.on(c.ZoomSteps, zoom)
    made.on(c.PanSteps, lambda command: axis.pan(command.by))
    made.on(c.RevealStep, lambda command: axis.reveal(command.step))
    made.on(c.ShowWholeRun, lambda _: axis.reset())
    made.on(c.ChangeAppearance, lambda command: appearance.update(**command.changes))
    made.on(c.ShiftOpacity, shift_opacity)
    made.on(c.Ask, lambda command: questions.ask(command.name, command.question, command.wire_id))
    made.on(c.DropQuestion, lambda command: questions.drop(command.name))
    made.on(c.SetBrush, lambda command: brush.set_mode(command.mode))
    made.on(c.SetBrushStrength, set_strength)
    made.on(c.Paint, lambda command: brush.paint(command.place, erase=command.erase))
    made.on(c.WipeBrush, lambda _: brush.wipe())
    made.on(c.FrameSteps, lambda command: session.open_store.frame(command.steps))
    return made
