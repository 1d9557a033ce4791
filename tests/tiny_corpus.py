"""A character model of eight units, texts for it, and a worker in this process."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path

import msgspec
import numpy as np
import torch

from unrolled.models.checkpoints.files import FORMAT_VERSION, Card, Header, save_checkpoint
from unrolled.models.corpus.worker import Done, Job, Worker, WorkerSettings
from unrolled.models.families.characters.network import CharacterConfig, CharacterModel
from unrolled.models.tokenizers.symbols import SPECIAL

SIGNS = "\n \"'#()=_abcdefghijklmnopqrstuvwxyz"
LENGTHS = (900, 40, 700, 640, 400, 1, 300, 200)


class Died(Exception):
    """A worker that is no more."""


def write_model(path: Path, cell: str = "lstm", hidden: int = 8) -> Path:
    """A checkpoint of an untrained model."""
    words = (*SPECIAL, *SIGNS)
    config = CharacterConfig(cell=cell, vocabulary=len(words), embedding=5, hidden=hidden)
    torch.manual_seed(3)
    header = Header(version=FORMAT_VERSION, model=f"chars-{cell}", config=msgspec.structs.asdict(config), words=words,
                    card=Card(title="Tiny", task="characters"))
    save_checkpoint(path, header, CharacterModel(config).state_dict())
    return path


def write_texts(folder: Path, lengths: tuple[int, ...] = LENGTHS, seed: int = 0) -> Path:
    """Texts of such lengths, with a string in some of their lines."""
    chosen = np.random.default_rng(seed)
    folder.mkdir()
    for number, length in enumerate(lengths):
        text = "".join(chosen.choice(list(SIGNS[9:] + "    =\n"), length))
        text = text.replace("q", '"a bc"')[:length] if length > 1 else "x"
        (folder / f"text{number}.txt").write_text(text + "x" * (length - len(text)))
    return folder


class Here:
    """A crew of one process, this one. Jobs can be made to fail before they are done.

    Parameters
    ----------
    fail : callable
        Told a job's part, and may raise.
    """

    died = (Died,)

    def __init__(self, settings: WorkerSettings, size: int = 1, fail: Callable[[int], None] = lambda part: None) -> None:
        self.size, self._worker, self._fail = size, Worker(settings), fail
        self.steps = 0
        self.ended = 0

    def hire(self) -> Here:
        return self

    def submit(self, job: Job) -> Future[Done]:
        future: Future[Done] = Future()
        try:
            self._fail(job.part)
            future.set_result(self._worker.work(job))
        except Died as error:
            future.set_exception(error)
        return future

    def end(self) -> None:
        self.ended += 1

    kill = end
