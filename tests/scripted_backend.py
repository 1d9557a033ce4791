"""A backend process that is real in everything but its service, which reads from the script: no torch, up at once.

Run as a file. A picture named ``slow…`` takes a second to encode, a text named so a tenth of a second for 16 characters, a
model half a second to load; a picture named ``bad…`` fails; ``crash…`` ends the process at its third step.
"""

from __future__ import annotations

import hashlib
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np

sys.path.insert(0, str(Path(__file__).parent))

import scripted
import scripted_answers

from unrolled.models.backend.serving import run
from unrolled.models.inputs.clips import read_clip
from unrolled.models.inputs.files import ReadingError
from unrolled.models.inputs.texts import read_text
from unrolled.models.protocol.connection import Hello, Progress
from unrolled.models.protocol.dispatch import handles
from unrolled.models.protocol.loading import Device, Family, Loaded, LoadModel, Ready
from unrolled.models.protocol.message import Reply, StillWanted
from unrolled.models.protocol.questions import Answer, Ask
from unrolled.models.protocol.searching import BeamHypothesis, BeamStepped, Search
from unrolled.models.protocol.stepping import (
    AddInput,
    Advance,
    DrawInput,
    Ended,
    Fork,
    Forked,
    InputAdded,
    InputDrawn,
    Opened,
    OpenInput,
    Stepped,
    SteppedBlock,
)
from unrolled.models.runs.errors import EngineError, NotFinite, Superseded
from unrolled.models.trace import Candidate, Channel, ModelDescription, ModelListing
from unrolled.models.trace.description import ALL_ABILITIES
from unrolled.models.trace.edits import ClampUnits, Edit, ForceToken, MaskAttention, ScaleUnits, UniformAttention

UNITS = 6
LETTERS = (*sorted("abcdefghijklmnopqrstuvwxyz \n()\"'#=:.,0123456789"), "<unknown>")
TRANSLATED = ("▁un", "▁chien", "<end>")
LABELS = ("still", "moving")
WHOLE = (0.0, 0.0, 1.0, 1.0)


