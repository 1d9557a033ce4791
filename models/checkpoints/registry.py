"""What can be opened: the shipped models by name, any checkpoint by its path."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec

from unrolled import assets
from unrolled.models.captioning.encoder import Encoder, EncoderError
from unrolled.models.captioning.network import Captioner, CaptionerConfig
from unrolled.models.captioning.stepper import CaptionerStepper
from unrolled.models.captioning.vocabulary import Vocabulary
from unrolled.models.checkpoints.files import CheckpointError, Header, hash_of, read_header, read_weights
from unrolled.models.trace import ModelListing

SUFFIX = ".safetensors"
DEFAULT_MODEL = "caption-attend-lstm"


def shipped() -> dict[str, Path]:
    """The shipped checkpoints by the model's name."""
    return {path.stem: path for path in sorted(assets.path("checkpoints").glob(f"*{SUFFIX}"))}


def listings() -> tuple[ModelListing, ...]:
    """Every shipped model, from its card."""
    return tuple(_listing(path, read_header(path)) for path in shipped().values())


def _listing(path: Path, header: Header) -> ModelListing:
    card = header.card
    return ModelListing(name=path.stem, title=card.title, task=card.task, size_bytes=path.stat().st_size,
                        path=str(path), quality=card.quality, source=card.data)


def find(model: str) -> Path:
    """The checkpoint of a name or a path.

    Raises
    ------
    CheckpointError
        When there is none.
    """
    known = shipped()
    if model in known:
        return known[model]
    path = Path(model).expanduser()
    if path.exists() or path.suffix or len(path.parts) > 1:
        if path.is_dir():
            raise CheckpointError(f"“{model}” is a folder; name a checkpoint in it.")
        return path
    raise CheckpointError(f"There is no model “{model}”; there are {', '.join(known) or 'none'}, "
                          f"and any checkpoint can be named by its path.")


def load(model: str, *, device: str = "cpu", encoder: Encoder | None = None) -> CaptionerStepper:
    """A model that is ready to be stepped.

    Parameters
    ----------
    model : str
        A shipped model's name, or a checkpoint's path.
    device : str
        Where it is to run.
    encoder : Encoder, optional
        One that is loaded already, used where it is the right one.

    Raises
    ------
    CheckpointError
        When it cannot be.
    """
    path = find(model)
    header = read_header(path)
    build = BUILDERS.get(header.model)
    if build is None:
        raise CheckpointError(f"“{path.name}” is for the model “{header.model}”, which this Unrolled does not know.")
    return build(path, header, device, encoder)


def _attend_lstm(path: Path, header: Header, device: str, encoder: Encoder | None) -> CaptionerStepper:
    network, vocabulary = read_network(path, header)
    if encoder is None or encoder.name != header.encoder:
        try:
            encoder = Encoder(header.encoder)
        except EncoderError as error:
            raise CheckpointError(str(error)) from error
    if encoder.weights_hash != header.encoder_hash:
        raise CheckpointError(f"“{path.name}” was trained with other weights of {header.encoder} than are installed.")
    quality = ", ".join(f"{name.replace('_', '-').upper()} {value:g}" for name, value in header.card.quality.items()
                        if name in ("bleu_4", "cider"))
    return CaptionerStepper(network, encoder, vocabulary, device=device, name=path.stem, title=header.card.title,
                             summary=f"{quality} ({header.card.measured_on})" if quality else "",
                             weights_hash=hash_of(path))


def read_network(path: Path, header: Header) -> tuple[Captioner, Vocabulary]:
    """The captioner of a checkpoint without its encoder. Raises `CheckpointError`."""
    try:
        config = msgspec.convert(header.config, CaptionerConfig)
        vocabulary = Vocabulary(header.words)
    except (msgspec.ValidationError, ValueError) as error:
        raise CheckpointError(f"The header of “{path.name}” is damaged: {error}.") from error
    if config.vocabulary != len(vocabulary):
        raise CheckpointError(f"“{path.name}” has {len(vocabulary)} words for a network of {config.vocabulary}.")
    network = Captioner(config)
    network.load_state_dict(read_weights(path, shapes={n: v.shape for n, v in network.state_dict().items()}))
    return network, vocabulary


Builder = Callable[[Path, Header, str, "Encoder | None"], CaptionerStepper]
BUILDERS: dict[str, Builder] = {DEFAULT_MODEL: _attend_lstm}
