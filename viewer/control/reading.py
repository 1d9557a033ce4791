"""Running through the tokens that an input gives: a text is read before anything is written behind it."""

from __future__ import annotations

from unrolled.models.protocol.dispatch import handles
from unrolled.viewer.control.recording import Recording
from unrolled.viewer.control.run_state import RunPhase
from unrolled.viewer.control.runner import Runner
from unrolled.viewer.control.transport import Transport
from unrolled.viewer.control.voice import Voice
from unrolled.viewer.state import commands as c
from unrolled.viewer.state.session import Session

LONG = 3000             # steps; a longer text is read with a word on how to stop
PROMPT_AT_MOST = 400    # characters; after a short text the playhead stands at its end, where writing goes on


class Reading:
    """Reads a text to its end, unless it is stopped."""

    def __init__(self, session: Session, runner: Runner, recording: Recording, transport: Transport, voice: Voice) -> None:
        self._session, self._runner, self._voice = session, runner, voice
        self._recording, self._transport = recording, transport

    @property
    def _going_on(self) -> bool:
        return self._runner.state.phase is RunPhase.READING

    def begin(self) -> None:
        trace = self._session.trace
        if trace is None or not self._going_on:
            return
        length = trace.provenance.prompt_tokens
        self._recording.want(length)
        if length > LONG:
            self._voice.say("run", f"Reading {length:,} characters…", "info", action="Stop", command=c.StopReading())

    @handles(c.StopReading)
    def stop(self, _: c.StopReading) -> None:
        self._runner.cancel()
        self.end()

    def end(self) -> None:
        if self._going_on:
            self._runner.end_reading()
            self._voice.idle()
            self._voice.unsaid.emit("run")

    def follow(self) -> None:
        """Say how far it is; where all is read, the playhead of a short text goes to its end."""
        trace = self._session.trace
        if trace is None or not self._going_on:
            return
        read, length = len(trace), trace.provenance.prompt_tokens
        if read < length:
            if length > LONG:
                self._voice.busy(f"Reading: {read:,} of {length:,} characters", read / length)
            return
        self.end()
        if length <= PROMPT_AT_MOST and self._transport.target is None and self._session.playhead.step <= 0:
            self._transport.go(length - 1)
