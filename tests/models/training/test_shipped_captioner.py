"""The captioner that is shipped: opened by its name, on the sample photographs, offline."""

from __future__ import annotations

import pytest
import torch
from PIL import Image

from unrolled import assets
from unrolled.models.adapters.registry import DEFAULT_MODEL, listings, load
from unrolled.models.evaluation.decoder_figures import BeamSearch
from unrolled.models.families.captioning.network import CaptionerStepper


@pytest.fixture(scope="module")
def stepper() -> CaptionerStepper:
    return load(DEFAULT_MODEL)


def caption(stepper: CaptionerStepper, picture: Image.Image, width: int) -> list[str]:
    with torch.inference_mode():
        grid = stepper.encoder(stepper.encoder.pixels(picture).unsqueeze(0))
    vocabulary = stepper.vocabulary
    search = BeamSearch(start=vocabulary.start, end=vocabulary.end, width=width, length_penalty=0.7,
                        maximum_steps=stepper.description.maximum_steps, forbidden=(vocabulary.start, vocabulary.unknown))
    found = search(stepper.network, stepper.network.memory(grid))
    tokens = found[0][0].tokens
    assert tokens[-1] == vocabulary.end
    return vocabulary.decode(tokens)


@pytest.mark.parametrize(("name", "nouns"), [
    ("dog.jpg", {"shepherd", "grass"}), ("bird-on-rock.jpg", {"bird", "standing", "rock"}),
    ("football.jpg", {"soccer", "players", "ball"}), ("surfer.jpg", {"surfer", "riding", "wave"}),
    ("skier.jpg", {"skier", "skiing", "snowy", "hill"}),
    ("cyclist.jpg", {"man", "trick", "bike"}), ("motorcyclist.jpg", {"man", "motorcycle"}),
])
def test_it_names_what_is_on_the_samples(stepper: CaptionerStepper, name: str, nouns: set[str]) -> None:
    words = caption(stepper, Image.open(assets.path("samples", name)), 1)
    assert nouns <= set(words)
    assert 5 <= len(words) <= 15


def test_its_probabilities_are_no_certainties(stepper: CaptionerStepper) -> None:
    """No temperature makes every word look sure: few first candidates of the samples' captions have over 0.99."""
    assert stepper.network.config.temperature == 1.0
    sure = []
    for path in sorted(assets.path("samples").glob("*.jpg")):
        memory = stepper.read(Image.open(path)).memory
        state, token = stepper.start(memory), stepper.description.start_token
        for _ in range(stepper.description.maximum_steps):
            state, record = stepper.step(memory, state, [token])
            sure.append(float(record.log_probs[0].max().exp()) > 0.99)
            token = int(record.log_probs[0].argmax())
            if token == stepper.description.end_token:
                break
    assert sum(sure) / len(sure) <= 0.1


def test_stepping_writes_what_the_batched_search_writes(stepper: CaptionerStepper) -> None:
    picture = Image.open(assets.path("samples", "dog.jpg"))
    memory = stepper.read(picture).memory
    state, token, words, entropies = stepper.start(memory), stepper.description.start_token, [], []
    for _ in range(stepper.description.maximum_steps):
        state, record = stepper.step(memory, state, [token])
        token = int(record.log_probs[0].argmax())
        if token == stepper.description.end_token:
            break
        words.append(stepper.description.words[token])
        entropies.append(float(record.values[0, -1]))
    assert words == caption(stepper, picture, 1)
    assert sum(entropies) / len(entropies) <= 0.80  # maps that are worth looking at


def test_its_listing_says_what_it_is_worth(stepper: CaptionerStepper) -> None:
    listing = next(listing for listing in listings() if listing.name == DEFAULT_MODEL)
    assert listing.size_bytes <= 12_000_000
    assert listing.quality["bleu_4"] >= 23
    assert listing.quality["bleu_1"] >= 66
    assert listing.quality["cider"] >= 0.56
    assert listing.quality["perplexity"] <= 20
    assert listing.quality["calibration_error"] <= 0.08
    assert "BLEU-4" in stepper.description.summary


@pytest.mark.parametrize("name", ["caption-attend-rnn", "caption-lstm", "caption-rnn"])
def test_the_other_captioners_have_probabilities_that_mean_something(name: str) -> None:
    listing = next(listing for listing in listings() if listing.name == name)
    assert listing.quality["perplexity"] <= 22
    assert listing.quality["calibration_error"] <= 0.08
