"""The tutorial's captioner computed a second time: from its own names of weights, by torch's own modules and functions."""

import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional as F

from unrolled.models.reference.cell import ReferenceCell
from unrolled.models.reference.decoder import DecoderMemory, entropy_of
from unrolled.models.reference.network import ReferenceNetwork, looked_at
from unrolled.models.reference.protocol import Hook, State, Weights, doubled, under


class ShowAttendTellReference(ReferenceNetwork):
    """`encoder` is the checkpoint's, used in single precision."""

    def __init__(self, weights: Weights, *, encoder: nn.Module, size: int, device: str) -> None:
        own = doubled(under(weights, "decoder"))
        super().__init__(own, ReferenceCell(under(own, "decode_step")), "F.softmax over F.linear and F.relu")
        self.computed_by = ("the encoder's own modules", *self.computed_by)
        self._encoder, self._size, self._device = encoder, size, device

    def read(self, given: Image.Image) -> DecoderMemory:
        square = given.convert("RGB").resize((self._size, self._size), Image.Resampling.BILINEAR)
        return DecoderMemory(looked_at(self._encoder, square, self._device).flatten(1).T)      # (L, features)

    def start(self, memory: DecoderMemory) -> State:
        mean = memory.features.mean(dim=0, keepdim=True)
        return self.linear("init_h", mean), self.linear("init_c", mean)

    def step(self, memory: DecoderMemory, state: State, token: int, number: int, hook: Hook) -> dict[str, Tensor]:
        word = hook("word_vector", self.embedded("embedding", token))
        joined = F.relu(self.linear("attention.encoder_att", memory.features) + self.linear("attention.decoder_att", state[0]))
        scores = hook("attention_scores", self.linear("attention.full_att", joined).T)         # (1, L)
        weights = hook("attention", F.softmax(scores, dim=-1))
        gate = hook("context_gate", torch.sigmoid(self.linear("f_beta", state[0])))
        found = self.cells.step(torch.cat((word, gate * (weights @ memory.features)), dim=-1), state, hook)
        found |= {"attention": weights, "attention_entropy": entropy_of(weights), "context_gate": gate,
                  "context_gate_mean": gate.mean()}
        return self.flat(found, self.linear("fc", found["hidden"]), hook)
