"""Opens its checkpoints: ``model.pth``, a state dict, with ``infos_ID.pkl`` and a ResNet's weights beside it."""

from __future__ import annotations

from unrolled.models.adapters.adapter import PickledAdapter
from unrolled.models.checkpoints.companions import numbered_words
from unrolled.models.checkpoints.pickled import PickledCheckpoint
from unrolled.models.families.image_captioning.encoder import encoder_beside
from unrolled.models.families.image_captioning.infos import infos_beside
from unrolled.models.families.image_captioning.network import UpDown
from unrolled.models.families.image_captioning.stepper import END, MAXIMUM_STEPS, ImageCaptioningStepper
from unrolled.models.families.image_captioning.weights import captioner

FAMILY = "ImageCaptioning.pytorch"
REGIONS = "bu"  # what their names of folders with features of a detector's regions hold: cocobu_att
OF_REGIONS = ("This model was trained on regions that a detector found; here it looks at the cells of a grid, and its words "
              "will be worse.")


def recognises(source: PickledCheckpoint) -> bool:
    return source.has("core.attention.h2att.weight", "embed.0.weight") and (
        source.has("core.att_lstm.weight_hh", "core.lang_lstm.weight_hh") or source.has("core.a2c.weight", "core.i2h.weight"))


def open_captioner(source: PickledCheckpoint, device: str) -> ImageCaptioningStepper:
    path = source.path
    network = captioner(path, source.tensors)
    lengths = network.lengths
    infos = infos_beside(path, lengths.vocabulary)
    numbers = {"<end>": END} | {word: number for number, word in infos.words.items()}
    words = numbered_words(path, numbers, lengths.vocabulary, ())
    name = "Up-Down" if isinstance(network, UpDown) else "Att2in2"
    seen = str(infos.options.get("input_att_dir") or "")
    return ImageCaptioningStepper(
        network, encoder_beside(path, lengths.features), words, device=device,
        maximum_steps=infos.number("max_length", 0) or infos.number("seq_length", 0) or MAXIMUM_STEPS,
        note=OF_REGIONS if f"{REGIONS}_" in seen or f"{REGIONS}/" in f"{seen}/" else "",
        identity=source.identity(f"{name} · {path.name}", f"{FAMILY}, {lengths.hidden:,} units"))


ADAPTER = PickledAdapter(family=FAMILY, input_kind="picture", recognises=recognises, open=open_captioner)
