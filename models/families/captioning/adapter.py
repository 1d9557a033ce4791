"""Captioners: opened from their checkpoints, trained and judged on photographs with captions."""

from __future__ import annotations

import msgspec

from unrolled.models.adapters.adapter import CheckpointAdapter
from unrolled.models.checkpoints.checkpoint import Checkpoint
from unrolled.models.checkpoints.files import CheckpointError
from unrolled.models.families.captioning.encoder import Encoder, EncoderError
from unrolled.models.families.captioning.evaluation import evaluate_captioner
from unrolled.models.families.captioning.network import Captioner, CaptionerConfig, CaptionerStepper
from unrolled.models.families.captioning.options import TrainingOptions
from unrolled.models.families.captioning.training import train_captioner
from unrolled.models.stepping.stepper import AnyStepper
from unrolled.models.tokenizers.word_tokenizer import WordTokenizer
from unrolled.models.training.recipe import Recipe

PLAIN = TrainingOptions(attention=0, reward_epochs=1.0, half=True)


def open_captioner(checkpoint: Checkpoint, device: str, reuse: AnyStepper | None) -> CaptionerStepper:
    """The captioner with its encoder, which is large and is taken over. Raises `CheckpointError`."""
    header, config = checkpoint.header, checkpoint.config(CaptionerConfig)
    vocabulary = checkpoint.made(lambda: WordTokenizer(header.words))
    checkpoint.check_count(len(vocabulary), config.vocabulary, of="words")
    network = checkpoint.network(lambda: Captioner(config))
    encoder = reuse.encoder if isinstance(reuse, CaptionerStepper) else None
    if encoder is None or encoder.name != header.encoder:
        try:
            encoder = Encoder(header.encoder)
        except EncoderError as error:
            raise CheckpointError(str(error)) from error
    if encoder.weights_hash != header.encoder_hash:
        raise CheckpointError(f"“{checkpoint.path.name}” was trained with other weights of {header.encoder} than are installed.")
    return CaptionerStepper(network, encoder, vocabulary, device=device, identity=checkpoint.identity("bleu_4", "cider"))


ADAPTER = CheckpointAdapter(
    family="captioning", input_kind="picture", open=open_captioner, evaluate=evaluate_captioner,
    recipes={
        "caption-attend-lstm": Recipe(TrainingOptions(), train_captioner),
        "caption-attend-rnn": Recipe(TrainingOptions(cell="rnn", reward_epochs=1.0, half=True), train_captioner),
        "caption-lstm": Recipe(PLAIN, train_captioner),
        "caption-rnn": Recipe(msgspec.structs.replace(PLAIN, cell="rnn"), train_captioner),
    })
