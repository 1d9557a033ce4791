"""Other people's translators and chatbots, small, with random weights, and how they write: by torch's own modules."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from their_models import Written, stirred
from torch import Tensor, nn
from torch.nn import functional as F

GERMAN = ("<unk>", "<pad>", "<s>", "</s>", "der", "hund", "läuft", "auf", "gras", "ein", "mann", "sitzt")
ENGLISH = ("<unk>", "<pad>", "<s>", "</s>", "the", "dog", "runs", "on", "grass", "a", "man", "sits")
ANSWERS = ("PAD", "SOS", "EOS", "hello", "?", "where", "are", "you", "i", "m", "a", "lawyer", ".")


def varied(make: Callable[[int], Any], write: Callable[[Any], Written], seeds: int = 60,
           least: float = 0.02) -> tuple[Any, list[int], list[Tensor]]:
    """The first of some random models that writes different words and looks at different places."""
    for seed in range(seeds):
        model = make(seed)
        words, maps = write(model)
        if len(set(words)) > 2 and len(words) > 3 and float(torch.stack(maps).std()) > least:
            return model, words, maps
    raise AssertionError("no such model")


# ── JoeyNMT ─────────────────────────────────────────────────────────────────────────────────────────────────────────

class Embeddings(nn.Module):
    def __init__(self, count: int) -> None:
        super().__init__()
        self.lut = nn.Embedding(count, 6)


class JoeyEncoder(nn.Module):
    def __init__(self, cell: str, hidden: int, layers: int) -> None:
        super().__init__()
        self.rnn = (nn.LSTM if cell == "lstm" else nn.GRU)(6, hidden, layers, batch_first=True, bidirectional=True)


class JoeyAttention(nn.Module):
    def __init__(self, hidden: int, keys: int, bahdanau: bool) -> None:
        super().__init__()
        self.key_layer = nn.Linear(keys, hidden, bias=False)
        if bahdanau:
            self.query_layer, self.energy_layer = nn.Linear(hidden, hidden, bias=False), nn.Linear(hidden, 1, bias=False)


class JoeyDecoder(nn.Module):
    def __init__(self, cell: str, hidden: int, keys: int, layers: int, *, bahdanau: bool, fed: bool, bridge: bool) -> None:
        super().__init__()
        self.rnn = (nn.LSTM if cell == "lstm" else nn.GRU)(6 + hidden * fed, hidden, layers, batch_first=True)
        self.att_vector_layer = nn.Linear(hidden + keys, hidden)
        self.output_layer = nn.Linear(hidden, len(ENGLISH), bias=False)
        self.attention = JoeyAttention(hidden, keys, bahdanau)
        if bridge:
            self.bridge_layer = nn.Linear(keys, hidden)


class Joey(nn.Module):
    def __init__(self, cells: tuple[str, str] = ("gru", "gru"), layers: tuple[int, int] = (1, 1), *, bahdanau: bool = True,
                 fed: bool = True, begin: str = "bridge") -> None:
        super().__init__()
        hidden = 8 if begin == "last" else 7
        self.fed, self.begin, self.cells = fed, begin, cells
        self.src_embed, self.trg_embed = Embeddings(len(GERMAN)), Embeddings(len(ENGLISH))
        self.encoder = JoeyEncoder(cells[0], hidden, layers[0])
        self.decoder = JoeyDecoder(cells[1], 8, 2 * hidden, layers[1], bahdanau=bahdanau, fed=fed, bridge=begin == "bridge")


def joey(seed: int, *given: object, **options: object) -> Joey:
    model: Joey = stirred(lambda: Joey(*given, **options), seed, 0.7)  # type: ignore[arg-type]
    with torch.no_grad():
        model.trg_embed.lut.weight.mul_(3)
        model.decoder.output_layer.weight.mul_(3)
    return model


@torch.no_grad()
def translated(model: Joey, tokens: list[int], steps: int, scale: float = 1.0) -> Written:
    """The most probable words, START and padding aside, and the attention of each; `tokens` are without END."""
    encoded, last = model.encoder.rnn(model.src_embed.lut(torch.tensor([[*tokens, 3]])) * scale)
    last = last[0] if isinstance(last, tuple) else last
    both, decoder = torch.cat((last[-2], last[-1]), dim=-1), model.decoder
    first = (torch.tanh(decoder.bridge_layer(both)) if model.begin == "bridge" else both[:, :8] if model.begin == "last"
             else torch.zeros(1, 8))
    hidden = first.expand(decoder.rnn.num_layers, 1, 8).contiguous()
    state = (hidden, hidden) if model.cells[1] == "lstm" else hidden
    before, word, keys = torch.zeros(1, 1, 8), 2, decoder.attention.key_layer(encoded)
    words, maps = [], []
    for _ in range(steps):
        read = model.trg_embed.lut(torch.tensor([[word]])) * scale
        output, state = decoder.rnn(torch.cat((read, before), dim=-1) if model.fed else read, state)
        if hasattr(decoder.attention, "energy_layer"):
            own = decoder.attention
            scores = own.energy_layer(torch.tanh(own.query_layer(output) + keys)).transpose(1, 2)
        else:
            scores = output @ keys.transpose(1, 2)
        alpha = F.softmax(scores, dim=-1)
        before = torch.tanh(decoder.att_vector_layer(torch.cat((output, alpha @ encoded), dim=-1)))
        logits = decoder.output_layer(before)[0, 0]
        logits[[1, 2]] = -torch.inf
        word = int(logits.argmax())
        words.append(word)
        maps.append(alpha[0, 0])
        if word == 3:
            break
    return words, maps


# ── The chatbot tutorial ────────────────────────────────────────────────────────────────────────────────────────────

class BotAttention(nn.Module):
    def __init__(self, method: str) -> None:
        super().__init__()
        if method != "dot":
            self.attn = nn.Linear(8 if method == "general" else 16, 8)
        if method == "concat":
            self.v = nn.Parameter(torch.zeros(8))


class BotEncoder(nn.Module):
    def __init__(self, embedding: nn.Embedding, layers: int) -> None:
        super().__init__()
        self.embedding, self.gru = embedding, nn.GRU(8, 8, layers, bidirectional=True)


class BotDecoder(nn.Module):
    def __init__(self, embedding: nn.Embedding, method: str, layers: int) -> None:
        super().__init__()
        self.embedding, self.gru = embedding, nn.GRU(8, 8, layers)
        self.concat, self.out, self.attn = nn.Linear(16, 8), nn.Linear(8, len(ANSWERS)), BotAttention(method)


class Bot(nn.Module):
    def __init__(self, method: str = "dot", layers: int = 1) -> None:
        super().__init__()
        embedding = nn.Embedding(len(ANSWERS), 8)
        self.en, self.de = BotEncoder(embedding, layers), BotDecoder(embedding, method, layers)

    def checkpoint(self) -> dict[str, object]:
        words = {word: number for number, word in enumerate(ANSWERS) if number > 2}
        return {"iteration": 4000, "en": self.en.state_dict(), "de": self.de.state_dict(), "loss": 2.5,
                "en_opt": torch.optim.Adam(self.en.parameters()).state_dict(), "de_opt": {"state": {}, "param_groups": []},
                "voc_dict": {"name": "movies", "trimmed": True, "word2index": words, "word2count": dict.fromkeys(words, 1),
                             "index2word": dict(enumerate(ANSWERS)), "num_words": len(ANSWERS)},
                "embedding": self.de.embedding.state_dict()}


def bot(seed: int, method: str, layers: int) -> Bot:
    model: Bot = stirred(lambda: Bot(method, layers), seed, 0.6)
    with torch.no_grad():
        model.de.embedding.weight.mul_(3)
        model.de.out.weight.mul_(3)
    return model


@torch.no_grad()
def answered(model: Bot, tokens: list[int], steps: int) -> Written:
    """The most probable words, and the attention of each; `tokens` are with EOS."""
    outputs, last = model.en.gru(model.en.embedding(torch.tensor(tokens)).unsqueeze(1))
    outputs = outputs[..., :8] + outputs[..., 8:]                                              # (L, 1, 8)
    state, word, attention = last[: model.de.gru.num_layers], 1, model.de.attn
    words, maps = [], []
    for _ in range(steps):
        output, state = model.de.gru(model.de.embedding(torch.tensor([[word]])), state)
        scores: Tensor
        if hasattr(attention, "v"):
            scores = attention.attn(torch.cat((output.expand_as(outputs), outputs), dim=-1)).tanh() @ attention.v
        else:
            scores = ((attention.attn(outputs) if hasattr(attention, "attn") else outputs) * output).sum(dim=-1)
        alpha = F.softmax(scores[:, 0], dim=0)
        context = (alpha[:, None] * outputs[:, 0]).sum(dim=0, keepdim=True)
        word = int(model.de.out(torch.tanh(model.de.concat(torch.cat((output[0], context), dim=1)))).argmax())
        words.append(word)
        maps.append(alpha)
        if word == 2:
            break
    return words, maps
