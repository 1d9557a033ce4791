"""A trained model in a file: safetensors in half precision, with a header that says all that is needed to run it.

Nothing in a file is executed; what is cut off, of another shape, or not finite is refused in one sentence.
"""

import hashlib
import os
from pathlib import Path
from typing import Any

import msgspec
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file
from safetensors.torch import save as to_bytes
from torch import Tensor

from unrolled.models.checkpoints.recurrent_parts import recurrent_parts, told
from unrolled.models.trace.atomic import atomic_write
from unrolled.models.trace.names import text_name

HEADER_KEY = "unrolled"
FORMAT_VERSION = 1
LARGEST_FILE = 8 * 2**30
COPIES = 3  # of its numbers that are in memory at a time: as they stand in the file, as tensors, in the network


class CheckpointError(RuntimeError):
    """A checkpoint that cannot be used: one sentence for people, whatever is called in it."""

    def __init__(self, sentence: str) -> None:
        super().__init__(text_name(sentence))


def misfit(path: Path, why: str) -> CheckpointError:
    """The error of a checkpoint whose tensors are not those of its model."""
    return CheckpointError(f"“{path.name}” does not fit its model: {why}.")


class Card(msgspec.Struct, frozen=True, kw_only=True):
    """What a person should know of a trained model."""

    title: str
    task: str
    # data, terms, training: what it was trained on, under which terms the data and the weights stand, and how; a few
    # sentences each
    data: str = ""
    terms: str = ""
    training: str = ""
    quality: dict[str, float] = {}  # what was measured, by the names of `unrolled evaluate`
    measured_on: str = ""           # on which data, and how


class Header(msgspec.Struct, frozen=True, kw_only=True):
    version: int            # of this format
    model: str              # which network it is for: ``"caption-attend-lstm"``
    config: dict[str, Any]  # the network's lengths
    words: tuple[str, ...]  # its vocabulary
    # encoder, encoder_hash: what it read the pictures with, and the SHA-256 of that one's weights; empty where it reads none
    encoder: str = ""
    encoder_hash: str = ""
    card: Card


def save_checkpoint(path: Path, header: Header, weights: dict[str, Tensor]) -> None:
    """Write a checkpoint, weights in half precision; the file is there whole or not at all."""
    halves = {name: value.detach().to("cpu", torch.float16).contiguous() for name, value in weights.items()}
    data = to_bytes(halves, metadata={HEADER_KEY: msgspec.json.encode(header).decode()})
    with atomic_write(path) as file:
        file.write(data)


def check_size(path: Path) -> int:
    """How many bytes a file has. Raises `CheckpointError` where they are more than can be read here, `OSError` without a file."""
    size, most = path.stat().st_size, min(LARGEST_FILE, computer_memory() // COPIES)
    if size > most:
        raise CheckpointError(f"“{path.name}” is {size / 2**30:.1f} GiB; {most / 2**30:.1f} GiB are the most that can be read on "
                              "this computer.")
    return size


def computer_memory() -> int:
    """This computer's, in bytes; where it is not told, enough."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return COPIES * LARGEST_FILE


def read_header(path: Path) -> Header:
    """The header alone, without the weights. Raises `CheckpointError` when the file is missing, cut off, or not a checkpoint
    of this program.
    """
    if not path.is_file():
        raise CheckpointError(f"There is no checkpoint “{path}”.")
    check_size(path)
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            shapes = {} if HEADER_KEY in metadata else {name: file.get_slice(name).get_shape() for name in list(file.keys())}
    except (SafetensorError, OSError, ValueError) as error:
        raise CheckpointError(f"“{path.name}” is cut off or not a safetensors file.") from error
    if HEADER_KEY not in metadata:
        recurrent = told(recurrent_parts({name: torch.empty(shape, device="meta") for name, shape in shapes.items()}))
        wrong = f"“{path.name}” was not written by Unrolled: it does not say which model it is for. {recurrent}"
        raise CheckpointError(wrong.rstrip())
    try:
        header = msgspec.json.decode(metadata[HEADER_KEY], type=Header)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise CheckpointError(f"The header of “{path.name}” is damaged.") from error
    if header.version != FORMAT_VERSION:
        raise CheckpointError(f"“{path.name}” is of format {header.version}; this Unrolled reads format {FORMAT_VERSION}.")
    return header


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


def hash_of(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
