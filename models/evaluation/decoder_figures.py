"""What is measured of every decoder, whatever it reads: on the references, on what it writes, and of its attention."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

import msgspec
from torch import Tensor

from unrolled.models.cells.decoder import Memory, RecurrentDecoder
from unrolled.models.evaluation.attention_statistics import AttentionStatistics
from unrolled.models.evaluation.probabilities import ReferenceStatistics
from unrolled.models.evaluation.references import judge_references, next_word_entropies
from unrolled.models.stepping.search import Search


class DecoderFigures:
    """Inputs are added batch by batch."""

    def __init__(self) -> None:
        self._references, self._attention = ReferenceStatistics(), AttentionStatistics()
        self._entropies: list[float] = []

    def add(self, network: RecurrentDecoder, memory: Memory, search: Search,
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
        judge_references(network, memory, references, start=search.start, statistics=self._references)
        greedy = [[hypotheses[0].tokens] for hypotheses in msgspec.structs.replace(search, width=1)(network, memory)]
        self._entropies += next_word_entropies(network, memory, greedy, start=search.start)
        attends = network.attend is not None
        return best, self._attention.add(network, memory, best, start=search.start) if attends else []

    def figures(self) -> dict[str, float]:
        """Perplexity and calibration of the references, entropy along greedy writing, and the attention's where there is one."""
        attention = self._attention.figures() if self._attention.entropies else {}
        return self._references.figures() | {"entropy": fmean(self._entropies)} | attention
