"""Other people's models as their checkpoints have them, small, with random weights, and how they write."""

from __future__ import annotations

import string
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torchvision.models.resnet import BasicBlock, Bottleneck, ResNet

MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
WORDS = ("<pad>", "a", "dog", "runs", "grass", "on", "red", "ball", "<unk>", "<start>", "<end>", "the")
Written = tuple[list[int], list[Tensor]]


def stirred(make: Callable[[], nn.Module], seed: int = 0, scale: float = 0.6) -> Any:
    """A module with weights far from zero, so that words differ and nothing is hidden by rounding."""
    torch.manual_seed(seed)
    module = make()
    for name, parameter in module.named_parameters():
        if "resnet" not in name:
            nn.init.normal_(parameter, std=scale)
    return module.eval()


def pixels(picture: Image.Image, size: int, way: Image.Resampling) -> Tensor:
    values = np.asarray(picture.convert("RGB").resize((size, size), way), np.float32) / 255.0
    return torch.from_numpy(((values - MEAN) / DEVIATION).astype(np.float32)).permute(2, 0, 1)[None]


# ── a PyTorch Tutorial to Image Captioning ──────────────────────────────────────────────────────────────────────────

class Encoder(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.resnet = nn.Sequential(*list(ResNet(BasicBlock, [1, 1, 1, 1]).children())[:-2])
        self.adaptive_pool = nn.AdaptiveAvgPool2d((6, 6))


class Attention(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.encoder_att, self.decoder_att, self.full_att = nn.Linear(512, 9), nn.Linear(7, 9), nn.Linear(9, 1)
        self.relu, self.softmax = nn.ReLU(), nn.Softmax(dim=1)


class DecoderWithAttention(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.attention, self.embedding = Attention(), nn.Embedding(len(WORDS), 5)
        self.dropout, self.decode_step = nn.Dropout(0.5), nn.LSTMCell(5 + 512, 7)
        self.init_h, self.init_c, self.f_beta, self.fc = (nn.Linear(512, 7), nn.Linear(512, 7), nn.Linear(7, 512),
                                                         nn.Linear(7, len(WORDS)))


def show_attend_tell() -> tuple[Encoder, DecoderWithAttention]:
    encoder, decoder = stirred(Encoder), stirred(DecoderWithAttention, 5)
    for layer in (decoder.init_h, decoder.init_c, decoder.decode_step, decoder.attention.encoder_att):
        for name, parameter in layer.named_parameters():
            if "bias" not in name and parameter.shape[-1] >= 512:
                parameter.data.mul_(0.15)
    decoder.fc.bias.data.mul_(0.2)
    decoder.embedding.weight.data.mul_(3)
    return encoder, decoder


@torch.no_grad()
def caption_attending(encoder: Encoder, decoder: DecoderWithAttention, picture: Image.Image, steps: int) -> Written:
    """The most probable words, and the attention of each."""
    grid = encoder.adaptive_pool(encoder.resnet(pixels(picture, 256, Image.Resampling.BILINEAR)))
    places = grid.permute(0, 2, 3, 1).reshape(1, -1, 512)
    mean = places.mean(dim=1)
    h, c, word, attention = decoder.init_h(mean), decoder.init_c(mean), WORDS.index("<start>"), decoder.attention
    words, maps = [], []
    for _ in range(steps):
        hidden = attention.relu(attention.encoder_att(places) + attention.decoder_att(h).unsqueeze(1))
        alpha = attention.softmax(attention.full_att(hidden).squeeze(2))
        context = torch.sigmoid(decoder.f_beta(h)) * (places * alpha.unsqueeze(2)).sum(dim=1)
        h, c = decoder.decode_step(torch.cat([decoder.embedding(torch.tensor([word])), context], dim=1), (h, c))
        word = int(decoder.fc(h).argmax())
        words.append(word)
        maps.append(alpha[0])
        if word == WORDS.index("<end>"):
            break
    return words, maps


# ── pytorch-tutorial ────────────────────────────────────────────────────────────────────────────────────────────────

class Vocabulary:
    def __init__(self) -> None:
        self.word2idx = {word: number for number, word in enumerate(WORDS)}
        self.idx2word = dict(enumerate(WORDS))
        self.idx = len(WORDS)


class EncoderCNN(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.resnet = nn.Sequential(*list(ResNet(Bottleneck, [1, 1, 1, 1]).children())[:-1])
        self.linear, self.bn = nn.Linear(2048, 5), nn.BatchNorm1d(5, momentum=0.01)


class DecoderRNN(nn.Module):
    def __init__(self, layers: int = 1) -> None:
        super().__init__()
        self.embed, self.lstm = nn.Embedding(len(WORDS), 5), nn.LSTM(5, 7, layers, batch_first=True)
        self.linear = nn.Linear(7, len(WORDS))


@torch.no_grad()
def caption_with_feature(encoder: EncoderCNN, decoder: DecoderRNN, picture: Image.Image, steps: int) -> Written:
    """The most probable words, and the state of the last layer after each; the picture's feature is read first."""
    features = encoder.resnet(pixels(picture, 224, Image.Resampling.LANCZOS)).reshape(1, -1)
    inputs, state, words, hidden = encoder.bn(encoder.linear(features)).unsqueeze(1), None, [], []
    for _ in range(steps):
        output, state = decoder.lstm(inputs, state)
        words.append(int(decoder.linear(output[0, 0]).argmax()))
        hidden.append(output[0, 0])
        inputs = decoder.embed(torch.tensor([words[-1:]]))
        if words[-1] == WORDS.index("<end>"):
            break
    return words, hidden


# ── char-rnn ────────────────────────────────────────────────────────────────────────────────────────────────────────

class CharRNN(nn.Module):
    def __init__(self, model: str = "gru", layers: int = 2) -> None:
        super().__init__()
        size = len(string.printable)
        self.model, self.input_size, self.hidden_size, self.output_size, self.n_layers = model, size, 8, size, layers
        self.encoder = nn.Embedding(size, 8)
        self.rnn = (nn.GRU if model == "gru" else nn.LSTM)(8, 8, layers)
        self.decoder = nn.Linear(8, size)


@torch.no_grad()
def continued(model: CharRNN, prompt: str, steps: int) -> Written:
    """The most probable characters after a text, and the state of the last layer after each character."""
    read: Callable[[int], Tensor] = lambda token: model.encoder(torch.tensor([token])).view(1, 1, -1)  # noqa: E731
    tokens, state, hidden = [string.printable.index(character) for character in prompt], None, []
    for step in range(steps):
        output, state = model.rnn(read(tokens[step]), state)
        hidden.append(output[0, 0])
        if step + 1 == len(tokens):
            tokens.append(int(model.decoder(output[0, 0]).argmax()))
    return tokens, hidden
