"""Somebody's own recorded network in the window: a track a quantity, and no place kept for an input that is not there."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch
from PIL import Image
from torch import nn

import unrolled
from unrolled.viewer.client.backend_client import BackendProcess
from unrolled.viewer.state import commands as c
from unrolled.viewer.views.tracks import TracksView
from unrolled.viewer.window.application import make_window
from unrolled.viewer.window.settings import WindowSettings

WORDS = ["a", "small", "network", "of", "somebody", "else"]


class Attentive(nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn = nn.LSTM(3, 8, num_layers=2, bidirectional=True, batch_first=True)
        self.attend = nn.MultiheadAttention(16, 2, batch_first=True)

    def forward(self, x, source):
        return self.attend(self.rnn(x)[0], source, source)[0]


def recorded(**options):
    torch.manual_seed(0)
    net = Attentive()
    with unrolled.record(net) as recording:
        net(torch.randn(1, len(WORDS), 3), torch.randn(1, 3, 16))
    return recording.trace(tokens=WORDS, **options)


@pytest.fixture
def window(qtbot, served, tmp_path):
    backend = BackendProcess(endpoint=served)
    made = make_window(WindowSettings(tmp_path / "settings.ini"), backend)
    made.remembers = False
    made.show()
    yield made
    made.close()
    made.deleteLater()


def opened(window, qtbot, trace, path):
    trace.save(path)
    window.do(c.Open(path))
    qtbot.waitUntil(lambda: window.session.trace is not None)
    window.coordinator.flush()


def test_every_quantity_of_units_has_a_track(window, qtbot, tmp_path):
    trace = recorded(modules=["rnn"])
    opened(window, qtbot, trace, tmp_path / "net.safetensors")
    tracks = {track.name for track in window.findChild(TracksView).tracks}
    assert [channel.shape for channel in trace.channels.values()] == [(2, 8)] * 2 * 6  # two layers are an axis
    assert {f"{name}[layer=1]" for name in trace.channels} <= tracks  # of the last layer, until another is chosen
    assert window.layout_.left.isHidden()


def test_heads_are_aligned_with_what_they_look_at(window, qtbot, tmp_path):
    opened(window, qtbot, recorded(source=["x", "y", "z"]), tmp_path / "net.safetensors")
    assert not window.layout_.left.isHidden()
    assert window.layout_.sections["alignment"].isVisible()


def test_a_picture_of_a_recorded_network_waits_for_its_plots(tmp_path, monkeypatch):
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    recorded(modules=["rnn"]).save(tmp_path / "net.safetensors")
    words = ["--screenshot", tmp_path / "net.png", "--theme", "light", "--size", "1440x900", tmp_path / "net.safetensors"]
    shown = subprocess.run([sys.executable, "-m", "unrolled.viewer", *map(str, words)], capture_output=True, text=True,
                           check=False)
    assert shown.returncode == 0, shown.stderr
    with Image.open(tmp_path / "net.png") as image:
        heat = image.convert("RGB").crop((200, 320, 900, 360))  # a row of gates
        assert len(heat.getcolors(1 << 20)) > 20
