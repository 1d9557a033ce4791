"""What the commands do that concern the run: moving through it, changing it, opening, comparing."""

from __future__ import annotations

from unrolled.models.protocol.dispatch import handles
from unrolled.viewer.control.control import Controller
from unrolled.viewer.state import commands as c


class Commanding:
    """Takes commands to the controller.

    Parameters
    ----------
    controller : Controller
        What moves, changes, opens and compares runs.
    """

    def __init__(self, controller: Controller) -> None:
        self._controller = controller

    @handles(c.StepForward)
    def step_forward(self, _: c.StepForward) -> None:
        self._controller.step_forward()

    @handles(c.StepBack)
    def step_back(self, _: c.StepBack) -> None:
        self._controller.step_back()

    @handles(c.GoFirst)
    def go_first(self, _: c.GoFirst) -> None:
        self._controller.go_first()

    @handles(c.GoLast)
    def go_last(self, _: c.GoLast) -> None:
        self._controller.go_last()

    @handles(c.RunToEnd)
    def run_to_end(self, _: c.RunToEnd) -> None:
        self._controller.run_to_end()

    @handles(c.TogglePlay)
    def toggle_play(self, _: c.TogglePlay) -> None:
        self._controller.toggle_play()

    @handles(c.Pause)
    def pause(self, _: c.Pause) -> None:
        self._controller.playback.stop()

    @handles(c.SetSpeed)
    def set_speed(self, command: c.SetSpeed) -> None:
        self._controller.playback.set_speed(command.steps_a_second)

    @handles(c.ScaleSpeed)
    def scale_speed(self, command: c.ScaleSpeed) -> None:
        self._controller.playback.set_speed(self._controller.playback.speed * command.factor)

    @handles(c.SetLoop)
    def set_loop(self, command: c.SetLoop) -> None:
        self._controller.playback.set_loop(command.on)

    @handles(c.StopReading)
    def stop_reading(self, _: c.StopReading) -> None:
        self._controller.stop_reading()

    @handles(c.ChooseToken)
    def choose_token(self, command: c.ChooseToken) -> None:
        self._controller.choose(command.step, command.token)

    @handles(c.ApplyEdit)
    def apply_edit(self, command: c.ApplyEdit) -> None:
        self._controller.change(command.edit)

    @handles(c.ApplyEdits)
    def apply_edits(self, command: c.ApplyEdits) -> None:
        self._controller.set_edits(command.identity, command.edits)

    @handles(c.ReplaceInput)
    def replace_input(self, command: c.ReplaceInput) -> None:
        self._controller.swap_input(command.path, command.step)

    @handles(c.SetDecoding)
    def set_decoding(self, command: c.SetDecoding) -> None:
        self._controller.set_decoding(command.decoding)

    @handles(c.ShowBranch)
    def show_branch(self, command: c.ShowBranch) -> None:
        self._controller.show_branch(command.identity)

    @handles(c.RenameBranch)
    def rename_branch(self, command: c.RenameBranch) -> None:
        self._controller.rename_branch(command.identity, command.name)

    @handles(c.RemoveBranch)
    def remove_branch(self, command: c.RemoveBranch) -> None:
        self._controller.remove_branch(command.identity)

    @handles(c.FollowHypothesis)
    def follow_hypothesis(self, command: c.FollowHypothesis) -> None:
        self._controller.follow_hypothesis(command.number)

    @handles(c.Undo)
    def undo(self, _: c.Undo) -> None:
        self._controller.history.undo()

    @handles(c.Redo)
    def redo(self, _: c.Redo) -> None:
        self._controller.history.redo()

    @handles(c.Open)
    def open_file(self, command: c.Open) -> None:
        self._controller.open_file(command.path)

    @handles(c.OpenData)
    def open_data(self, command: c.OpenData) -> None:
        self._controller.open_bytes(command.data, command.name, command.medium)

    @handles(c.OpenText)
    def open_text(self, command: c.OpenText) -> None:
        self._controller.open_text(command.text)

    @handles(c.OpenSample)
    def open_sample(self, command: c.OpenSample) -> None:
        self._controller.open_sample(command.input_kind)

    @handles(c.DrawInput)
    def draw_input(self, _: c.DrawInput) -> None:
        self._controller.draw_input()

    @handles(c.Rerun)
    def rerun(self, _: c.Rerun) -> None:
        self._controller.run_again()

    @handles(c.LoadModel)
    def load_model(self, command: c.LoadModel) -> None:
        self._controller.load_model(command.name, command.device)

    @handles(c.SetDevice)
    def set_device(self, command: c.SetDevice) -> None:
        self._controller.set_device(command.name)

    @handles(c.RestartBackend)
    def restart_backend(self, _: c.RestartBackend) -> None:
        self._controller.restart_backend()

    @handles(c.CompareBranch)
    def compare_branch(self, command: c.CompareBranch) -> None:
        self._controller.compare_branch(command.identity)

    @handles(c.CompareModel)
    def compare_model(self, command: c.CompareModel) -> None:
        self._controller.compare_model(command.name)

    @handles(c.CompareInput)
    def compare_input(self, command: c.CompareInput) -> None:
        self._controller.compare_input(command.path)

    @handles(c.CompareTrace)
    def compare_trace(self, command: c.CompareTrace) -> None:
        self._controller.compare_trace(command.path)

    @handles(c.EndComparison)
    def end_comparison(self, _: c.EndComparison) -> None:
        self._controller.end_comparison()
