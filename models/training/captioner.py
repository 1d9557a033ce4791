"""Train a captioner from photographs with captions to a checkpoint: both phases, taken up again where they were left.

Beside the checkpoint lies ``NAME.resume`` while training is under way; the same call goes on from it.
"""

from __future__ import annotations

import dataclasses
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import torch

from unrolled.models.captioning.encoder import Encoder
from unrolled.models.captioning.network import Captioner, CaptionerConfig
from unrolled.models.captioning.vocabulary import Vocabulary
from unrolled.models.checkpoints.files import FORMAT_VERSION, Card, CheckpointError, Header, save_checkpoint
from unrolled.models.data.features import FeatureCache
from unrolled.models.data.flickr8k import CaptionedPhotographs, read_split
from unrolled.models.trace.atomic import atomic_write
from unrolled.models.training.cross_entropy import CrossEntropyPhase
from unrolled.models.training.optimising import Report
from unrolled.models.training.options import TrainingOptions
from unrolled.models.training.rewards import CaptionRewards
from unrolled.models.training.self_critical import SelfCriticalPhase

SayProgress = Callable[[str, int, int, dict[str, float]], None]
"""Called with the phase's name, what is done of it, of how much, and means to show."""

UPDATES_BETWEEN_SAVES = 100

DATA = "Flickr8k (Hodosh, Young and Hockenmaier 2013)"
TERMS = ("The photographs are research data, freely available upon request; neither they nor their captions are "
         "contained. The encoder's weights are EfficientNet-Lite's, Apache-2.0. These weights: MIT, like the program.")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class CaptionerTraining:
    """One training, as it was asked for.

    Attributes
    ----------
    data : Path
        A folder that `unrolled.models.data.flickr8k` reads.
    output : Path
        The checkpoint to write.
    cache : Path
        Where encoded photographs are kept.
    device : str
    options : TrainingOptions
    say : SayProgress
    """

    data: Path
    output: Path
    cache: Path
    device: str = "cpu"
    options: TrainingOptions = dataclasses.field(default_factory=TrainingOptions)
    say: SayProgress = lambda phase, done, total, means: None

    def run(self) -> Path:
        """Train to the end, and give the checkpoint's path.

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
        encoder = Encoder(options.encoder)
        cache = FeatureCache(self.cache, encoder, split.photographs, flips=options.flips)
        cache.fill(device=self.device, say=lambda done, total: self.say("encoding", done, total, {}))

        def grid_of(pictures: Any, flipped: Any) -> torch.Tensor:
            return cache(pictures, flipped).to(self.device)

        torch.manual_seed(options.seed)
        config = CaptionerConfig(vocabulary=len(vocabulary), encoder_features=encoder.kind.features,
                                  features=options.features, embedding=options.embedding, hidden=options.hidden,
                                  attention=options.attention, dropout=options.dropout)
        network = Captioner(config).to(self.device)
        saved = self._read_resume()
        first = CrossEntropyPhase(network, captions, grid_of, options, start=vocabulary.start)
        if "first" in saved:
            first.restore(saved["first"])
        while not first.finished:
            self._follow("captions", first.run_epoch())
            self._write_resume({"first": first.state()})
        network.load_state_dict(first.average.network.state_dict())
        average = first.average
        if options.reward_epochs > 0:
            rewards = CaptionRewards(captions, end=vocabulary.end, bleu=options.reward_bleu)
            second = SelfCriticalPhase(network, len(captions), grid_of, rewards, options, start=vocabulary.start,
                                       end=vocabulary.end, forbidden=(vocabulary.start, vocabulary.unknown))
            if "second" in saved:
                second.restore(saved["second"])
            while not second.finished:
                self._follow("rewards", second.run(UPDATES_BETWEEN_SAVES))
                self._write_resume({"first": first.state(), "second": second.state()})
            average = second.average
            config = msgspec.structs.replace(config, temperature=options.reward_temperature)
        header = Header(version=FORMAT_VERSION, model="caption-attend-lstm", config=msgspec.structs.asdict(config),
                        words=vocabulary.words, encoder=encoder.name, encoder_hash=encoder.weights_hash,
                        card=self._card(split))
        save_checkpoint(self.output, header, average.network.state_dict())
        self._resume_path.unlink(missing_ok=True)
        return self.output

    def _card(self, split: CaptionedPhotographs) -> Card:
        options = self.options
        count = sum(len(own) for own in split.captions)
        return Card(title="Captioning with attention, LSTM", task="captioning", data=DATA, terms=TERMS,
                    training=f"{len(split.photographs)} photographs with {count} captions; {options.epochs} epochs of "
                             f"cross-entropy, {options.reward_epochs:g} of self-critical training; "
                             f"encoder {options.encoder}, frozen; seed {options.seed}.")

    def _follow(self, phase: str, reports: Any) -> None:
        report: Report
        for report in reports:
            self.say(phase, report.update, report.updates, report.means)

    @property
    def _resume_path(self) -> Path:
        return self.output.with_name(self.output.name + ".resume")

    def _write_resume(self, state: dict[str, Any]) -> None:
        options = msgspec.json.encode(self.options).decode()
        with atomic_write(self._resume_path) as file:
            torch.save({"options": options, **state}, file)

    def _read_resume(self) -> dict[str, Any]:
        """What an interrupted training left, if it was asked for in the same words."""
        if not self._resume_path.is_file():
            return {}
        try:
            saved: dict[str, Any] = torch.load(self._resume_path, map_location=self.device, weights_only=True)
        except (RuntimeError, OSError, pickle.UnpicklingError, EOFError) as error:
            raise CheckpointError(f"“{self._resume_path}” is damaged; delete it to start again.") from error
        if saved.get("options") != msgspec.json.encode(self.options).decode():
            raise CheckpointError(f"“{self._resume_path}” is of a training with other options; give the same ones "
                                  "to go on with it, or delete it to start again.")
        return saved


def _even(captions: list[list[list[int]]]) -> list[list[list[int]]]:
    """As many captions for every picture as the one with the most has, the first ones again where there are fewer."""
    most = max(map(len, captions))
    return [[own[k % len(own)] for k in range(most)] for own in captions]
