"""The tutorial's chatbot in our own cells: layers of GRU, attention by one of Luong's three scores, a linear layer.

Luong et al. 2015: dot e = s · h, general e = s · (W h + b), concat e = v · tanh(W [s; h] + b). What reads the sentence is
torch's own GRU, whose two directions are summed.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from unrolled.models.cells import AdditiveAttention, CellState, MultiplicativeAttention
from unrolled.models.checkpoints.files import misfit
from unrolled.models.checkpoints.fitting import fitted, of_shapes, renamed
from unrolled.models.stepping.attentional import AttentionalConfig, AttentionalDecoder
from unrolled.models.stepping.layers import kind_of, layer_count, layer_names, layer_weights

NAMES = {"embed.": "embedding.", "combine.": "concat.", "score.": "out."}
ATTENTION = {"attend.features_to_size.": "attn.attn."}


class SentenceReader(nn.Module):
    """A GRU that reads both ways."""

    def __init__(self, hidden: int, layers: int) -> None:
        super().__init__()
        self.gru = nn.GRU(hidden, hidden, layers, bidirectional=True)
        self.eval().requires_grad_(False)

    def forward(self, words: Tensor) -> tuple[Tensor, Tensor]:
        """Vectors of words (L, hidden) → the sum of both directions (1, L, hidden), and all last states (2 · layers, hidden)."""
        both, last = self.gru(words)
        return (both[:, : self.gru.hidden_size] + both[:, self.gru.hidden_size :]).unsqueeze(0), last


def scoring(theirs: Mapping[str, Tensor]) -> str:
    """Which of Luong's scores a decoder has, by the names of its weights."""
    return "concat" if "attn.v" in theirs else "general" if "attn.attn.weight" in theirs else "dot"


def reader_of(path: Path, theirs: Mapping[str, Tensor], hidden: int) -> SentenceReader:
    """From the encoder's weights. Raises `CheckpointError`."""
    own = renamed(path, {name: value for name, value in theirs.items() if not name.startswith("embedding.")}, {"gru.": "gru."})
    layers = layer_count(theirs, "gru.")
    return fitted(path, lambda: SentenceReader(hidden, layers), own, {"gru.": "en.gru."})


def decoder_of(path: Path, theirs: Mapping[str, Tensor]) -> AttentionalDecoder:
    """From the decoder's weights. Raises `CheckpointError`."""
    table, kind = theirs["embedding.weight"], kind_of(theirs, "gru.", ("gru",))
    if table.ndim != 2 or not kind:
        raise misfit(path, "its decoder is no GRU over words")
    hidden, method = theirs["gru.weight_hh_l0"].shape[1], scoring(theirs)
    config = AttentionalConfig(kind, layer_count(theirs, "gru."), len(table), table.shape[1], hidden, features=hidden, fed=False,
                               bias=True)

    def make() -> AttentionalDecoder:
        attend: AdditiveAttention | MultiplicativeAttention
        if method == "concat":
            attend = AdditiveAttention(features=hidden, hidden=hidden, size=hidden)
        else:
            attend = MultiplicativeAttention(features=hidden, hidden=hidden, projected=method == "general")
        return AttentionalDecoder(config, attend)

    behind = {name: value for name, value in theirs.items() if not name.startswith(("gru.", "attn."))}
    attention = {name: value for name, value in theirs.items() if name.startswith("attn.")}
    if method == "concat":
        weight, score, _ = of_shapes(path, attention, {"attn.attn.weight": (hidden, 2 * hidden), "attn.v": (hidden,),
                                                       "attn.attn.bias": (hidden,)})
        del attention["attn.v"]
        behind |= attention | {"attn.attn.weight": weight[:, hidden:]}
        added = {"attend.hidden_to_size.weight": weight[:, :hidden], "attend.score.weight": score.unsqueeze(0)}
    else:
        behind, added = behind | attention, {}
    names = NAMES | ATTENTION
    weights = renamed(path, behind, names) | added | layer_weights(theirs, "gru.", "layers.")
    told = layer_names(config.layers, "gru.", "layers.") | {"layers.": "gru."} | names
    return fitted(path, make, weights, {own: f"de.{their}" for own, their in told.items()})


def first_state(last: Tensor, layers: int) -> CellState:
    """Of the encoder's last states (2 · layers, hidden) as many as the decoder has layers, in their order, each (1, 1, hidden).

    Torch lays them out layer by layer, so that a decoder of two layers begins with both directions of the lowest.
    """
    return tuple(part.view(1, 1, -1) for part in torch.unbind(last[:layers]))
