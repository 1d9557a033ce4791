"""Train a captioner from photographs with captions to a checkpoint: both phases, taken up again where they were left.

Beside the checkpoint lies ``NAME.resume`` while training is under way; the same call goes on from it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import torch

from unrolled.models.checkpoints.files import FORMAT_VERSION, Card, Header, save_checkpoint
from unrolled.models.data.flickr8k import CaptionedPhotographs, read_split
from unrolled.models.families.captioning.cross_entropy import CrossEntropyPhase
from unrolled.models.families.captioning.encoder import Encoder
from unrolled.models.families.captioning.features import FeatureCache
from unrolled.models.families.captioning.network import Captioner, CaptionerConfig
from unrolled.models.families.captioning.options import TrainingOptions
from unrolled.models.families.captioning.person_masks import PERSON_WORDS, read_masks
from unrolled.models.families.captioning.pointing import PersonMasks, Pointing
from unrolled.models.families.captioning.rewards import CaptionRewards
from unrolled.models.families.captioning.self_critical import SelfCriticalPhase
from unrolled.models.families.captioning.word_detector import DetectorTraining
from unrolled.models.tokenizers.word_tokenizer import Vocabulary
from unrolled.models.training.optimising import Report
from unrolled.models.training.resuming import ResumeFile

UPDATES_BETWEEN_SAVES = 100

DATA = "Flickr8k (Hodosh, Young and Hockenmaier 2013)"
TERMS = ("The photographs are research data, freely available upon request; neither they nor their captions are "
         "contained. The encoder's weights are EfficientNet-Lite's, Apache-2.0. These weights: MIT, like the program.")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class CaptionerTraining:
    """One training, as it was asked for.

    Attributes
    ----------
    model : str
        The name that the checkpoint will bear.
    data : Path
        A folder that `unrolled.models.data.flickr8k` reads.
    output : Path
        The checkpoint to write.
    cache : Path
        Where encoded photographs are kept.
    device : str
    options : TrainingOptions
    """

    model: str = "caption-attend-lstm"
    data: Path
    output: Path
    cache: Path
    device: str = "cpu"
    options: TrainingOptions = dataclasses.field(default_factory=TrainingOptions)

    def run(self) -> Iterator[Report]:
        """Train to the end and write the checkpoint; a report after each update.

        Raises
        ------
        DataError, EncoderError, CheckpointError, OSError
            Each with a sentence for people.
        """
        options = self.options
        if options.threads:
            torch.set_num_threads(options.threads)
        split = read_split(self.data, "train")
        vocabulary = Vocabulary.of((words for own in split.captions for words in own), at_least=options.words_at_least)
        captions = _even([[vocabulary.encode(words) for words in own] for own in split.captions])
        encoder = Encoder(options.encoder, download=True)
        cache = FeatureCache(self.cache, encoder, split.photographs, flips=options.flips)
        for done, total in cache.fill(device=self.device):
            yield Report(done, total, {}, "encoding")

        def grid_of(pictures: Any, flipped: Any) -> torch.Tensor:
            return cache(pictures, flipped).to(self.device)

        torch.manual_seed(options.seed)
        config = CaptionerConfig(vocabulary=len(vocabulary), cell=options.cell, encoder_features=encoder.kind.features,
                                 features=options.features, embedding=options.embedding, hidden=options.hidden,
                                 attention=options.attention,
                                 query_word=options.query_word and options.attention > 0, begin=options.begin,
                                 dropout=options.dropout)
        network = Captioner(config).to(self.device)
        # A photograph's features are the same on every machine, so that the data may lie in another folder.
        resume = ResumeFile.beside(self.output, f"{self.model} {msgspec.json.encode(options).decode()}")
        saved = resume.read(self.device)
        pointing = None
        if options.attention and options.detector_epochs:
            detectors = DetectorTraining(captions, grid_of, vocabulary=len(vocabulary), features=encoder.kind.features,
                                         cells=encoder.kind.side**2, epochs=options.detector_epochs, device=self.device,
                                         seed=options.seed)
            if "detector" in saved:
                detectors.detector.load_state_dict(saved["detector"])
            else:
                yield from detectors.run()
            pointing = Pointing(detectors.detector, self._masks(split, vocabulary, side=encoder.kind.side))
        known = {"detector": pointing.detector.state_dict()} if pointing is not None else {}
        first = CrossEntropyPhase(network, captions, grid_of, options, start=vocabulary.start, pointing=pointing)
        if "first" in saved:
            first.restore(saved["first"])
        while not first.finished:
            yield from first.run_epoch()
            resume.write(known | {"first": first.state()})
        network.load_state_dict(first.average.network.state_dict())
        average = first.average
        if options.reward_epochs > 0:
            rewards = CaptionRewards(captions, end=vocabulary.end, bleu=options.reward_bleu)
            second = SelfCriticalPhase(network, captions, grid_of, rewards, options, start=vocabulary.start,
                                       end=vocabulary.end, forbidden=(vocabulary.start, vocabulary.unknown), pointing=pointing)
            if "second" in saved:
                second.restore(saved["second"])
            while not second.finished:
                yield from second.run(UPDATES_BETWEEN_SAVES)
                resume.write(known | {"first": first.state(), "second": second.state()})
            average = second.average
        header = Header(version=FORMAT_VERSION, model=self.model, config=msgspec.structs.asdict(config),
                        words=vocabulary.words, encoder=encoder.name, encoder_hash=encoder.weights_hash,
                        card=self._card(split))
        save_checkpoint(self.output, header, average.network.state_dict())
        resume.remove()

    def _masks(self, split: CaptionedPhotographs, vocabulary: Vocabulary, *, side: int) -> PersonMasks | None:
        masks = read_masks(self.data, "train")
        words = {token for token, word in enumerate(vocabulary.words) if word in PERSON_WORDS}
        return PersonMasks.of([photograph.name for photograph in split.photographs], masks, side=side, words=words,
                              vocabulary=len(vocabulary)) if masks else None

    def _card(self, split: CaptionedPhotographs) -> Card:
        options = self.options
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
