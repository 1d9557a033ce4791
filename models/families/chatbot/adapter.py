"""The tutorial's chatbot in our own cells: layers of GRU, attention by one of Luong's three scores, a linear layer.

Luong et al. 2015: dot e = s · h, general e = s · (W h + b), concat e = v · tanh(W [s; h] + b). What reads the sentence is
torch's own GRU, whose two directions are summed. Checkpoints, ``{en, de, embedding, voc_dict, …}``, need nothing else.
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from unrolled.models.adapters.adapter import Named, PickledAdapter
from unrolled.models.cells import CellState
from unrolled.models.checkpoints.companions import numbered_words
from unrolled.models.checkpoints.files import CheckpointError, misfit
from unrolled.models.checkpoints.fitting import check_there, fitted, of_shapes, renamed
from unrolled.models.checkpoints.pickled import PickledCheckpoint
from unrolled.models.families.chatbot.reference import ChatbotReference
from unrolled.models.stepping.attentional import AttentionalConfig, AttentionalDecoder, AttentionalMemory, AttentionalStepper
from unrolled.models.stepping.layers import kind_of, layer_count, layer_names, layer_weights
from unrolled.models.stepping.stepper import EncodedInput, InputError
from unrolled.models.tokenizers.plain_signs import unseen
from unrolled.models.trace import ModelDescription
from unrolled.models.trace.description import Identity

NAMES = {"embed.": "embedding.", "combine.": "concat.", "score.": "out."}
ATTENTION = {"attend.features_to_size.": "attn.attn."}
MAXIMUM_STEPS = 10   # words of an answer, as the tutorial has it
LONGEST_SENTENCE = 200
START, END = 1, 2
FAMILY = "PyTorch’s chatbot tutorial"
NEEDED = ("en.gru.weight_hh_l0", "de.embedding.weight", "de.out.bias", "de.concat.bias")
RECOGNISES = Named(("en.gru.weight_hh_l0_reverse", "de.gru.weight_hh_l0", "de.concat.weight", "de.out.weight"))


class SentenceReader(nn.Module):
    def __init__(self, hidden: int, layers: int) -> None:
        super().__init__()
        self.gru = nn.GRU(hidden, hidden, layers, bidirectional=True)
        self.eval().requires_grad_(False)

    def forward(self, words: Tensor) -> tuple[Tensor, Tensor]:
        """Vectors of words (L, hidden) → the sum of both directions (1, L, hidden), and all last states (2 · layers, hidden)."""
        both, last = self.gru(words)
        return (both[:, : self.gru.hidden_size] + both[:, self.gru.hidden_size :]).unsqueeze(0), last


def scoring(theirs: Mapping[str, Tensor]) -> str:
    """Which of Luong's scores a decoder has, by the names of its weights."""
    return "concat" if "attn.v" in theirs else "general" if "attn.attn.weight" in theirs else "dot"


def reader_of(path: Path, theirs: Mapping[str, Tensor], hidden: int) -> SentenceReader:
    """From the encoder's weights. Raises `CheckpointError`."""
    own = renamed(path, {name: value for name, value in theirs.items() if not name.startswith("embedding.")}, {"gru.": "gru."})
    layers = layer_count(theirs, "gru.")
    return fitted(path, lambda: SentenceReader(hidden, layers), own, {"gru.": "en.gru."})


def decoder_of(path: Path, theirs: Mapping[str, Tensor]) -> AttentionalDecoder:
    """From the decoder's weights. Raises `CheckpointError`."""
    table, kind = theirs["embedding.weight"], kind_of(theirs, "gru.", ("gru",))
    if table.ndim != 2 or not kind:
        raise misfit(path, "its decoder is not a GRU over words")
    hidden, method = theirs["gru.weight_hh_l0"].shape[1], scoring(theirs)
    config = AttentionalConfig(kind, layer_count(theirs, "gru."), len(table), table.shape[1], hidden, features=hidden, fed=False,
                               bias=True, attention=hidden if method == "concat" else 0, projected=method == "general")
    behind = {name: value for name, value in theirs.items() if not name.startswith(("gru.", "attn."))}
    attention = {name: value for name, value in theirs.items() if name.startswith("attn.")}
    if method == "concat":
        weight, score, _ = of_shapes(path, attention, {"attn.attn.weight": (hidden, 2 * hidden), "attn.v": (hidden,),
                                                       "attn.attn.bias": (hidden,)})
        del attention["attn.v"]
        behind |= attention | {"attn.attn.weight": weight[:, hidden:]}
        added = {"attend.hidden_to_size.weight": weight[:, :hidden], "attend.score.weight": score.unsqueeze(0)}
    else:
        behind, added = behind | attention, {}
    names = NAMES | ATTENTION
    weights = renamed(path, behind, names) | added | layer_weights(theirs, "gru.", "layers.")
    told = layer_names(config.layers, "gru.", "layers.") | names
    return fitted(path, lambda: AttentionalDecoder(config), weights, {own: f"de.{their}" for own, their in told.items()})


def first_state(last: Tensor, layers: int) -> CellState:
    """Of the encoder's last states (2 · layers, hidden) as many as the decoder has layers, in their order, each (1, 1, hidden).

    Torch lays them out layer by layer, so that a decoder of two layers begins with both directions of the lowest.
    """
    return tuple(part.view(1, 1, -1) for part in torch.unbind(last[:layers]))


def words_of(sentence: str) -> list[str]:
    """The words; whatever is no letter and no mark parts them, and a mark right in front of letters belongs to them."""
    decomposed = unicodedata.normalize("NFD", sentence.lower())
    return re.findall(r"[.!?]?[a-z]+|[.!?]", "".join(sign for sign in decomposed if unicodedata.category(sign) != "Mn"))


class ChatbotStepper(AttentionalStepper):
    def __init__(self, network: AttentionalDecoder, encoder: SentenceReader, words: Sequence[str], numbers: Mapping[str, int], *,
                 identity: Identity, device: str = "cpu") -> None:
        super().__init__(network, device=device)
        self.encoder, self.numbers = encoder.to(self.device), numbers
        self.description = ModelDescription(
            **identity._asdict(), task="conversation", channels=self.channels(1), words=tuple(words), start_token=START,
            end_token=END, maximum_steps=MAXIMUM_STEPS, encoder="GRU that reads both ways", input_kind="sentence",
            parameters=sum(p.numel() for own in (network, encoder) for p in own.parameters()))

    @torch.inference_mode()
    def read(self, given: str) -> EncodedInput[AttentionalMemory]:
        """Read a sentence; words that were not in the training are left out, which is said. Raises `InputError`."""
        words = words_of(given)
        known = [word for word in words if word in self.numbers][:LONGEST_SENTENCE]
        notes = unseen((word for word in words if word not in self.numbers), "left out")
        if not known:
            raise InputError("There is no sentence to answer: this model knows none of its words."
                             if notes else "There is no sentence to answer.")
        tokens = torch.tensor([*(self.numbers[word] for word in known), END], device=self.device)
        features, last = self.encoder(self.network.embed(tokens))
        return self.encoded(features, first_state(last, self.network.config.layers), (*known, self.description.words[END]),
                            given=" ".join(known), maximum_steps=MAXIMUM_STEPS, notes=notes)

    def reference(self) -> ChatbotReference:
        return ChatbotReference(self.weights(), tokens=lambda sentence: [*(self.numbers[word] for word in sentence.split()), END])


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


ADAPTER = PickledAdapter(family=FAMILY, input_kind="sentence", recognises=RECOGNISES, open=open_chatbot)
