"""Opens the tutorial's checkpoints: ``{en, de, embedding, voc_dict, …}``; nothing else is needed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from unrolled.models.adapters.adapter import Evaluate, Source
from unrolled.models.checkpoints.companions import numbered_words
from unrolled.models.checkpoints.files import CheckpointError
from unrolled.models.checkpoints.pickled import PickledCheckpoint
from unrolled.models.families.chatbot.network import decoder_of, reader_of, scoring
from unrolled.models.families.chatbot.stepper import END, START, ChatbotStepper
from unrolled.models.stepping.stepper import AnyStepper
from unrolled.models.trace import ModelListing
from unrolled.models.training.recipe import Recipe

NEEDED = ("de.embedding.weight", "de.out.bias", "de.concat.bias")


@dataclass(frozen=True, slots=True)
class ChatbotAdapter:
    """See `unrolled.models.adapters.adapter.ModelAdapter`."""

    family: str = "PyTorch's chatbot tutorial"
    input_kind: str = "sentence"
    recipes: Mapping[str, Recipe] = field(default_factory=dict)
    evaluate: Evaluate | None = None
    models: tuple[ModelListing, ...] = ()

    def accepts(self, source: Source) -> bool:
        return isinstance(source, PickledCheckpoint) and source.has(
            "en.gru.weight_hh_l0_reverse", "de.gru.weight_hh_l0", "de.concat.weight", "de.out.weight")

    def load(self, source: Source, device: str, reuse: AnyStepper | None) -> ChatbotStepper:
        assert isinstance(source, PickledCheckpoint)
        path = source.path
        missing = next((name for name in NEEDED if name not in source.tensors), "")
        if missing:
            raise CheckpointError(f"“{path.name}” does not fit its model: “{missing}” is missing.")
        theirs = source.under("de.")
        network = decoder_of(path, theirs)
        config = network.config
        encoder = reader_of(path, source.under("en."), config.hidden)
        if config.embedding != config.hidden or config.layers > 2 * encoder.gru.num_layers:
            raise CheckpointError(f"“{path.name}” does not fit its model: its encoder's states are too few for its decoder.")
        numbers = _numbers(source)
        words = numbered_words(path, {"PAD": 0, "SOS": START, "EOS": END} | numbers, config.vocabulary, ())
        layers = f"{config.layers} layers of {config.hidden:,} units, {scoring(theirs)} attention"
        stepper = ChatbotStepper(network, encoder, words, numbers, device=device,
                                 identity=source.identity(f"Chatbot · {path.name}", f"{self.family}, {layers}"))
        stepper.weights = source.weights_again
        return stepper


def _numbers(source: PickledCheckpoint) -> dict[str, int]:
    """The words that it knows. Raises `CheckpointError`."""
    vocabulary = source.content.get("voc_dict") if isinstance(source.content, dict) else None
    numbers = vocabulary.get("word2index") if isinstance(vocabulary, dict) else None
    if not isinstance(numbers, dict) or not all(isinstance(word, str) and isinstance(number, int)
                                                for word, number in numbers.items()):
        raise CheckpointError(f"“{source.path.name}” does not hold its words; save it with “voc_dict”, as the tutorial does.")
    return numbers


ADAPTER = ChatbotAdapter()