class ScriptedService:
    """Writes the script's caption, whatever the picture; a forced word goes into it and the script goes on."""

    def __init__(self) -> None:
        self._run = -1
        self._name = ""
        self._branches: dict[int, list[str]] = {0: []}
        self._edits: dict[int, tuple[Edit, ...]] = {}
        self._words: list[str] = []
        self._kind = "picture"
        self._given = ""
        self._steps = 0
        self._put_by: dict[int, tuple] = {}  # of a run while the one beside it has its turn

    def _turn_to(self, run: int) -> None:
        if run != self._run:
            self._put_by[self._run] = (self._name, self._branches, self._edits, self._given, self._steps)
            self._run = run
            self._name, self._branches, self._edits, self._given, self._steps = self._put_by.get(run, ("", {0: []}, {}, "", 0))

    @handles(Hello)
    def prepare(self, request: Hello, reply: Reply, wanted: StillWanted) -> None:
        reply(Progress("Loading the script", 0.5))
        listing = ModelListing(name="scripted", title="Scripted captioner", task="captioning", size_bytes=1, path="",
                               quality={"bleu_4": 0.0}, source="tests")
        others = tuple(ModelListing(name=name, title=name, task=name, size_bytes=1, path="", quality={}, source="tests",
                                    input_kind=kind) for name, kind in OTHER_MODELS.items())
        drawing = msgspec.structs.replace(listing, name="scripted-scene", title="scripted-scene")
        reply(Ready((Device("cpu", "CPU"),), (listing, *others, drawing), (Family("Captioners of theirs", "picture"),)))

    @handles(LoadModel)
    def load(self, request: LoadModel, reply: Reply, wanted: StillWanted) -> None:
        model, scene = request.model, request.model == "scripted-scene"
        if model.startswith("slow-"):
            time.sleep(0.5)
            model = model.removeprefix("slow-")
        if Path(model).name == THEIRS and Path(model).is_file():
            description = msgspec.structs.replace(scripted.description(), name=THEIRS, title="Their captioner")
            self._kind, self._run = "picture", -1
            reply(Loaded(description, "cpu", request.number))
            return
        if model not in ("scripted", "caption-attend-lstm", "scripted-scene", *OTHER_MODELS):
            raise EngineError("model", f"There is no model “{model}”.")
        if request.device not in ("auto", "cpu"):
            raise EngineError("model", f"This machine has no device “{request.device}”.")
        self._kind, self._run = OTHER_MODELS.get(model, "picture"), -1
        drawing = msgspec.structs.replace(scripted.description(), name=model, draws="scene")
        description = drawing if scene else scripted.description() if self._kind == "picture" else other_description(model)
        reply(Loaded(description, "cpu", request.number))

    @handles(DrawInput)
    def draw(self, request: DrawInput, reply: Reply, wanted: StillWanted) -> None:
        reply(InputDrawn(scripted.picture(width=100 + request.number).data, f"scene {request.number + 1}.png"))

    @handles(OpenInput)
    def open(self, request: OpenInput, reply: Reply, wanted: StillWanted) -> None:
        run, name = request.run, request.name
        self._turn_to(run)
        if self._kind != "picture":
            reply(self._open_other(run, request.data, name))
            return
        reply(Progress("Looking at the picture"))
        if name.startswith("bad"):
            raise EngineError("input", f"“{name}” cannot be used.")
        deadline = time.monotonic() + (1.0 if name.startswith("slow") else 0.0)
        while time.monotonic() < deadline:
            if not wanted():
                raise Superseded
            time.sleep(0.01)
        self._run, self._name = run, name
        self._branches, self._edits = {0: []}, {}
        reply(Opened(run, WHOLE))

    @handles(AddInput)
    def add_input(self, request: AddInput, reply: Reply, wanted: StillWanted) -> None:
        reply(InputAdded(request.run, hashlib.sha256(request.data).hexdigest()))

    @handles(Fork)
    def fork(self, request: Fork, reply: Reply, wanted: StillWanted) -> None:
        self._turn_to(request.run)
        words = {"clip": LABELS, "sentence": TRANSLATED, "text": LETTERS}.get(self._kind, scripted.WORDS)
        parent, step = request.parent, request.step
        if parent >= 0 and (parent not in self._branches or step > len(self._branches[parent])):
            raise EngineError("step", f"Step {step} is not there yet.")
        self._branches[request.branch] = (self._branches[parent][:step] if parent >= 0
                                          else [words[token] for token in request.tokens])
        self._edits[request.branch] = request.edits
        reply(Forked(request.run, request.branch))

    @handles(Search)
    def search(self, request: Search, reply: Reply, wanted: StillWanted) -> None:
        """Two hypotheses: the script, and one with a cat at its second step that dies at the fourth."""
        values = np.zeros((2, sum(channel.size for channel in scripted.channels())), "<f4")
        parents = [-1, -1]
        for number, word in enumerate(scripted.CAPTION[request.step:]):
            place = 2 * number
            others = ("cat" if number == 1 else "the",) if number < 4 else ()
            kept = tuple(BeamHypothesis(
                number=place + row, parent=parents[row], token=scripted.WORDS.index(own), word=own, log_prob=-0.5 - row,
                score=-0.5 * (number + 1) - row, finished=own == "<end>",
                candidates=(Candidate(scripted.WORDS.index(own), own, -0.5 - row),)) for row, own in enumerate((word, *others)))
            parents = [place, place + 1]
            reply(BeamStepped(self._run, request.branch, request.step + number, kept, values[: len(kept)].tobytes()))

    @handles(Ask)
    def answer(self, request: Ask, reply: Reply, wanted: StillWanted) -> None:
        self._turn_to(request.run)
        if request.branch not in self._branches:
            raise EngineError("question", f"There is no branch {request.branch}.")
        if self._kind != "picture":
            raise EngineError("question", "The script has no answer for this kind of input.")
        parts = list(scripted_answers.answers(request.question, len(self._branches[request.branch]), wanted))
        for number, part in enumerate(parts, 1):
            reply(Answer(request.run, request.number, part, number == len(parts)))

    @handles(Advance)
    def advance(self, request: Advance, reply: Reply, wanted: StillWanted) -> None:
        self._turn_to(request.run)
        done = 0
        while done < request.count and wanted():
            report = self._step(request.branch, request.step + done, request.count - done)
            reply(report)
            if isinstance(report, Ended):
                return
            done += report.count if isinstance(report, SteppedBlock) else 1

    def _step(self, branch: int, step: int, count: int) -> Stepped | SteppedBlock | Ended:
        if self._run < 0:
            raise EngineError("step", "No picture is open.")
        if branch not in self._branches:
            raise EngineError("step", f"There is no branch {branch}.")
        self._words = self._branches[branch]
        edits = self._edits.get(branch, ())
        force = next((edit.token for edit in edits if isinstance(edit, ForceToken) and edit.first == step), -1)
        if any(isinstance(edit, ScaleUnits) and edit.factor > 1e20 and edit.covers(step) for edit in edits):
            raise NotFinite(step, next(own for own in scripted.channels() if own.name == "cell"), 3, edited=True)
        if self._kind != "picture":
            return msgspec.structs.replace(self._advance_other(step, force, count), branch=branch)
        if step > len(self._words):
            raise EngineError("step", f"Step {step} is not there yet.")
        del self._words[step:]
        if step >= len(scripted.CAPTION) or (self._words and self._words[-1] == "<end>"):
            return Ended(self._run, branch)
        if self._name.startswith("crash") and step == 3:
            os._exit(9)
        result = scripted.step_result(step, scripted.CAPTION[step])
        word = scripted.WORDS[force] if force >= 0 else result.word
        self._words.append(word)
        _apply(edits, step, result.values)
        values = np.concatenate([result.values[c.name].ravel() for c in scripted.channels()]).astype("<f4").tobytes()
        log_probs = {candidate.token: candidate.log_prob for candidate in result.candidates}
        token = scripted.WORDS.index(word)
        return Stepped(self._run, step, token, word, log_probs.get(token, -9.0), result.candidates, values, 0.1, branch)

    # ── Inputs that are no pictures ───────────────────────────────────────────────────────────────────────────

    def _open_other(self, run: int, data: bytes, name: str) -> Opened:
        self._run, self._name, self._branches, self._edits = run, name, {0: []}, {}
        if self._kind == "clip":
            try:
                self._steps = len(read_clip(data, name).frames)
            except ReadingError as error:
                raise EngineError("input", str(error)) from error
            return Opened(run, WHOLE, maximum_steps=self._steps)
        self._given = read_text(data, name).text
        if self._kind == "sentence":
            source = (*(f"▁{word}" for word in self._given.split()), "<end>")
            self._steps = len(TRANSLATED)
            return Opened(run, WHOLE, sentence_channels(len(source)), source, maximum_steps=self._steps)
        unknown = sorted(set(self._given) - set(LETTERS))
        self._steps = len(self._given) + 30
        return Opened(run, WHOLE, prompt_tokens=len(self._given), maximum_steps=self._steps,
                      notes=(f"Never seen: {' '.join(unknown)}",) if unknown else ())

    def _advance_other(self, step: int, force: int, count: int) -> Stepped | SteppedBlock | Ended:
        del self._words[step:]
        if step >= self._steps:
            return Ended(self._run)
        words = {"clip": LABELS, "sentence": TRANSLATED, "text": LETTERS}[self._kind]
        size = UNITS
        if self._kind == "sentence":
            size += len(self._given.split()) + 1
        elif self._kind == "clip":
            size += len(LABELS)
        if self._kind == "text" and count > 1 and step < len(self._given):
            slow = self._name.startswith("slow")
            time.sleep(0.1 if slow else 0.0)
            read = self._given[step : step + min(count, 16 if slow else 256)]
            tokens = np.array([LETTERS.index(one) if one in LETTERS else len(LETTERS) - 1 for one in read], "<i4")
            self._words += [LETTERS[token] for token in tokens]
            values = np.repeat(np.sin(np.arange(step, step + len(read)))[:, None], size, axis=1).astype("<f4")
            log_probs = np.full(len(read), -1.0, "<f4")
            return SteppedBlock(self._run, step, len(read), tokens.tobytes(), log_probs.tobytes(), tokens.tobytes(),
                                log_probs.tobytes(), values.tobytes(), 0.5)
        token = force if force >= 0 else (step if self._kind == "sentence" else step % 2)
        self._words.append(words[token])
        values = np.full(size, np.sin(step), "<f4")
        if self._kind == "sentence":
            values[UNITS:] = 0.0
            values[UNITS + min(step, size - UNITS - 1)] = 1.0
        elif self._kind == "clip":
            values[UNITS:] = (0.25, 0.75) if token else (0.75, 0.25)
        return Stepped(self._run, step, token, words[token], -0.3, (Candidate(token, words[token], -0.3),),
                       values.tobytes(), 0.1)


