"""Opens checkpoints of the tutorial: whole modules or state dicts, with the word map's JSON file beside them."""

from __future__ import annotations

from PIL import Image

from unrolled.models.adapters.adapter import PickledAdapter
from unrolled.models.checkpoints.companions import numbered_words, word_map_beside
from unrolled.models.checkpoints.files import CheckpointError, misfit
from unrolled.models.checkpoints.fitting import check_there, fitted
from unrolled.models.checkpoints.pickled import PickledCheckpoint, stub_at
from unrolled.models.checkpoints.resnets import resnet_encoder
from unrolled.models.families.show_attend_tell.network import Lengths, ShowAttendTell, weights_of
from unrolled.models.families.show_attend_tell.stepper import ShowAttendTellStepper

FAMILY = "a PyTorch Tutorial to Image Captioning"
SIZE = 256  # pixels a side
SIDE = 14   # cells a side, where the checkpoint does not say
LINEAR = ("attention.encoder_att", "attention.decoder_att", "attention.full_att", "init_h", "init_c", "f_beta", "fc")
NEEDED = (*(f"{name}.{part}" for name in LINEAR for part in ("weight", "bias")), "embedding.weight",
          *(f"decode_step.{name}" for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")))


def recognises(source: PickledCheckpoint) -> bool:
    return source.has("decoder.attention.full_att.weight", "decoder.decode_step.weight_ih", "decoder.f_beta.weight")


def open_tutorial(source: PickledCheckpoint, device: str) -> ShowAttendTellStepper:
    path, theirs = source.path, source.under("decoder.")
    check_there(path, theirs, NEEDED, "decoder.")
    left_over = next((name for name in theirs if name not in NEEDED), "")
    if left_over:
        raise misfit(path, f"“decoder.{left_over}” is left over")
    odd = next((name for name in theirs if theirs[name].ndim != (1 if "bias" in name else 2)), "")
    if odd:
        raise misfit(path, f"“decoder.{odd}” is {tuple(theirs[odd].shape)}")
    if theirs["attention.encoder_att.bias"].shape != theirs["attention.decoder_att.bias"].shape:
        raise misfit(path, "its attention's two layers differ in length")
    encoder_weights = source.under("encoder.")
    if not encoder_weights:
        raise CheckpointError(f"“{path.name}” holds a decoder without its encoder; save both, as the tutorial does.")
    vocabulary, embedding = theirs["embedding.weight"].shape
    lengths = Lengths(vocabulary, embedding, theirs["decode_step.weight_hh"].shape[1],
                      *reversed(theirs["attention.encoder_att.weight"].shape))
    network = fitted(path, lambda: ShowAttendTell(lengths), weights_of(theirs))
    words = numbered_words(path, word_map_beside(path, vocabulary), vocabulary, ("<start>", "<end>"))
    pool = stub_at(source.content, "encoder", "adaptive_pool", "output_size")
    side = pool[0] if isinstance(pool, tuple) and pool and isinstance(pool[0], int) and 0 < pool[0] <= 64 else SIDE
    epoch = source.content.get("epoch") if isinstance(source.content, dict) else None
    summary = f"{FAMILY}{f', after epoch {epoch + 1}' if isinstance(epoch, int) else ''}"
    encoder = resnet_encoder(path, encoder_weights, size=SIZE, side=side, resampling=Image.Resampling.BILINEAR)
    return ShowAttendTellStepper(
        network, encoder, words, start=words.index("<start>"), end=words.index("<end>"),
        identity=source.identity(f"Show, Attend and Tell · {path.name}", summary), device=device)


ADAPTER = PickledAdapter(family=FAMILY, input_kind="picture", recognises=recognises, open=open_tutorial)
