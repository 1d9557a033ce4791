"""Moving through a run: stepping, playing, running to the end, and through a text that is read before anything is written.

Where a step is recorded the playhead goes there; where none is, the model is asked for it, and the playhead follows
when it arrives.
"""

import sys

from unrolled.models.protocol.dispatch import handles
from unrolled.viewer.control.playback import Playback
from unrolled.viewer.control.recording import Recording
from unrolled.viewer.control.run_state import ModelPhase, RunPhase
from unrolled.viewer.control.runner import Runner
from unrolled.viewer.control.voice import Voice
from unrolled.viewer.state import commands as c
from unrolled.viewer.state.session import Session

THE_END = sys.maxsize   # of a run, wherever it is: the model that says so may not be there yet
LONG = 3000             # steps; a longer text is read with a word on how to stop
PROMPT_AT_MOST = 400    # tokens; behind a shorter text writing goes on, a longer one is read for itself
PRESSED = "The model is not ready yet:"


class Transport:
    """What moves the playhead and has the trace grow."""

    def __init__(self, session: Session, runner: Runner, recording: Recording, voice: Voice) -> None:
        self._session, self._runner, self._recording, self._voice = session, runner, recording, voice
        self.playback = Playback()
        self.target: int | None = None  # the step that the playhead goes to as steps arrive
        self._moving = False
        self.playback.tick.connect(self._tick)
        self.playback.changed.connect(voice.state_changed)
        session.playhead.moved.connect(self._playhead_moved)
        session.ended.connect(self._arrive)

    @handles(c.StepForward)
    def step_forward(self, _: c.StepForward) -> None:
        playhead = self._session.playhead
        if not playhead.at_end and self.target is None:
            self.go(playhead.step + 1)
            return
        self.reach((playhead.step if self.target is None else self.target) + 1)

    @handles(c.StepBack)
    def step_back(self, _: c.StepBack) -> None:
        self.stay()
        self._session.playhead.seek(self._session.playhead.step - 1)

    @handles(c.GoFirst)
    def go_first(self, _: c.GoFirst) -> None:
        self.stay()
        self._session.playhead.seek(0)

    @handles(c.GoLast)
    def go_last(self, _: c.GoLast) -> None:
        if self._session.playhead.at_end:
            self.run_to_end(c.RunToEnd())
        else:
            self.stay()
            self.go(self._session.playhead.length - 1)

    @handles(c.RunToEnd)
    def run_to_end(self, _: c.RunToEnd) -> None:
        self.playback.stop()
        trace = None if self._runner.state.waiting else self._session.trace  # what is shown then gives way to another run
        if trace is not None and trace.ended:
            self.go(len(trace) - 1)
        elif trace is not None and max(len(trace), PROMPT_AT_MOST) < trace.provenance.prompt_tokens:
            self.reach(trace.provenance.prompt_tokens - 1)
        else:
            self.reach(THE_END)

    @handles(c.TogglePlay)
    def toggle_play(self, _: c.TogglePlay) -> None:
        if self.playback.playing:
            self.pause()
            return
        trace = self._session.trace
        if trace is not None and trace.ended and self._session.playhead.at_end:
            self.go(0)
            self.playback.start_later()
        elif trace is not None or self._session.input is not None or self._runner.state.waiting:
            self.playback.start()

    @handles(c.StopReading)
    def stop_reading(self, _: c.StopReading) -> None:
        self._runner.cancel()
        self.end_reading()

    def begin_reading(self) -> None:
        """Read a text to its end, unless it is stopped."""
        trace = self._session.trace
        if trace is None or not self._reading:
            return
        length = trace.provenance.prompt_tokens
        self._recording.want(length)
        if length > LONG:
            self._voice.say("run", f"Reading {length:,} characters…", "info", action="Stop", command=c.StopReading())

    def end_reading(self) -> None:
        if self._reading:
            self._runner.end_reading()
            self._voice.idle()
            self._voice.unsaid.emit("run")

    def interrupt(self) -> None:
        """Something else is about to be shown: stop what the old run does."""
        self.pause()
        self.end_reading()

    def pause(self) -> None:
        """Play no further, and go nowhere."""
        self.playback.stop()
        self.stay()

    def stay(self) -> None:
        """Go nowhere when steps arrive, and promise it no longer."""
        self.target = None
        self._voice.unsaid.emit("pressed")

    def go(self, step: int) -> None:
        """Go to a recorded step on the way to where a person wanted to go."""
        self._moving = True
        self._session.playhead.seek(step)
        self._moving = False

    def reach(self, step: int) -> None:
        """Go to a step that is not recorded yet, as soon as it is."""
        trace, state = self._session.trace, self._runner.state
        if trace is not None and trace.ended and not state.waiting:
            self.go(len(trace) - 1)
        elif state.is_open and trace is not None:
            self.target = min(step, THE_END)
            self._recording.want(self.target + 1)
        elif state.waiting:
            self.target = min(step, THE_END)
            if state.model is not ModelPhase.LOADED:
                wanted = f"it goes on to step {step + 1}" if step < THE_END else "it runs to the end"
                self._voice.say("pressed", f"{PRESSED} {wanted} as soon as it is.", "info")
        elif state.phase is RunPhase.RECORDED and state.opening is None:
            self._voice.say("pressed", "This run was recorded without its input and ends here.", "info")
        elif state.phase is RunPhase.RECORDED and state.model is ModelPhase.LOADED:
            self._voice.say("pressed", "This run was recorded by another model and ends here.", "info",
                            action="Run it with this model", command=c.Rerun())
        elif not self._runner.backend.alive:
            self._voice.say_not_running()
        elif state.phase is RunPhase.EMPTY and self._session.input is not None:
            self._voice.say("pressed", "The model could not read this input, so there is nothing to run: open another.", "info")

    def follow(self) -> None:
        """Steps arrived: go towards the target; to the first step where there was none."""
        self._follow_reading()
        length, target = self._session.playhead.length, self.target
        if target is not None:
            self.go(min(target, length - 1))
            if length > target:
                self.target = None
        elif self._session.playhead.step < 0:
            self.go(0)

    def _arrive(self) -> None:
        """The run is over: there is nowhere further to go."""
        self.target = None

    @property
    def _reading(self) -> bool:
        return self._runner.state.phase is RunPhase.READING

    def _follow_reading(self) -> None:
        """Say how far it is; where all is read, the playhead of a short text goes to its end."""
        trace = self._session.trace
        if trace is None or not self._reading:
            return
        read, length = len(trace), trace.provenance.prompt_tokens
        if read < length:
            if length > LONG:
                self._voice.busy(f"Reading: {read:,} of {length:,} characters", read / length)
            return
        self.end_reading()
        if length <= PROMPT_AT_MOST and self.target is None and self._session.playhead.step <= 0:
            self.go(length - 1)

    def _tick(self) -> None:
        playhead, trace, state = self._session.playhead, self._session.trace, self._runner.state
        if not playhead.at_end:
            self.go(playhead.step + 1)
        elif trace is not None and trace.ended:
            if self.playback.loop and len(trace) > 1:
                self.go(0)
            else:
                self.playback.stop()
        else:
            if not (state.is_open or state.waiting or self.target is not None):
                self.playback.stop()
            self.reach(playhead.step + 1)

    def _playhead_moved(self, _: int) -> None:
        if not self._moving:
            self.stay()  # a person moved it: it does not run away from where they put it
