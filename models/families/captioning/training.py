"""Train a captioner from photographs with captions to a checkpoint: both phases, taken up again where they were left.

Beside the checkpoint lies a file for each phase while training is under way; the same call goes on from them.
"""

from collections.abc import Iterator
from typing import Any

import torch

from unrolled.models.checkpoints.files import Card
from unrolled.models.data.flickr8k import CaptionedPhotographs, read_split
from unrolled.models.families.captioning.cross_entropy import CrossEntropyTask
from unrolled.models.families.captioning.encoder import Encoder
from unrolled.models.families.captioning.features import FeatureCache
from unrolled.models.families.captioning.network import Captioner, CaptionerConfig
from unrolled.models.families.captioning.options import TrainingOptions
from unrolled.models.families.captioning.rewards import CaptionRewards
from unrolled.models.families.captioning.self_critical import SelfCriticalTask
from unrolled.models.tokenizers.symbols import WordTokenizer
from unrolled.models.training.recipe import TrainingReport, TrainingRequest, config_of
from unrolled.models.training.updates import Updates

DATA = "Flickr8k (Hodosh, Young and Hockenmaier 2013)"
TERMS = ("The photographs are research data, freely available upon request; neither they nor their captions are "
         "contained. The encoder's weights are EfficientNet-Lite's, Apache-2.0. These weights: MIT, like the program.")


def train_captioner(request: TrainingRequest, options: TrainingOptions) -> Iterator[TrainingReport]:
    """Train to the end and write the checkpoint; a report after each update. Raises `DataError`, `EncoderError`,
    `CheckpointError` or `OSError`, each with a sentence for people.
    """
    split = read_split(request.needed_data, "train")
    vocabulary = WordTokenizer.of((words for own in split.captions for words in own), at_least=options.words_at_least)
    captions = _even([[vocabulary.encode(words) for words in own] for own in split.captions])
    encoder = Encoder(options.encoder, download=True)
    cache = FeatureCache(request.cache, encoder, split.photographs, flips=options.flips)
    for done, total in cache.fill(device=request.device):
        yield TrainingReport(done, total, {}, "encoding")

    def grid_of(pictures: Any, flipped: Any) -> torch.Tensor:
        return cache(pictures, flipped).to(request.device)

    torch.manual_seed(options.seed)
    config = config_of(CaptionerConfig, options, vocabulary=len(vocabulary), encoder_features=encoder.kind.features,
                       query_word=options.query_word and options.attention > 0)
    network = Captioner(config).to(request.device)
    task = CrossEntropyTask(network, captions, grid_of, options, start=vocabulary.start)
    phase = first = Updates(task, task.updates, request, about=options, phase="captions")
    yield from first.run()
    first.save()
    network.load_state_dict(first.average.module.state_dict())
    if options.reward_epochs > 0:
        rewards = CaptionRewards(captions, end=vocabulary.end, bleu=options.reward_bleu)
        second = SelfCriticalTask(network, captions, grid_of, rewards, options, start=vocabulary.start,
                                  end=vocabulary.end, forbidden=(vocabulary.start, vocabulary.unknown))
        phase = Updates(second, second.updates, request, about=options, phase="rewards", averaged=1000)
        yield from phase.run()
    phase.finish(config, vocabulary.words, _card(split, options), encoder=encoder.name,
                 encoder_hash=encoder.weights_hash)
    first.forget()


def _card(split: CaptionedPhotographs, options: TrainingOptions) -> Card:
    count = sum(len(own) for own in split.captions)
    seen = "Captioning with attention" if options.attention else "Captioning"
    return Card(title=f"{seen}, {options.cell.upper()}", task="captioning", data=DATA, terms=TERMS,
                training=f"{len(split.photographs)} photographs with {count} captions; {options.epochs} epochs of "
                         f"cross-entropy, {options.reward_epochs:g} of self-critical training; "
                         f"encoder {options.encoder}, frozen; seed {options.seed}.")


def _even(captions: list[list[list[int]]]) -> list[list[list[int]]]:
    """As many captions for every picture as the one with the most has, the first ones again where there are fewer."""
    most = max(map(len, captions))
    return [[own[k % len(own)] for k in range(most)] for own in captions]
