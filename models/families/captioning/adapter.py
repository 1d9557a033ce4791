"""A captioner from its checkpoint."""

from __future__ import annotations

from pathlib import Path

from unrolled.models.checkpoints.files import CheckpointError, Header, config_of, hash_of, network_of, quality_in_words
from unrolled.models.families.captioning.encoder import Encoder, EncoderError
from unrolled.models.families.captioning.network import Captioner, CaptionerConfig
from unrolled.models.families.captioning.stepper import CaptionerStepper
from unrolled.models.stepping.stepper import AnyStepper
from unrolled.models.tokenizers.word_tokenizer import Vocabulary


def open_captioner(path: Path, header: Header, device: str, before: AnyStepper | None = None) -> CaptionerStepper:
    """The captioner with its encoder, ready to be stepped. Raises `CheckpointError`."""
    network, vocabulary = read_captioner(path, header)
    encoder = before.encoder if isinstance(before, CaptionerStepper) else None
    if encoder is None or encoder.name != header.encoder:
        try:
            encoder = Encoder(header.encoder)
        except EncoderError as error:
            raise CheckpointError(str(error)) from error
    if encoder.weights_hash != header.encoder_hash:
        raise CheckpointError(f"“{path.name}” was trained with other weights of {header.encoder} than are installed.")
    return CaptionerStepper(network, encoder, vocabulary, device=device, name=path.stem, title=header.card.title,
                            summary=quality_in_words(header.card, "bleu_4", "cider"), weights_hash=hash_of(path))


def read_captioner(path: Path, header: Header) -> tuple[Captioner, Vocabulary]:
    """The captioner of a checkpoint without its encoder. Raises `CheckpointError`."""
    config = config_of(path, header, CaptionerConfig)
    try:
        vocabulary = Vocabulary(header.words)
    except ValueError as error:
        raise CheckpointError(f"The header of “{path.name}” is damaged: {error}.") from error
    if config.vocabulary != len(vocabulary):
        raise CheckpointError(f"“{path.name}” has {len(vocabulary)} words for a network of {config.vocabulary}.")
    network = network_of(path, lambda: Captioner(config))
    return network, vocabulary
