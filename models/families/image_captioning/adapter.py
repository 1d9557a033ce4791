"""Opens its checkpoints: ``model.pth``, a state dict, with ``infos_ID.pkl`` and a ResNet's weights beside it."""

from collections.abc import Sequence
from typing import Any

import msgspec
import torch
from PIL import Image
from torch import Tensor

from unrolled.models.adapters.adapter import Named, PickledAdapter
from unrolled.models.checkpoints.companions import numbered_words
from unrolled.models.checkpoints.pickled import PickledCheckpoint
from unrolled.models.families.image_captioning.beside import LONGEST_SIDE, SIDE, PhotographEncoder, encoder_beside, infos_beside
from unrolled.models.families.image_captioning.network import Att2in2, PlacesMemory, UpDown, captioner
from unrolled.models.families.image_captioning.reference import Att2in2Reference, UpDownReference
from unrolled.models.protocol.decoding import Decoding
from unrolled.models.stepping.choosing import Beam
from unrolled.models.stepping.layers import CELL_RANGE, attention_channels, cell_channels, layer_channels
from unrolled.models.stepping.network_stepper import NetworkStepper
from unrolled.models.stepping.stepper import EncodedInput
from unrolled.models.trace import Channel, ModelDescription
from unrolled.models.trace.description import Identity

MAXIMUM_STEPS = 20  # as the original has it where its options do not say
END = 0             # START too
UNKNOWN = "UNK"
SUPPRESSED = 1000.0  # off its log-probability
FAMILY = "ImageCaptioning.pytorch"
REGIONS = "bu"  # what their names of folders with features of a detector's regions hold: cocobu_att
OF_REGIONS = ("This model was trained on regions that a detector found; here it looks at the cells of a grid, and its words "
              "will be worse.")
RECOGNISES = Named(*(("core.attention.h2att.weight", "embed.0.weight", *own) for own in (
    ("core.att_lstm.weight_hh", "core.lang_lstm.weight_hh"), ("core.a2c.weight", "core.i2h.weight"))))


class WholeBeam(Beam):
    """The original's search: as long as a caption may be; what ends is replaced at the next step."""

    def sort(self, parents: Sequence[int], ends: Sequence[bool], *, last: bool) -> tuple[list[int], list[int]]:
        kept = range(min(self.width, len(ends)))
        return [rank for rank in kept if ends[rank] or last], [rank for rank in kept if not ends[rank]]

    def over(self, best: float, length: int) -> bool:
        return False


class ImageCaptioningStepper(NetworkStepper[Any]):
    """Network and encoder, on one device; `note` is what a person should know of every picture."""

    network: Att2in2 | UpDown

    def __init__(self, network: Att2in2 | UpDown, encoder: PhotographEncoder, words: tuple[str, ...], *, identity: Identity,
                 maximum_steps: int = MAXIMUM_STEPS, note: str = "", device: str = "cpu") -> None:
        super().__init__(network, device=device)
        self.encoder, self._note = encoder.to(self.device), note
        self.decoding = Decoding(length_penalty=0.0)  # of the searches that are asked for
        channels = (*_cells(network), *attention_channels(("row", "column"), (SIDE, SIDE)))
        self.description = ModelDescription(
            **identity._asdict(), task="captioning", channels=channels, words=words, start_token=END, end_token=END,
            maximum_steps=maximum_steps, encoder=encoder.title,
            parameters=sum(p.numel() for p in network.parameters()))

    @torch.inference_mode()
    def read(self, given: Image.Image) -> EncodedInput[PlacesMemory]:
        """Read a photograph of any shape, as large as it is up to `LONGEST_SIDE`."""
        smaller = (f"The photograph was made smaller: {LONGEST_SIDE} pixels are its longer side.",)
        notes = (*(smaller if max(given.size) > LONGEST_SIDE else ()), *((self._note,) if self._note else ()))
        return EncodedInput(memory=self.network.remember(*self.encoder(given)), given_input=given, notes=notes, beam=WholeBeam,
                            ranking=self._ranked)

    def _ranked(self, state: Any, log_probs: Tensor, searching: bool) -> Tensor:
        """The original's searches alone keep from writing the unknown word, where it is the vocabulary's last."""
        ranked = log_probs.clone()
        if searching and self.description.words[-1] == UNKNOWN:
            ranked[:, -1] -= SUPPRESSED
        return ranked

    def differentiable(self, memory: PlacesMemory, rows: int) -> tuple[PlacesMemory, Tensor]:
        features = memory.features.expand(rows, -1, -1).clone().requires_grad_()
        return PlacesMemory(features, self.network.attend.keys(features), memory.whole.clone()), features

    def reference(self) -> Att2in2Reference | UpDownReference:
        kind = UpDownReference if isinstance(self.network, UpDown) else Att2in2Reference
        return kind(self.weights(), encoder=self.encoder.network, device=str(self.device))


def _cells(network: Att2in2 | UpDown) -> tuple[Channel, ...]:
    """The upper one's first; a candidate that is the larger of two sums has no bound."""
    if isinstance(network, UpDown):
        return layer_channels("lstm", network.lengths.hidden, 2)
    return tuple(msgspec.structs.replace(own, low=-CELL_RANGE, high=CELL_RANGE) if own.name == "cell_gate" else own
                 for own in cell_channels("lstm", network.lengths.hidden))


def open_captioner(source: PickledCheckpoint, device: str) -> ImageCaptioningStepper:
    path = source.path
    network = captioner(path, source.tensors)
    lengths = network.lengths
    infos = infos_beside(path, lengths.vocabulary)
    numbers = {"<end>": END} | {word: number for number, word in infos.words.items()}
    words = numbered_words(path, numbers, lengths.vocabulary, ())
    name = "Up-Down" if isinstance(network, UpDown) else "Att2in2"
    named = infos.options.get("input_att_dir")
    seen = named if isinstance(named, str) else ""
    return ImageCaptioningStepper(
        network, encoder_beside(path, lengths.features), words, device=device,
        maximum_steps=infos.number("max_length", 0) or infos.number("seq_length", 0) or MAXIMUM_STEPS,
        note=OF_REGIONS if f"{REGIONS}_" in seen or f"{REGIONS}/" in f"{seen}/" else "",
        identity=source.identity(f"{name} · {path.name}", f"{FAMILY}, {lengths.hidden:,} units"))


ADAPTER = PickledAdapter(family=FAMILY, input_kind="picture", recognises=RECOGNISES, open=open_captioner)
