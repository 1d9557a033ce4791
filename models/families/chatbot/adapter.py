"""Opens the tutorial's checkpoints: ``{en, de, embedding, voc_dict, …}``; nothing else is needed."""

from __future__ import annotations

from unrolled.models.adapters.adapter import PickledAdapter
from unrolled.models.checkpoints.companions import numbered_words
from unrolled.models.checkpoints.files import CheckpointError, misfit
from unrolled.models.checkpoints.fitting import check_there
from unrolled.models.checkpoints.pickled import PickledCheckpoint
from unrolled.models.families.chatbot.network import decoder_of, reader_of, scoring
from unrolled.models.families.chatbot.stepper import END, START, ChatbotStepper

FAMILY = "PyTorch's chatbot tutorial"
NEEDED = ("de.embedding.weight", "de.out.bias", "de.concat.bias")


def recognises(source: PickledCheckpoint) -> bool:
    return source.has("en.gru.weight_hh_l0_reverse", "de.gru.weight_hh_l0", "de.concat.weight", "de.out.weight")


def open_chatbot(source: PickledCheckpoint, device: str) -> ChatbotStepper:
    path = source.path
    check_there(path, source.tensors, NEEDED)
    theirs = source.under("de.")
    network = decoder_of(path, theirs)
    config = network.config
    encoder = reader_of(path, source.under("en."), config.hidden)
    if config.embedding != config.hidden or config.layers > 2 * encoder.gru.num_layers:
        raise misfit(path, "its encoder's states are too few for its decoder")
    numbers = _numbers(source)
    words = numbered_words(path, {"PAD": 0, "SOS": START, "EOS": END} | numbers, config.vocabulary, ())
    layers = f"{config.layers} layers of {config.hidden:,} units, {scoring(theirs)} attention"
    return ChatbotStepper(network, encoder, words, numbers, device=device,
                             identity=source.identity(f"Chatbot · {path.name}", f"{FAMILY}, {layers}"))


def _numbers(source: PickledCheckpoint) -> dict[str, int]:
    """The words that it knows. Raises `CheckpointError`."""
    vocabulary = source.content.get("voc_dict") if isinstance(source.content, dict) else None
    numbers = vocabulary.get("word2index") if isinstance(vocabulary, dict) else None
    if not isinstance(numbers, dict) or not all(isinstance(word, str) and isinstance(number, int)
                                                for word, number in numbers.items()):
        raise CheckpointError(f"“{source.path.name}” does not hold its words; save it with “voc_dict”, as the tutorial does.")
    return numbers


ADAPTER = PickledAdapter(family=FAMILY, input_kind="sentence", recognises=recognises, open=open_chatbot)
