"""What is measured of every decoder, whatever it reads: on the references, on what it writes, and of its attention."""

from collections.abc import Sequence
from statistics import fmean

import msgspec
import torch
from torch import Tensor

from unrolled.models.cells import CellState
from unrolled.models.cells.decoder import Memory, RecurrentDecoder
from unrolled.models.evaluation.attention_figures import AttentionFigures
from unrolled.models.evaluation.probabilities import ReferenceStatistics
from unrolled.models.stepping.choosing import Hypothesis, beam_search, select_rows
from unrolled.models.stepping.teacher_forcing import pad_references, teacher_forced


class BeamSearch(msgspec.Struct, frozen=True, kw_only=True):
    """How to search; see `beam_search`, which the window's search is too."""

    start: int
    end: int
    width: int
    length_penalty: float
    maximum_steps: int
    forbidden: tuple[int, ...] = ()

    @torch.inference_mode()
    def __call__(self, network: RecurrentDecoder, memory: Memory) -> list[list[Hypothesis]]:
        network.eval()
        device = memory.features.device

        def take_step(state: CellState, words: Tensor) -> tuple[CellState, Tensor]:
            state, step = network.step(memory, state, words.to(device))
            return state, torch.log_softmax(network.logits(step.output).float(), dim=-1)

        return beam_search(network.start(memory), take_step, select_rows, pictures=len(memory.features), start=self.start,
                           end=self.end, width=self.width, length_penalty=self.length_penalty,
                           maximum_steps=self.maximum_steps, forbidden=self.forbidden)


class DecoderFigures:
    def __init__(self) -> None:
        self._references, self._attention = ReferenceStatistics(), AttentionFigures()
        self._entropies: list[float] = []

    def add(self, network: RecurrentDecoder, memory: Memory, search: BeamSearch,
            references: Sequence[Sequence[Sequence[int]]]) -> tuple[list[tuple[int, ...]], list[Tensor]]:
        """Write, and judge.

        Parameters
        ----------
        memory : Memory
            Of P inputs.
        references : sequence
            For each of them its references as tokens, END last.

        Returns
        -------
        best : list of tuple of int
            What the search found for each input, END included.
        maps : list of Tensor
            Its attention, (T, L) for each; empty of a decoder without.
        """
        best = [hypotheses[0].tokens for hypotheses in search(network, memory)]
        self._references.add(*logits_before(network, memory, references, start=search.start))
        greedy = [[hypotheses[0].tokens] for hypotheses in msgspec.structs.replace(search, width=1)(network, memory)]
        log_probs = torch.log_softmax(logits_before(network, memory, greedy, start=search.start)[0], dim=-1)
        self._entropies += torch.special.entr(log_probs.exp()).sum(-1).tolist()
        attends = network.attend is not None
        return best, self._attention.add(network, memory, best, start=search.start) if attends else []

    def figures(self) -> dict[str, float]:
        """Perplexity and calibration of the references, entropy along greedy writing in nats, and the attention’s, if any."""
        attention = self._attention.figures() if self._attention.entropies else {}
        return self._references.figures() | {"entropy": fmean(self._entropies)} | attention


@torch.inference_mode()
def logits_before(network: RecurrentDecoder, memory: Memory, references: Sequence[Sequence[Sequence[int]]], *,
                  start: int) -> tuple[Tensor, Tensor]:
    """Read every input's references, END last, none of them cut: logits (N, V) before every token, and the tokens (N,)."""
    network.eval()
    most = max(map(len, references))
    # Inputs with fewer references than others have empty ones, which are not counted.
    even = [[list(one) for one in own] + [[]] * (most - len(own)) for own in references]
    batch = pad_references(even, start=start)
    device = memory.features.device
    targets = torch.from_numpy(batch.targets).to(device)
    outputs = teacher_forced(network, memory, torch.from_numpy(batch.inputs).to(device), batch.active).outputs
    there = targets >= 0
    return network.logits(outputs[there]).float(), targets[there]