def _apply(edits: Sequence[Edit], step: int, values: dict[str, np.ndarray]) -> None:
    for edit in edits:
        if edit.covers(step) and isinstance(edit, ClampUnits | ScaleUnits) and edit.channel in values:
            units = list(edit.units) if edit.units else slice(None)
            column = values[edit.channel] = values[edit.channel].copy()
            column[units] = edit.value if isinstance(edit, ClampUnits) else column[units] * edit.factor
        elif edit.covers(step) and isinstance(edit, UniformAttention):
            values["attention"] = np.full_like(values["attention"], 1 / values["attention"].size)
        elif edit.covers(step) and isinstance(edit, MaskAttention):
            column = values["attention"] = values["attention"].copy()
            column.ravel()[list(edit.places)] = 0.0


THEIRS = "theirs.pth"  # a file of this name is somebody's captioner
OTHER_MODELS = {"scripted-text": "text", "scripted-sentence": "sentence", "scripted-clip": "clip"}


def sentence_channels(length: int) -> tuple[Channel, ...]:
    return (Channel(name="hidden", role="hidden", symbol="h", axes=("unit",), shape=(UNITS,), low=-1, high=1),
            Channel(name="attention", role="attention", symbol="α", axes=("source",), shape=(length,), low=0, high=1))


def other_description(model: str) -> ModelDescription:
    kind = OTHER_MODELS[model]
    channels = sentence_channels(1)[:1]
    if kind == "sentence":
        channels = sentence_channels(1)
    elif kind == "clip":
        channels += (Channel(name="label_probability", role="label_probability", symbol="p", axes=("label",), shape=(2,),
                             low=0, high=1, labels=LABELS),)
    words = {"clip": LABELS, "sentence": TRANSLATED, "text": LETTERS}[kind]
    return ModelDescription(name=model, title=model, task=kind, channels=channels, words=words, start_token=-1,
                            end_token=2 if kind == "sentence" else -1, maximum_steps=40, input_kind=kind,
                            detokenization={"clip": "labels", "sentence": "pieces", "text": "characters"}[kind],
                            can=ALL_ABILITIES - {"search"} if kind == "clip" else ALL_ABILITIES)


if __name__ == "__main__":
    sys.exit(run(ScriptedService))
