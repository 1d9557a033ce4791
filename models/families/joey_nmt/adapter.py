"""Opens its checkpoints: ``{model_state, …}``, with config.yaml, src_vocab.txt and trg_vocab.txt beside them."""

from __future__ import annotations

from unrolled.models.adapters.adapter import PickledAdapter
from unrolled.models.checkpoints.fitting import check_there
from unrolled.models.checkpoints.pickled import PickledCheckpoint
from unrolled.models.families.joey_nmt.network import decoder_of, reader_of
from unrolled.models.families.joey_nmt.settings import language, least_words, nested, settings_beside, suppressed_tokens
from unrolled.models.families.joey_nmt.stepper import JoeyNMTStepper

FAMILY = "JoeyNMT"
NEEDED = ("src_embed.lut.weight", "trg_embed.lut.weight", "encoder.rnn.weight_hh_l0", "encoder.rnn.weight_hh_l0_reverse",
          "decoder.attention.key_layer.weight", "decoder.att_vector_layer.weight", "decoder.output_layer.weight")


def recognises(source: PickledCheckpoint) -> bool:
    return source.has(
        "model_state.decoder.rnn.weight_hh_l0", "model_state.decoder.att_vector_layer.weight",
        "model_state.decoder.attention.key_layer.weight")


def open_translator(source: PickledCheckpoint, device: str) -> JoeyNMTStepper:
    path, theirs = source.path, source.under("model_state.")
    check_there(path, theirs, NEEDED)
    settings = settings_beside(path)
    network = decoder_of(path, theirs, settings)
    encoder = reader_of(path, theirs, settings, network.config)
    source_language = language(path, settings, "src", encoder.embed.num_embeddings)
    target_language = language(path, settings, "trg", network.config.vocabulary)
    longest = nested(settings, "testing", "max_output_length") or nested(settings, "training", "max_output_length")
    attention = "Bahdanau" if "decoder.attention.energy_layer.weight" in theirs else "Luong"
    summary = f"{FAMILY}, {network.config.hidden:,} units, {attention}'s attention"
    return JoeyNMTStepper(
        network, encoder, source_language, target_language, device=device,
        longest=longest if isinstance(longest, int) and longest > 0 else 0, least=least_words(settings),
        suppressed_tokens=suppressed_tokens(settings, target_language),
        scaled=(bool(nested(settings, "model", "encoder", "embeddings", "scale")),
                bool(nested(settings, "model", "decoder", "embeddings", "scale"))),
        identity=source.identity(f"{settings.get('name') or 'Translator'} · {path.name}", summary))


ADAPTER = PickledAdapter(family=FAMILY, input_kind="sentence", recognises=recognises, open=open_translator)
