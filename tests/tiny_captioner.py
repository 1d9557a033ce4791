"""A captioner small enough to train inside a test, and drawn photographs with captions for it."""

from __future__ import annotations

from pathlib import Path

import torch
from PIL import Image, ImageDraw
from torch import nn

from unrolled.models.families.captioning.encoder import ENCODERS, Encoder, EncoderKind
from unrolled.models.families.captioning.network import Captioner, CaptionerConfig, CaptionerStepper
from unrolled.models.tokenizers.symbols import SPECIAL, WordTokenizer

ENCODER = "tiny"
COLOURS = ("red", "green", "blue")
SHAPES = ("circle", "square")
WORDS = (*SPECIAL, "a", *COLOURS, *SHAPES, "here", "is")


def _build() -> tuple[nn.Module, str]:
    """Mean colours of 4 × 4 cells in each grid cell: enough to tell the drawings apart."""
    return nn.Sequential(nn.AvgPool2d(8), nn.PixelUnshuffle(4)), "0" * 64


KIND = EncoderKind(title="mean colours", size=96, stride=32, features=48, mean=(0.5, 0.5, 0.5),
                   deviation=(0.5, 0.5, 0.5), build=_build)


def add_encoder() -> None:
    """Make the tiny encoder one that can be chosen."""
    ENCODERS.setdefault(ENCODER, KIND)


def config() -> CaptionerConfig:
    """Lengths that are all different, so that none can stand for another."""
    return CaptionerConfig(vocabulary=len(WORDS), encoder_features=KIND.features, features=12, embedding=8,
                            hidden=16, attention=10, dropout=0.0)


def network(seed: int = 0) -> Captioner:
    """An untrained network."""
    torch.manual_seed(seed)
    return Captioner(config()).eval()


def stepper(seed: int = 0, device: str = "cpu") -> CaptionerStepper:
    """An untrained model that can be stepped."""
    add_encoder()
    return CaptionerStepper(network(seed), Encoder(ENCODER), WordTokenizer(WORDS), device=device,
                             maximum_steps=8)


def drawing(colour: str, shape: str, side: int = 96) -> Image.Image:
    """A coloured shape on white."""
    image = Image.new("RGB", (side, side), "white")
    draw = ImageDraw.Draw(image)
    box = (side // 4, side // 4, 3 * side // 4, 3 * side // 4)
    (draw.ellipse if shape == "circle" else draw.rectangle)(box, fill=colour)
    return image


def write_data(folder: Path, *, layout: str = "lists") -> list[str]:
    """Drawings with two captions each, laid out like Flickr8k; gives their names.

    `layout` is ``lists`` (Flickr8k.token.txt and split lists) or ``table`` (captions.txt).
    """
    images = folder / ("Flicker8k_Dataset" if layout == "lists" else "Images")
    images.mkdir(parents=True)
    captions: dict[str, list[str]] = {}
    for colour in COLOURS:
        for shape in SHAPES:
            name = f"{colour}_{shape}.jpg"
            drawing(colour, shape).save(images / name)
            captions[name] = [f"A {colour} {shape} .", f"Here is a {colour} {shape}"]
    names = list(captions)
    if layout == "lists":
        lines = [f"{name}#{k}\t{caption}" for name, own in captions.items() for k, caption in enumerate(own)]
        (folder / "Flickr8k.token.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
        (folder / "Flickr_8k.trainImages.txt").write_text("\n".join(names[:4]) + "\n", encoding="utf-8")
        (folder / "Flickr_8k.devImages.txt").write_text("\n".join(names[4:]) + "\n", encoding="utf-8")
    else:
        lines = ["image,caption", *(f"{name},{caption}" for name, own in captions.items() for caption in own)]
        (folder / "captions.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return names
