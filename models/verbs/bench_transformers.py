"""What it costs to step a transformer with everything recorded, beside the library's own step with its own cache."""

import time
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer
from tokenizers.models import WordLevel

from unrolled.models.cells.threads import one_thread
from unrolled.models.verbs.timing import in_turns

TINY = {"d_model": 64, "encoder_layers": 3, "decoder_layers": 3, "encoder_attention_heads": 4, "decoder_attention_heads": 4,
        "encoder_ffn_dim": 256, "decoder_ffn_dim": 256, "vocab_size": 2000}
LARGE = {"d_model": 512, "encoder_layers": 6, "decoder_layers": 6, "encoder_attention_heads": 8, "decoder_attention_heads": 8,
         "encoder_ffn_dim": 2048, "decoder_ffn_dim": 2048, "vocab_size": 31_000}  # 60 million numbers
PLACES, STEPS = 16, 24  # pieces of the sentence, and of what is written
ROUNDS, WARM_UP = {"tiny": 24, "large": 8}, 2


def transformer_costs() -> dict[str, Any]:
    """Ratios of medians of the processor's time, on one thread, both sides in turns; nothing where there is no library."""
    try:
        import transformers
    except ImportError:
        return {"details": {"transformers": "not measured: the package transformers is not installed"}}
    with one_thread():
        measured = {name: _measured(transformers, lengths, ROUNDS[name]) for name, lengths in (("tiny", TINY), ("large", LARGE))}
    return {"hf_trace_overhead": {name: recorded / plain for name, (recorded, plain, _) in measured.items()}, "details": {
        "transformers": "; ".join(
            f"a random encoder-decoder of {numbers / 1e6:.1f} million numbers: {recorded * 1000:.2f} ms a recorded step, "
            f"{plain * 1000:.2f} ms a step with the library’s own cache, limit {limit} times"
            for (recorded, plain, numbers), limit in zip(measured.values(), (1.3, 1.15), strict=True))}}


def _measured(library: Any, lengths: dict[str, int], rounds: int) -> tuple[float, float, int]:
    """Seconds of a recorded step and of a plain one, and how many numbers the model has."""
    from unrolled.models.families.hugging_face.adapter import Opened
    from unrolled.models.families.hugging_face.stepper import TransformerStepper

    torch.manual_seed(0)
    config = library.MarianConfig(**lengths, pad_token_id=0, bos_token_id=1, eos_token_id=2, decoder_start_token_id=0)
    plain = library.MarianMTModel(config).eval().requires_grad_(False)
    model = library.MarianMTModel(config).eval().requires_grad_(False)
    model.load_state_dict(plain.state_dict())
    model.generation_config.max_new_tokens = 128  # as much as is ever recorded
    words = {f"word{number}": number for number in range(config.vocab_size)}
    tokenizer = library.PreTrainedTokenizerFast(tokenizer_object=Tokenizer(WordLevel(words, unk_token="word0")))
    stepper = TransformerStepper(Opened(Path(), "random", model, tokenizer, None, ""), device="cpu")
    encoded = stepper.read(" ".join(["word7"] * PLACES))
    encoder = library.modeling_outputs.BaseModelOutput(last_hidden_state=encoded.memory.looked_at.states)

    def recorded() -> None:
        state, token = stepper.start(encoded.memory), stepper.description.start_token
        for _ in range(STEPS):
            state, record = stepper.step(encoded.memory, state, [token])
            packed = record.packed[0].cpu()
            token = int(packed[: record.vocabulary].argmax())

    def alone() -> None:
        cache, token = library.EncoderDecoderCache(library.DynamicCache(), library.DynamicCache()), 0
        for _ in range(STEPS):
            output = plain(decoder_input_ids=torch.tensor([[token]]), encoder_outputs=encoder, cache=cache, use_cache=True)
            token = int(output.logits[0, -1].argmax())

    with torch.inference_mode():
        seconds = in_turns(recorded, alone, rounds=rounds, warm_up=WARM_UP, clock=time.thread_time)
    return seconds[0] / STEPS, seconds[1] / STEPS, sum(own.numel() for own in model.parameters())
