"""Image captioning: the network without its encoder, with any of the cells, with attention or without.

Soft attention is that of Show, Attend and Tell (Xu et al. 2015); without it the picture's mean feature goes into every
step, as in the lecture's captioning with RNNs (Karpathy and Fei-Fei 2015; Vinyals et al. 2015). The decoder is
`unrolled.models.cells.decoder`.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from unrolled.models.cells.decoder import DecoderConfig, Memory, RecurrentDecoder


class CaptionerConfig(DecoderConfig, frozen=True, kw_only=True):
    """The network's lengths; see `DecoderConfig` too. `encoder_features` is the length of a cell's vector from the encoder."""

    encoder_features: int = 1280


class Captioner(RecurrentDecoder):
    def __init__(self, config: CaptionerConfig) -> None:
        super().__init__(config)
        self.config = config
        self.project = nn.Linear(config.encoder_features, config.features)

    def memory(self, grid: Tensor) -> Memory:
        """The encoder's grid (P, L, encoder_features) → what every step reads."""
        if self.attend is None:
            grid = grid.mean(dim=1, keepdim=True)                                      # (P, 1, encoder_features): v
        return self.remember(self.dropout(F.relu(self.project(grid))))
