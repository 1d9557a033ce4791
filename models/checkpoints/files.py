"""A trained model in a file: safetensors in half precision, with a header that says all that is needed to run it.

Nothing in a file is executed; what is cut off, of another shape, or not finite is refused in one sentence.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file
from safetensors.torch import save as to_bytes
from torch import Tensor

from unrolled.models.trace.atomic import atomic_write

HEADER_KEY = "unrolled"
FORMAT_VERSION = 1
LARGEST_LENGTH = 262_144     # of anything that a header names
LARGEST_SIDE = 1024          # of a picture that is read
MAY_BE_ZERO = ("attention", "begin", "start")  # where zero says that there is none, or is a number of a word

METRIC_TITLES = {"bleu_4": "BLEU-4", "cider": "CIDEr", "bits_per_character": "bits per character", "sacrebleu": "sacreBLEU",
                 "exact": "exactly right", "attention_inside": "attention inside", "accuracy": "accuracy"}


class CheckpointError(RuntimeError):
    """A checkpoint that cannot be used: one sentence for people."""


def misfit(path: Path, why: str) -> CheckpointError:
    """The error of a checkpoint whose tensors are not those of its model."""
    return CheckpointError(f"“{path.name}” does not fit its model: {why}.")


class Card(msgspec.Struct, frozen=True, kw_only=True):
    """What a person should know of a trained model.

    Attributes
    ----------
    data, terms, training : str
        What it was trained on, under which terms the data and the weights stand, and how; a few sentences each.
    quality : dict of str to float
        What was measured, by the names of `unrolled evaluate`.
    measured_on : str
        On which data, and how.
    """

    title: str
    task: str
    data: str = ""
    terms: str = ""
    training: str = ""
    quality: dict[str, float] = {}
    measured_on: str = ""


class Header(msgspec.Struct, frozen=True, kw_only=True):
    """What stands in front of the weights.

    Attributes
    ----------
    version : int
        Of this format.
    model : str
        Which network it is for: ``"caption-attend-lstm"``.
    config : dict
        The network's lengths.
    words : tuple of str
        Its vocabulary.
    encoder, encoder_hash : str
        What it read the pictures with, and the SHA-256 of that one's weights; empty where it reads none.
    """

    version: int
    model: str
    config: dict[str, Any]
    words: tuple[str, ...]
    encoder: str = ""
    encoder_hash: str = ""
    card: Card


def save_checkpoint(path: Path, header: Header, weights: dict[str, Tensor]) -> None:
    """Write a checkpoint, weights in half precision; the file is there whole or not at all."""
    halves = {name: value.detach().to("cpu", torch.float16).contiguous() for name, value in weights.items()}
    data = to_bytes(halves, metadata={HEADER_KEY: msgspec.json.encode(header).decode()})
    with atomic_write(path) as file:
        file.write(data)


def read_header(path: Path) -> Header:
    """The header alone, without the weights. Raises `CheckpointError` when the file is missing, cut off, or not a checkpoint
    of this program.
    """
    if not path.is_file():
        raise CheckpointError(f"There is no checkpoint “{path}”.")
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
    except (SafetensorError, OSError, ValueError) as error:
        raise CheckpointError(f"“{path.name}” is cut off or not a safetensors file.") from error
    if HEADER_KEY not in metadata:
        raise CheckpointError(f"“{path.name}” was not written by Unrolled: it does not say which model it is for.")
    try:
        header = msgspec.json.decode(metadata[HEADER_KEY], type=Header)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise CheckpointError(f"The header of “{path.name}” is damaged.") from error
    if header.version != FORMAT_VERSION:
        raise CheckpointError(f"“{path.name}” is of format {header.version}; this Unrolled reads format {FORMAT_VERSION}.")
    return header


def first_line(error: Exception) -> str:
    """What an error says, on one line."""
    return (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")


def stored_weights(path: Path) -> dict[str, Tensor]:
    """The weights as the file has them. Raises `CheckpointError` when it is cut off."""
    try:
        weights: dict[str, Tensor] = load_file(path)
    except (SafetensorError, OSError) as error:
        raise CheckpointError(f"“{path.name}” is cut off or damaged.") from error
    return weights


def check_same(path: Path, weights_hash: str) -> None:
    """Raise `CheckpointError` when the file is gone, or is not the same any more."""
    try:
        same = hash_of(path) == weights_hash
    except OSError as error:
        raise CheckpointError(f"“{path.name}” cannot be read any more.") from error
    if not same:
        raise CheckpointError(f"“{path.name}” has been changed since it was opened; open it again.")


def weights_again(path: Path, weights_hash: str) -> dict[str, Tensor]:
    """The weights as the file has them, read a second time. Raises the errors of `check_same`."""
    check_same(path, weights_hash)
    return stored_weights(path)


ConfigT = TypeVar("ConfigT")


def config_of(path: Path, header: Header, kind: type[ConfigT]) -> ConfigT:
    """The network's lengths from a header. Raises `CheckpointError` where they are not such."""
    try:
        config = msgspec.convert(header.config, kind)
    except msgspec.ValidationError as error:
        raise CheckpointError(f"The header of “{path.name}” is damaged: {error}.") from error
    for name, length in msgspec.to_builtins(config).items():
        for value in length if isinstance(length, list | tuple) else (length,):
            least, most = 0 if name in MAY_BE_ZERO else 1, LARGEST_SIDE if name == "size" else LARGEST_LENGTH
            if isinstance(value, int) and not isinstance(value, bool) and not least <= value <= most:
                raise CheckpointError(f"The header of “{path.name}” is damaged: {name} is {value}, which no network has.")
            if isinstance(value, float) and not abs(value) <= LARGEST_LENGTH:
                raise CheckpointError(f"The header of “{path.name}” is damaged: {name} is {value}.")
    return config


def quality_in_words(card: Card, *names: str) -> str:
    """One line of what was measured: ``"BLEU-4 24.3, CIDEr 0.56 (…)"``."""
    parts = [f"{METRIC_TITLES.get(name, name)} {card.quality[name]:.3g}" for name in names if name in card.quality]
    return f"{', '.join(parts)} ({card.measured_on})" if parts else ""


def hash_of(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
