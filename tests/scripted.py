"""A model without torch: what it would record is made from a seed, so that window tests are fast and repeatable."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image, ImageDraw

from unrolled.models.inputs.inputs import InputPicture
from unrolled.models.trace import Candidate, Channel, ModelDescription, Provenance, StepResult, Trace

WORDS = ("<start>", "<end>", "a", "brown", "dog", "is", "running", "through", "the", "tall", "green", "grass", "cat")
CAPTION = ("a", "brown", "dog", "is", "running", "through", "the", "green", "grass", "<end>")
UNITS = 64
GRID = (6, 8)


def channels(units: int = UNITS, grid: tuple[int, int] = GRID) -> tuple[Channel, ...]:
    """What an attention LSTM records."""
    def per_unit(name: str, symbol: str, low: float, high: float) -> Channel:
        return Channel(name=name, role=name, symbol=symbol, axes=("unit",), shape=(units,), low=low, high=high, editable=True)

    return (
        per_unit("hidden", "h", -1, 1), per_unit("cell", "c", -3, 3),
        per_unit("input_gate", "i", 0, 1), per_unit("forget_gate", "f", 0, 1),
        per_unit("output_gate", "o", 0, 1), per_unit("cell_gate", "g", -1, 1),
        Channel(name="attention", role="attention", symbol="α", axes=("row", "column"), shape=grid, low=0, high=1,
                editable=True),
        Channel(name="attention_entropy", role="attention_entropy", symbol="H", axes=(), shape=(), low=0, high=1,
                label="attention entropy", unit="of uniform"),
    )


def description(units: int = UNITS, grid: tuple[int, int] = GRID) -> ModelDescription:
    """The scripted model, described."""
    return ModelDescription(
        name="scripted", title="Scripted captioner", task="captioning", channels=channels(units, grid), words=WORDS,
        start_token=0, end_token=1, maximum_steps=20, input_size=(224, 224), parameters=1234,
        weights_hash="0" * 64, encoder="none", summary="Written for tests.",
    )


def step_result(step: int, word: str, *, units: int = UNITS, grid: tuple[int, int] = GRID, seed: int = 0) -> StepResult:
    """One step of the script: its values depend on seed and step alone."""
    random = np.random.default_rng((seed, step))
    values: dict[str, np.ndarray] = {}
    for channel in channels(units, grid)[:6]:
        uniform = random.random(channel.shape, dtype=np.float32)
        values[channel.name] = (channel.low + (channel.high - channel.low) * uniform).astype(np.float32)
    rows, columns = np.mgrid[: grid[0], : grid[1]]
    centre = (step * 0.7 % grid[0], step * 1.3 % grid[1])
    blob = np.exp(-((rows - centre[0]) ** 2 + (columns - centre[1]) ** 2) / 3.0) + 0.02
    attention = (blob / blob.sum()).astype(np.float32)
    values["attention"] = attention
    entropy = float(-(attention * np.log(attention)).sum() / np.log(attention.size))
    values["attention_entropy"] = np.asarray(entropy, dtype=np.float32)
    log_prob = float(np.log(0.25 + 0.7 * random.random()))
    others = [other for other in WORDS[1:] if other != word][:7]
    candidates = [Candidate(WORDS.index(word), word, log_prob)]
    candidates += [Candidate(WORDS.index(other), other, log_prob - 0.8 * (place + 1)) for place, other in enumerate(others)]
    return StepResult(step=step, token=WORDS.index(word), word=word, log_prob=log_prob, candidates=tuple(candidates),
                      values=values)


def trace(words: tuple[str, ...] = CAPTION, *, units: int = UNITS, grid: tuple[int, int] = GRID, seed: int = 0,
          input_bytes: bytes = b"") -> Trace:
    """A whole run of the script."""
    made = Trace(channels(units, grid), provenance=Provenance(model="scripted", input_name="drawn.png"),
                 input_bytes=input_bytes or picture().data, ended=True)
    for step, word in enumerate(words):
        made.append(step_result(step, word, units=units, grid=grid, seed=seed))
    return made


def picture(width: int = 320, height: int = 240) -> InputPicture:
    """A drawn picture: a meadow, a sky and something brown."""
    image = Image.new("RGB", (width, height), "#8fc1e8")
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, height * 0.6, width, height), fill="#5d9a4c")
    draw.ellipse((width * 0.3, height * 0.45, width * 0.6, height * 0.8), fill="#8a5a33")
    stream = io.BytesIO()
    image.save(stream, "PNG")
    return InputPicture("drawn.png", stream.getvalue(), np.asarray(image))
