"""Transformers of Hugging Face's library, a few thousand random numbers each, saved as people have them: a folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers

PAD, START, END = 0, 1, 2
SPECIAL = ["<pad>", "<s>", "</s>", "<unk>"]
WORDS = [*SPECIAL, "a", "the", "dog", "cat", "house", "is", "sees", "sleeping", "running", "on", "in", "grass", "red", "small",
         "big", "two", "three", "and", ".", "without"]
IDS = {"pad_token_id": PAD, "bos_token_id": START, "eos_token_id": END}
SENTENCE = "the dog sees a small house"
VARIED = {"gpt2": (0.15, 25), "llama": (0.15, 0), "marian": (0.15, 12), "bart": (0.15, 5), "t5": (0.3, 14),
          "vision-gpt2": (0.15, 0), "trocr": (0.3, 21), "blip": (0.15, 2),
          "mamba": (0.3, 0)}
"""By a model's name the noise that is added to its matrices, and a seed with which it does not write one word again and again."""


def photograph() -> Image.Image:
    pixels = np.random.default_rng(0).integers(0, 255, (40, 60, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


def words_tokenizer() -> Any:
    """Whole words, END behind them."""
    import transformers

    own = Tokenizer(models.WordLevel({word: number for number, word in enumerate(WORDS)}, unk_token="<unk>"))
    own.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    own.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", END)])
    return transformers.PreTrainedTokenizerFast(tokenizer_object=own, **_named())


def bytes_tokenizer() -> Any:
    """Byte pairs, as GPT-2 has them."""
    import transformers

    own = Tokenizer(models.BPE())
    own.pre_tokenizer, own.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    own.train_from_iterator([SENTENCE] * 5, trainers.BpeTrainer(
        vocab_size=285, special_tokens=SPECIAL, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False))
    return transformers.PreTrainedTokenizerFast(tokenizer_object=own, **_named())


def _named() -> dict[str, str]:
    return {"pad_token": "<pad>", "bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"}


def _gpt2() -> Any:
    import transformers as t

    return t.GPT2LMHeadModel(t.GPT2Config(vocab_size=285, n_positions=64, n_embd=32, n_layer=3, n_head=4, **IDS))


def _llama() -> Any:
    import transformers as t

    return t.LlamaForCausalLM(t.LlamaConfig(
        vocab_size=285, hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2,
        max_position_embeddings=64, **IDS))


def _translator(kind: str, **more: Any) -> Any:
    import transformers as t

    config = getattr(t, f"{kind}Config")(
        vocab_size=len(WORDS), d_model=32, encoder_layers=2, decoder_layers=3, encoder_attention_heads=2,
        decoder_attention_heads=4, encoder_ffn_dim=48, decoder_ffn_dim=48, max_position_embeddings=48,
        tie_word_embeddings=False, **more, **IDS)
    model = getattr(t, f"{kind}{'MTModel' if kind == 'Marian' else 'ForConditionalGeneration'}")(config)
    model.generation_config.forced_eos_token_id = None
    return model


def _marian() -> Any:
    model = _translator("Marian", decoder_start_token_id=PAD)
    model.generation_config.bad_words_ids = [[PAD]]
    return model


def _bart() -> Any:
    model = _translator("Bart", decoder_start_token_id=END)
    model.generation_config.forced_bos_token_id = START
    return model


def _t5() -> Any:
    import transformers as t

    return t.T5ForConditionalGeneration(t.T5Config(vocab_size=len(WORDS), d_model=32, d_kv=8, d_ff=48, num_layers=3,
                                                   num_heads=4, decoder_start_token_id=PAD,
                                                   tie_word_embeddings=False, **IDS))


def _captioner(decoder: Callable[[Any], Any]) -> Any:
    import transformers as t

    encoder = t.ViTConfig(hidden_size=24, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32, image_size=32,
                          patch_size=8)
    config = t.VisionEncoderDecoderConfig.from_encoder_decoder_configs(
        encoder, decoder(t), decoder_start_token_id=START, pad_token_id=PAD, eos_token_id=END)
    return t.VisionEncoderDecoderModel(config)


def _mamba() -> Any:
    import transformers as t

    return t.MambaForCausalLM(t.MambaConfig(vocab_size=285, hidden_size=16, state_size=4, num_hidden_layers=2, **IDS))


def _blip() -> Any:
    import transformers as t

    return t.BlipForConditionalGeneration(t.BlipConfig(
        text_config={"vocab_size": len(WORDS), "hidden_size": 32, "encoder_hidden_size": 24, "intermediate_size": 48,
                     "projection_dim": 16, "num_hidden_layers": 3, "num_attention_heads": 4, "max_position_embeddings": 48,
                     "is_decoder": True, "sep_token_id": END, "tie_word_embeddings": False, **IDS},
        vision_config={"hidden_size": 24, "intermediate_size": 32, "projection_dim": 16, "num_hidden_layers": 1,
                       "num_attention_heads": 2, "image_size": 32, "patch_size": 8}))


MODELS: dict[str, Callable[[], Any]] = {
    "gpt2": _gpt2,
    "llama": _llama,
    "marian": _marian,
    "bart": _bart,
    "t5": _t5,
    "vision-gpt2": lambda: _captioner(lambda t: t.GPT2Config(
        vocab_size=len(WORDS), n_positions=48, n_embd=32, n_layer=3, n_head=4, add_cross_attention=True, is_decoder=True,
        tie_word_embeddings=False, **IDS)),
    "trocr": lambda: _captioner(lambda t: t.TrOCRConfig(
        vocab_size=len(WORDS), d_model=32, decoder_layers=2, decoder_attention_heads=4, decoder_ffn_dim=48,
        max_position_embeddings=48, cross_attention_hidden_size=24, **IDS)),
    "blip": _blip,
    "mamba": _mamba,
}
PICTURES = ("vision-gpt2", "trocr", "blip")
TEXTS = ("gpt2", "llama", "mamba")


def save(name: str, folder: Path) -> Path:
    """One of `MODELS`, in a folder of its name."""
    import transformers

    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    folder = folder / name
    noise, seed = VARIED[name]
    torch.manual_seed(seed)
    model = MODELS[name]().eval()
    with torch.no_grad():
        for part, own in model.named_parameters():
            if own.ndim > 1:
                words = any(of in part for of in ("embed", "shared", "wte", "wpe"))
                own.add_(torch.randn_like(own) * noise * (4 if words else 1))
    model.save_pretrained(folder)
    (bytes_tokenizer() if name in TEXTS else words_tokenizer()).save_pretrained(folder)
    if name in PICTURES:
        made = transformers.BlipImageProcessor if name == "blip" else transformers.ViTImageProcessor
        made(size={"height": 32, "width": 32}).save_pretrained(folder)
    return folder


def given(name: str) -> Any:
    """What a model of this name reads."""
    return photograph() if name in PICTURES else SENTENCE
