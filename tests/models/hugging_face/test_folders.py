"""Folders of Hugging Face's library: what opens, in which words, and what is said of those that do not."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

pytest.importorskip("transformers")

from tests.tiny_transformers import IDS, SENTENCE, bytes_tokenizer, save
from unrolled.models.adapters.registry import load
from unrolled.models.checkpoints.files import CheckpointError
from unrolled.models.families.hugging_face.settings import UNHEEDED
from unrolled.models.families.hugging_face.words import words_of
from unrolled.models.stepping.stepper import AnyStepper
from unrolled.models.trace.detokenization import text_of


def test_weights_elsewhere_are_not_opened(tmp_path: Path) -> None:
    folder, name = save("gpt2", tmp_path), "model.safetensors"
    (folder / name).rename(tmp_path / "another")
    index = folder / f"{name}.index.json"
    for place in ("../another", str(tmp_path / "another")):
        index.write_text(json.dumps({"metadata": {}, "weight_map": {"lm_head.weight": place}}))
        (folder / "part.safetensors").write_bytes(b"x")
        with pytest.raises(CheckpointError, match="outside of its folder"):
            load(str(folder))


def test_what_the_library_says_is_no_longer_than_a_sentence(tmp_path: Path) -> None:
    folder = save("gpt2", tmp_path)
    settings = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**settings, "model_type": "x" * 9999}))
    with pytest.raises(CheckpointError) as caught:
        load(str(folder))
    assert len(str(caught.value)) < 400


def test_settings_that_are_not_heeded_are_said(tmp_path: Path) -> None:
    folder = save("marian", tmp_path)
    file = folder / "generation_config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {
        "guidance_scale": 2.0, "min_length": 0, "max_new_tokens": 5, "do_sample": True, "token_healing": True}))
    read = load(str(folder)).read(SENTENCE)
    assert read.maximum_steps == 5
    assert read.notes == ("Its settings for writing are not all heeded: token_healing, guidance_scale cannot be had here. Its "
                          "own generate draws words (do_sample); here they are chosen as Decoding is set.",)


OF_NO_WORD = {  # of a GenerationConfig: what changes nothing that greedy and beam search write
    "use_cache", "use_mtp", "cache_implementation", "cache_config", "max_cache_len", "num_return_sequences",
    "output_attentions", "output_hidden_states", "output_scores", "output_logits",
    "return_dict_in_generate", "pad_token_id", "is_assistant", "num_assistant_tokens",
    "num_assistant_tokens_schedule", "assistant_confidence_threshold", "prompt_lookup_num_tokens",
    "max_matching_ngram_size", "assistant_early_exit", "assistant_lookbehind", "target_lookbehind",
    "assistant_ensemble_weight", "speculation_type", "compile_config", "disable_compile", "continuous_batching_config",
    "low_memory", "prefill_chunk_size", "transformers_version"}
OF_A_DRAW = {"temperature", "top_k", "top_p", "min_p", "top_h", "typical_p", "epsilon_cutoff", "eta_cutoff"}  # do_sample is said
HEEDED = {"max_length", "max_new_tokens", "min_length", "min_new_tokens", "bad_words_ids", "suppress_tokens", "bos_token_id",
          "eos_token_id", "decoder_start_token_id", "forced_bos_token_id", "forced_eos_token_id", "num_beams", "do_sample",
          "early_stopping", "length_penalty", "renormalize_logits", "remove_invalid_values", "repetition_penalty",
          "no_repeat_ngram_size", "encoder_repetition_penalty", "encoder_no_repeat_ngram_size", "begin_suppress_tokens",
          "sequence_bias", "exponential_decay_length_penalty"}


def test_all_settings_of_generate_are_heeded_or_said() -> None:
    import transformers

    found = {name for name in vars(transformers.GenerationConfig()) if not name.startswith("_")}
    assert found - OF_NO_WORD - OF_A_DRAW - HEEDED <= {*UNHEEDED}
    assert not {*UNHEEDED} & (OF_NO_WORD | HEEDED)


def test_pieces_say_where_words_begin_whatever_the_tokenizer() -> None:
    import transformers
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers

    special = {"unk_token": "<unk>", "eos_token": "</s>"}
    parts = Tokenizer(models.WordPiece({"<unk>": 0, "</s>": 1, "run": 2, "##ning": 3, ".": 4}, unk_token="<unk>"))
    parts.decoder = decoders.WordPiece()
    sentences = Tokenizer(models.Unigram([("<unk>", 0.0), ("</s>", 0.0), ("▁run", -1.0), ("ning", -2.0)], unk_id=0))
    sentences.pre_tokenizer, sentences.decoder = pre_tokenizers.Metaspace(), decoders.Metaspace()
    bytes_of = Tokenizer(models.BPE({"<unk>": 0, "</s>": 1, "Ġrun": 2, "ning": 3, "Ċ": 4, "Ã": 5, "Ã©": 6}, []))
    bytes_of.decoder = decoders.ByteLevel()
    for own, count, wanted in ((parts, 6, ("<unk>", "</s>", "▁run", "ning", "▁.", "#5")),
                               (sentences, 4, ("<unk>", "</s>", "▁run", "ning")),
                               (bytes_of, 7, ("<unk>", "</s>", "▁run", "ning", "\n", "⟨C3⟩", "é"))):
        assert words_of(transformers.PreTrainedTokenizerFast(tokenizer_object=own, **special), count) == (wanted, "pieces")
    whole = Tokenizer(models.WordLevel({"<unk>": 0, "</s>": 1, "run": 2}, unk_token="<unk>"))
    words = ("<unk>", "</s>", "run", "#3")
    assert words_of(transformers.PreTrainedTokenizerFast(tokenizer_object=whole, **special), 4) == (words, "words")


def test_a_pickle_beside_the_settings_runs_nothing(tmp_path: Path) -> None:
    folder, ran = save("gpt2", tmp_path), tmp_path / "ran"
    (folder / "model.safetensors").unlink()

    class Runs:
        def __reduce__(self) -> Any:
            return (Path.touch, (ran,))

    torch.save({"transformer.wte.weight": Runs()}, folder / "pytorch_model.bin")
    with pytest.raises(CheckpointError, match=r"“pytorch_model\.bin” wants to run"):
        load(str(folder))
    assert not ran.exists()


def test_code_of_its_own_is_not_run(tmp_path: Path) -> None:
    folder, ran = save("gpt2", tmp_path), tmp_path / "ran"
    settings = json.loads((folder / "config.json").read_text())
    settings |= {"model_type": "their_own", "auto_map": {"AutoConfig": "theirs.Config", "AutoModelForCausalLM": "theirs.Model"}}
    (folder / "config.json").write_text(json.dumps(settings))
    (folder / "theirs.py").write_text(f"open({str(ran)!r}, 'w')\n")
    with pytest.raises(CheckpointError, match="brings code of its own"):
        load(str(folder))
    assert not ran.exists()


def test_what_cannot_be_opened_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import huggingface_hub
    import transformers

    from unrolled.models.families.hugging_face import adapter

    def no_network(*_: object, **__: object) -> str:
        raise OSError("no network")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", no_network)
    with pytest.raises(CheckpointError, match=r"some/model.*--model hf:FOLDER"):
        load("hf:some/model")
    bert = tmp_path / "bert"
    transformers.BertConfig(vocab_size=10, hidden_size=8, num_hidden_layers=1, num_attention_heads=1).save_pretrained(bert)
    with pytest.raises(CheckpointError, match=r"cannot be opened|holds no weights|can be opened"):
        load(str(bert))
    vit = tmp_path / "vit"
    transformers.ViTConfig(hidden_size=8).save_pretrained(vit)
    with pytest.raises(CheckpointError, match="captioners can be opened"):
        load(str(vit))
    gpt2 = save("gpt2", tmp_path)
    with monkeypatch.context() as patched:
        patched.setattr(adapter, "computer_memory", lambda: 1000)
        patched.setattr(transformers.GPT2LMHeadModel, "from_pretrained", no_network)
        with pytest.raises(CheckpointError, match="GiB for its weights"):
            load(str(gpt2))
    (gpt2 / "tokenizer.json").rename(gpt2 / "elsewhere.json")
    with pytest.raises(CheckpointError, match="holds no words"):
        load(str(gpt2))
    (gpt2 / "elsewhere.json").rename(gpt2 / "tokenizer.json")
    (gpt2 / "model.safetensors").unlink()
    with pytest.raises(CheckpointError, match="holds no weights"):
        load(str(gpt2))
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(CheckpointError, match="pip install"):
        load(str(gpt2))


def test_weights_that_do_not_fit_are_said_and_nothing_is_drawn_at_random(tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    folder = save("gpt2", tmp_path)
    file, one = folder / "model.safetensors", "transformer.h.0.mlp.c_fc.weight"
    tensors = load_file(file)

    def opened_with(changed: dict[str, Any]) -> AnyStepper:
        save_file(changed, file, metadata={"format": "pt"})
        return load(str(folder))

    with pytest.raises(CheckpointError, match=f"“gpt2” does not fit its model: “{one}” is missing."):
        opened_with({name: value for name, value in tensors.items() if name != one})
    with pytest.raises(CheckpointError, match=r"is \(3, 4\) and should be \(32, 128\)\."):
        opened_with(tensors | {one: torch.ones(3, 4)})
    with pytest.raises(CheckpointError, match=r"and 1 more does not fit"):
        opened_with({name: value for name, value in tensors.items() if not name.startswith("transformer.h.0.mlp.c_fc")})
    notes = opened_with(tensors | {"extra.weight": torch.ones(3)}).read("the dog").notes
    assert notes[-1].endswith("“gpt2” holds 1 tensor that its model has no place for, such as “extra.weight”.")


@pytest.mark.parametrize("change", [{"vocab_size": 10**9}, {"n_positions": 10**12}, {"n_layer": 10**7}, {"n_embd": 4 * 10**8}])
def test_settings_that_ask_for_far_more_than_there_is_are_refused_unbuilt(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: dict[str, int]) -> None:
    import transformers

    folder = save("gpt2", tmp_path)
    settings = folder / "config.json"
    settings.write_text(json.dumps(json.loads(settings.read_text()) | change))
    monkeypatch.setattr(transformers.GPT2LMHeadModel, "from_pretrained", lambda *_, **__: pytest.fail("memory was taken"))
    with pytest.raises(CheckpointError, match=r"does not fit its settings: they ask for [\d,]+ numbers|far too many parts"):
        load(str(folder))


SMALL = {"vocab_size": 285, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 48,
         "num_key_value_heads": 2, "num_local_experts": 4, **IDS}
LAYERS = {"encoder_layers": 1, "decoder_layers": 1, "encoder_attention_heads": 2, "decoder_attention_heads": 2,
          "encoder_ffn_dim": 16, "decoder_ffn_dim": 16, "d_model": 16}


@pytest.mark.parametrize(("config", "made", "sentence"), [
    ("GptOss", "GptOssForCausalLM", "its attention reads “s_aux” too"),
    ("Whisper", "WhisperForConditionalGeneration", "is a “whisper”; language models"),
    ("Mamba2", "Mamba2ForCausalLM", "its first step fails")])
def test_what_would_be_drawn_wrongly_is_refused(tmp_path: Path, config: str, made: str, sentence: str) -> None:
    """Attention sinks, a decoder without its encoder, and whatever else breaks in a first step."""
    import transformers

    transformers.logging.disable_progress_bar()
    lengths = {"Whisper": LAYERS | {name: SMALL[name] for name in ("vocab_size", *IDS)}, "GptOss": SMALL | {"head_dim": 8},
               "Mamba2": {"vocab_size": 285, "hidden_size": 16, "state_size": 4, "num_hidden_layers": 2, "head_dim": 8,
                          "num_heads": 4, "n_groups": 1}}[config]
    getattr(transformers, made)(getattr(transformers, f"{config}Config")(**lengths)).save_pretrained(tmp_path)
    bytes_tokenizer().save_pretrained(tmp_path)
    with pytest.raises(CheckpointError, match=sentence):
        load(str(tmp_path))


def test_bytes_that_are_no_characters_are_named_and_make_characters_again() -> None:
    import transformers
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers

    def by_words(own: Tokenizer) -> tuple[str, ...]:
        tokenizer = transformers.PreTrainedTokenizerFast(tokenizer_object=own)
        assert words_of(tokenizer, own.get_vocab_size())[1] == "pieces"
        return words_of(tokenizer, own.get_vocab_size())[0]

    own = Tokenizer(models.BPE(vocab={"Ġa": 0, "ãģ": 1, "Ķ": 2, "Ġâ": 3, "Ĥ": 4, "¬": 5, "ĤĤ": 6, "ĈĊ": 7}, merges=[]))
    own.pre_tokenizer, own.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    words = by_words(own)
    assert words == ("▁a", "⟨E3 81⟩", "⟨94⟩", "▁⟨E2⟩", "⟨82⟩", "⟨AC⟩", "⟨82 82⟩", "⟨08⟩\n")
    assert text_of(words[:6], "pieces") == "aご €"
    assert text_of(("▁a", "⟨E3 81⟩", "▁a"), "pieces") == "a⟨E3 81⟩ a"
    fallback = {"<unk>": 0, "▁a": 1, "<0xE2>": 2, "<0x82>": 3, "<0xAC>": 4, "<0x0A>": 5, "<0x41>": 6, "A": 7}
    own = Tokenizer(models.BPE(vocab=fallback, merges=[], byte_fallback=True, unk_token="<unk>"))
    own.pre_tokenizer = pre_tokenizers.Metaspace()
    words = by_words(own)
    assert words == ("<unk>", "▁a", "⟨E2⟩", "⟨82⟩", "⟨AC⟩", "\n", "<0x41>", "A")
    assert text_of(words[1:6], "pieces") == "a€"


def test_a_sentence_ends_before_its_files_last_line_end(tmp_path: Path) -> None:
    from tokenizers import pre_tokenizers

    stepper = load(str(save("marian", tmp_path)))
    stepper.tokenizer._tokenizer.pre_tokenizer = pre_tokenizers.Split(" ", "removed")  # to which a line end is a word's sign
    assert stepper.read(SENTENCE + "\n").source == stepper.read(SENTENCE).source
