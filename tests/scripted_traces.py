"""Whole runs that read no picture, made from a seed: a translation and a clip."""

from __future__ import annotations

import io

import numpy as np

from unrolled.models.trace import Candidate, Channel, Provenance, StepResult, Trace

SOURCE = ("▁a", "▁brown", "▁dog", "▁is", "▁run", "ning", "▁through", "▁the", "▁grass", ".", "<end>")
WRITTEN = ("▁un", "▁chien", "▁mar", "ron", "▁court", "▁dans", "▁l", "'", "herbe", ".", "<end>")
LOOKS_AT = (0, 2, 1, 1, 4, 6, 7, 7, 8, 9, 10)  # the source piece that each written one looks at most
LABELS = ("moves left", "moves right", "turns", "grows", "shrinks", "bounces", "waits", "fades", "swings", "stops")


def translation_trace(source: tuple[str, ...] = SOURCE, written: tuple[str, ...] = WRITTEN, *,
                      looks_at: tuple[int, ...] | None = None, units: int = 32, seed: int = 0) -> Trace:
    """A sentence written word by word, with attention over the source."""
    random = np.random.default_rng(seed)
    length = len(source)
    channels = (
        Channel(name="hidden", role="hidden", symbol="h", axes=("unit",), shape=(units,), low=-1, high=1),
        Channel(name="attention", role="attention", symbol="α", axes=("source",), shape=(length,), low=0, high=1),
        Channel(name="attention_entropy", role="attention_entropy", symbol="H", axes=(), shape=(), low=0, high=1,
                unit="of uniform"),
    )
    made = Trace(channels, provenance=Provenance(model="scripted", input_name="typed text", input_kind="sentence",
                                                 detokenization="pieces", source=source),
                 input_bytes=b"a brown dog is running through the grass.", ended=True)
    places = looks_at or (LOOKS_AT if (source, written) == (SOURCE, WRITTEN)
                          else tuple(step * length // len(written) for step in range(len(written))))
    for step, word in enumerate(written):
        weights = np.exp(-np.abs(np.arange(length) - places[step]) * 2.2) + 0.02 * random.random(length)
        weights = (weights / weights.sum()).astype(np.float32)
        entropy = float(-(weights * np.log(weights)).sum() / max(np.log(length), 1e-9))
        log_prob = float(np.log(0.25 + 0.7 * random.random()))
        made.append(StepResult(
            step=step, token=step + 3, word=word, log_prob=log_prob,
            candidates=(Candidate(step + 3, word, log_prob), Candidate(1, "<end>", log_prob - 1.0)),
            values={"hidden": random.uniform(-1, 1, units).astype(np.float32), "attention": weights,
                    "attention_entropy": np.asarray(entropy, np.float32)}))
    return made


def clip_frames(count: int = 16, size: int = 48) -> np.ndarray:
    """A square that moves, uint8, (count, size, size, 3)."""
    frames = np.full((count, size, size, 3), 40, np.uint8)
    for number in range(count):
        left = 2 + number * (size - 14) // max(count - 1, 1)
        frames[number, size // 2 - 5 : size // 2 + 5, left : left + 10] = (230, 120, 40)
    return frames


def clip_trace(labels: tuple[str, ...] = LABELS, count: int = 16, *, units: int = 32, seed: int = 0) -> Trace:
    """A clip read frame by frame, with the probability of every label; the input is the frames themselves."""
    random = np.random.default_rng(seed)
    channels = (
        Channel(name="hidden", role="hidden", symbol="h", axes=("unit",), shape=(units,), low=-1, high=1),
        Channel(name="label_probability", role="label_probability", symbol="p", axes=("label",), shape=(len(labels),),
                low=0, high=1, labels=labels),
    )
    stream = io.BytesIO()
    np.save(stream, clip_frames(count), allow_pickle=False)
    made = Trace(channels, provenance=Provenance(model="scripted", input_name="clip.npy", input_kind="clip",
                                                 detokenization="labels"), input_bytes=stream.getvalue(), ended=True)
    scores = random.normal(0, 0.4, len(labels))
    for step in range(count):
        scores = scores + random.normal(0, 0.35, len(labels)) + 0.25 * (np.arange(len(labels)) == 1)
        chances = np.exp(scores - scores.max())
        chances = (chances / chances.sum()).astype(np.float32)
        best = int(chances.argmax())
        made.append(StepResult(
            step=step, token=best, word=labels[best], log_prob=float(np.log(chances[best])),
            candidates=tuple(Candidate(int(k), labels[int(k)], float(np.log(chances[k]))) for k in np.argsort(-chances)[:5]),
            values={"hidden": random.uniform(-1, 1, units).astype(np.float32), "label_probability": chances}))
    return made


def layered_trace(words: tuple[str, ...] = WRITTEN, *, layers: int = 3, heads: int = 2, longest: int = 16, units: int = 8,
                  places: tuple[int, ...] = (2, 3), seed: int = 0) -> Trace:
    """A transformer's run over a picture of (rows, columns), over a source of (words,), or over what it writes alone."""
    random = np.random.default_rng(seed)
    axes = {0: (), 1: ("source",), 2: ("row", "column")}[len(places)]
    channels = [Channel(name="residual_stream", role="residual_stream", symbol="x", axes=("layer", "unit"), shape=(layers, units),
                        low=-3, high=3, label="residual", editable=True)]
    if places:
        channels.append(Channel(name="cross_attention", role="cross_attention", symbol="α", axes=("layer", "head", *axes),
                                shape=(layers, heads, *places), low=0, high=1))
    channels.append(Channel(name="self_attention", role="self_attention", symbol="a", axes=("layer", "head", "key"),
                            shape=(layers, heads, longest), low=0, high=1))
    source = () if len(places) == 2 else tuple(f"▁source{number}" for number in range(places[0])) if places else ("▁first",)
    kind = {0: "text", 1: "sentence", 2: "picture"}[len(places)]
    made = Trace(channels, ended=True, input_bytes=b"a dog", provenance=Provenance(
        model="scripted", input_name="typed text", input_kind=kind, detokenization="pieces", source=source))
    for step, word in enumerate(words):
        values = {"residual_stream": random.normal(0, 1, (layers, units)).astype(np.float32),
                  "self_attention": np.zeros((layers, heads, longest), np.float32)}
        values["self_attention"][..., : step + 1] = random.dirichlet(np.ones(step + 1), (layers, heads))
        if places:
            values["cross_attention"] = random.dirichlet(np.ones(int(np.prod(places))), (layers, heads)).astype(
                np.float32).reshape(layers, heads, *places)
        made.append(StepResult(step=step, token=step + 3, word=word, log_prob=-0.5,
                               candidates=(Candidate(step + 3, word, -0.5),), values=values))
    return made
