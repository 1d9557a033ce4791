"""Captioners: opened, trained, and judged as the captioning field does: BLEU, ROUGE-L, CIDEr by pycocoevalcap."""

import contextlib
import io
from collections.abc import Sequence

import msgspec
import torch

from unrolled.models.adapters.adapter import CheckpointAdapter
from unrolled.models.checkpoints.checkpoint import Checkpoint
from unrolled.models.checkpoints.files import CheckpointError
from unrolled.models.data.flickr8k import read_split
from unrolled.models.evaluation.decoder_figures import BeamSearch, DecoderFigures
from unrolled.models.evaluation.request import Evaluation, EvaluationRequest
from unrolled.models.families.captioning.encoder import Encoder, EncoderError
from unrolled.models.families.captioning.features import encode_photographs
from unrolled.models.families.captioning.grounding import Grounding, read_masks
from unrolled.models.families.captioning.network import Captioner, CaptionerConfig, CaptionerStepper
from unrolled.models.families.captioning.options import TrainingOptions
from unrolled.models.families.captioning.training import train_captioner
from unrolled.models.stepping.stepper import AnyStepper
from unrolled.models.tokenizers.symbols import TOKENISER, WordTokenizer
from unrolled.models.training.recipe import Recipe

BATCH = 32
USUAL_BEAM = 3


def evaluate_captioner(stepper: CaptionerStepper, request: EvaluationRequest) -> Evaluation:
    """On a folder that `unrolled.models.data.flickr8k` reads."""
    data, beam = request.needed_data, request.beam or USUAL_BEAM
    photographs = read_split(data, request.split)
    count = request.count(len(photographs.photographs))
    network, vocabulary = stepper.network, stepper.vocabulary
    search = BeamSearch(start=vocabulary.start, end=vocabulary.end, forbidden=tuple(stepper.suppressed_tokens), width=beam,
                        maximum_steps=stepper.description.maximum_steps, length_penalty=request.length_penalty)
    figures, grounding = DecoderFigures(), Grounding(read_masks(data, request.split))
    written: list[list[str]] = []
    for first in range(0, count, BATCH):
        places = range(first, min(first + BATCH, count))
        chosen = photographs.photographs[places.start : places.stop]
        with torch.inference_mode():
            memory = network.memory(encode_photographs(stepper.encoder, chosen, device=str(stepper.device)))
        true = [[vocabulary.encode(words) for words in photographs.captions[place]] for place in places]
        best, maps = figures.add(network, memory, search, true)
        written += [vocabulary.decode(tokens) for tokens in best]
        side = stepper.encoder.kind.side
        for photograph, tokens, own in zip(chosen, best, maps, strict=False):  # without attention there are no maps
            grounding.add(photograph.name, [vocabulary.words[token] for token in tokens], own.view(-1, side, side).numpy())
        request.say(len(written), count)
    metrics = caption_scores(written, photographs.captions[:count]) | figures.figures() | grounding.figures()
    metrics["vocabulary_used"] = float(len({word for words in written for word in words}))
    return Evaluation(data=str(data), split=request.split, count=count, beam=beam, tokeniser=TOKENISER, metrics=metrics)


def caption_scores(candidates: Sequence[Sequence[str]], references: Sequence[Sequence[Sequence[str]]]) -> dict[str, float]:
    """Scores of captions, one for each picture, against the pictures' true captions.

    Parameters
    ----------
    candidates : sequence
        For each picture the words of its caption.
    references : sequence
        For each picture the words of its true captions.

    Returns
    -------
    dict
        ``bleu_1`` to ``bleu_4`` and ``rouge_l`` in percent; ``cider`` in its usual unit.
    """
    from pycocoevalcap.bleu.bleu import Bleu  # slow to import, and only needed here
    from pycocoevalcap.cider.cider import Cider
    from pycocoevalcap.rouge.rouge import Rouge

    written = {place: [" ".join(words)] for place, words in enumerate(candidates)}
    true = {place: [" ".join(words) for words in own] for place, own in enumerate(references)}
    with contextlib.redirect_stdout(io.StringIO()):  # the scorers print what they do
        bleu = Bleu(4).compute_score(true, written)[0]
        rouge = Rouge().compute_score(true, written)[0]
        cider = Cider().compute_score(true, written)[0]
    scores = {f"bleu_{order + 1}": 100.0 * float(value) for order, value in enumerate(bleu)}
    return scores | {"rouge_l": 100.0 * float(rouge), "cider": float(cider)}


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
