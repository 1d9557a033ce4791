"""Captioners of ImageCaptioning.pytorch, small, with random weights, and how they write."""

from __future__ import annotations

import argparse
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from their_models import DEVIATION, MEAN, Written, stirred
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.models.resnet import BasicBlock, ResNet

VOCABULARY = {str(number): word for number, word in enumerate(("a", "dog", "runs", "on", "grass", "red", "ball", "UNK"), 1)}
COUNT, FEATURES, UNITS, WORD, SIZE = len(VOCABULARY) + 1, 512, 7, 5, 6


class Attention(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.h2att, self.alpha_net = nn.Linear(UNITS, SIZE), nn.Linear(SIZE, 1)


class Att2in2Core(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.a2c, self.i2h, self.h2h = nn.Linear(UNITS, 2 * UNITS), nn.Linear(WORD, 5 * UNITS), nn.Linear(UNITS, 5 * UNITS)
        self.attention = Attention()


class UpDownCore(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.att_lstm, self.lang_lstm = nn.LSTMCell(WORD + 2 * UNITS, UNITS), nn.LSTMCell(2 * UNITS, UNITS)
        self.attention = Attention()


class Captioner(nn.Module):
    def __init__(self, kind: str, normalised: int = 0) -> None:
        super().__init__()
        self.embed = nn.Sequential(nn.Embedding(COUNT, WORD), nn.ReLU(), nn.Dropout(0.5))
        if kind == "updown":
            self.fc_embed = nn.Sequential(nn.Linear(FEATURES, UNITS), nn.ReLU(), nn.Dropout(0.5))
        self.att_embed = nn.Sequential(
            *((nn.BatchNorm1d(FEATURES),) if normalised else ()), nn.Linear(FEATURES, UNITS), nn.ReLU(), nn.Dropout(0.5),
            *((nn.BatchNorm1d(UNITS),) if normalised == 2 else ()))
        self.logit, self.ctx2att = nn.Linear(UNITS, COUNT), nn.Linear(UNITS, SIZE)
        self.core = UpDownCore() if kind == "updown" else Att2in2Core()


def resnet() -> Any:
    """With Caffe's strides, as theirs is."""
    network = stirred(lambda: ResNet(BasicBlock, [1, 1, 1, 1]), scale=0.05)
    network.maxpool = nn.MaxPool2d(3, 2, 0, ceil_mode=True)
    for layer in (network.layer2, network.layer3, network.layer4):
        layer[0].conv1.stride, layer[0].conv2.stride = (2, 2), (1, 1)
    return network


@torch.no_grad()
def looked(picture: Image.Image, network: Any) -> tuple[Tensor, Tensor]:
    """The 196 cells' features, and their mean over the network's own grid."""
    values = (np.asarray(picture.convert("RGB"), np.float32) / 255.0 - MEAN) / DEVIATION
    grid = torch.from_numpy(values.astype(np.float32)).permute(2, 0, 1)[None]
    for name, child in network.named_children():
        if name not in ("avgpool", "fc"):
            grid = child(grid)
    return F.adaptive_avg_pool2d(grid, [14, 14])[0].flatten(1).T, grid.mean(3).mean(2)


def captioner(seed: int, kind: str, normalised: int, places: Tensor) -> Any:
    """Weights for which these places differ."""
    model = stirred(lambda: Captioner(kind, normalised), seed, 0.7)
    middle, spread = places.mean(dim=0), places.std(dim=0) + 0.05
    with torch.no_grad():
        linear = model.att_embed[int(normalised > 0)]
        linear.weight.mul_(2 * FEATURES**-0.5)
        if normalised:
            model.att_embed[0].running_mean.copy_(middle)
            model.att_embed[0].running_var.copy_(spread**2)
            model.att_embed[0].weight.fill_(1.0)
        else:
            linear.weight.div_(spread)
            linear.bias.sub_(linear.weight @ middle)
        if kind == "updown":
            model.fc_embed[0].weight.mul_(0.1)
        model.embed[0].weight.mul_(4)
        model.core.attention.alpha_net.weight.mul_(2)
        model.logit.weight.mul_(2)
        model.logit.bias[0] = -3
    return model


@torch.no_grad()
def captioned(model: Any, places: Tensor, mean: Tensor, steps: int) -> Written:
    """The most probable words, and the attention of each; 0 ends."""
    core, vectors = model.core, model.att_embed(places)
    state, word, words, maps = [torch.zeros(1, UNITS)] * 4, 0, [], []

    def attend(hidden: Tensor) -> Tensor:
        joined = torch.tanh(model.ctx2att(vectors) + core.attention.h2att(hidden))
        maps.append(core.attention.alpha_net(joined)[:, 0].softmax(dim=0))
        return maps[-1] @ vectors

    for _ in range(steps):
        read = F.relu(model.embed[0](torch.tensor([word])))
        if isinstance(core, UpDownCore):
            lower = core.att_lstm(torch.cat((state[2], model.fc_embed(mean), read), dim=1), tuple(state[:2]))
            upper = core.lang_lstm(torch.cat((attend(lower[0])[None], lower[0]), dim=1), tuple(state[2:]))
            state = [*lower, *upper]
            hidden = upper[0]
        else:
            context = attend(state[0])
            sums = core.i2h(read) + core.h2h(state[0])
            gates, rest = sums[:, : 3 * UNITS].sigmoid(), sums[:, 3 * UNITS :] + core.a2c(context)
            cell = gates[:, UNITS : 2 * UNITS] * state[1] + gates[:, :UNITS] * torch.maximum(rest[:, :UNITS], rest[:, UNITS:])
            hidden = gates[:, 2 * UNITS :] * torch.tanh(cell)
            state = [hidden, cell]
        word = int(model.logit(hidden).argmax())
        words.append(word)
        if word == 0:
            break
    return words, maps


def saved(folder: Path, model: Any, network: Any, *, kind: str, append: str = "", protocol: int = 2, **options: Any) -> Path:
    """As the original leaves it: a state dict, and a pickle of an old protocol with an `argparse.Namespace`."""
    path = folder / f"model{append}.pth"
    torch.save(model.state_dict(), path)
    opt = argparse.Namespace(caption_model=kind, rnn_size=UNITS, seq_length=16, max_length=20,
                             input_att_dir="data/cocotalk_att", **options)
    infos = {"iter": 3, "opt": opt, "vocab": VOCABULARY, "best_val_score": np.float64(0.9), "split_ix": {"train": [1, 2]}}
    (folder / f"infos_mine{append}.pkl").write_bytes(pickle.dumps(infos, protocol=protocol))
    torch.save(network.state_dict(), folder / "resnet18.pth")
    return path
