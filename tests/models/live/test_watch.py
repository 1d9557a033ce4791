"""A training that is watched: its gradients are those of autograd, it learns the same to the last bit, and it never waits."""

from __future__ import annotations

import doctest
import threading
import time

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence
from torch.optim.optimizer import _global_optimizer_pre_hooks
from unrolled_cells import unrolled_by_hand

import unrolled
from unrolled.models.notebook import watching
from unrolled.models.notebook.seen_updates import WAITING
from unrolled.models.protocol.client import BackendClient
from unrolled.models.protocol.watching import FollowTraining, KeptUpdates, WatchBegun, WatchedLosses, WatchedUpdate, WatchEnded

STEPS, BATCH, FEATURES, UNITS = 7, 3, 4, 5
KINDS = {nn.LSTM: "lstm", nn.GRU: "gru", nn.RNN: "rnn"}


def by_hand(module, x, states, loss_of, masks=()):
    """‖∂L/∂h_t‖ and ‖∂L/∂c_t‖ by layer and direction, of one sequence (T, 1, F), from a graph of single steps."""
    kind, both = KINDS[type(module)], 2 if module.bidirectional else 1
    kept, ends, given = {}, [], x
    for layer in range(module.num_layers):
        outputs = []
        for way in range(both):
            suffix = f"_l{layer}{'_reverse' if way else ''}"
            weights = [getattr(module, name + suffix, None)
                       for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh", "weight_hr")]
            begin = [part[layer * both + way] for part in states]
            found, h, c = unrolled_by_hand(kind, given, (begin[0], begin[-1]), *weights,
                                           relu=getattr(module, "nonlinearity", "") == "relu", reverse=bool(way))
            kept[layer, way] = found
            outputs.append(torch.stack(found["hidden"]))
            ends.append((h, c))
        given = torch.cat(outputs, -1)
        if layer < len(masks):
            given = given * masks[layer]
    loss_of(given, torch.stack([h for h, _ in ends]), torch.stack([c for _, c in ends])).backward()
    return {place: tuple(torch.stack([own.grad[0].norm() for own in found[name]]).detach().numpy() if name in found else None
                         for name in ("hidden", "cell")) for place, found in kept.items()}


def assert_alike(gradients, wanted):
    assert len(gradients) == len(wanted)
    for own, (hidden, cell) in zip(gradients, wanted.values(), strict=True):
        np.testing.assert_allclose(own.norms(of_cell=False), hidden, rtol=2e-4, atol=1e-7)
        assert bool(own.cell) == (cell is not None)
        if cell is not None:
            np.testing.assert_allclose(own.norms(of_cell=True), cell, rtol=2e-4, atol=1e-7)


@pytest.mark.parametrize(("kind", "extra"), [
    (nn.LSTM, {"num_layers": 2, "bidirectional": True}), (nn.LSTM, {"num_layers": 3, "batch_first": True}),
    (nn.LSTM, {"proj_size": 2, "num_layers": 2}), (nn.GRU, {"num_layers": 2, "bidirectional": True, "batch_first": True}),
    (nn.GRU, {"bias": False}), (nn.RNN, {"num_layers": 2}), (nn.RNN, {"nonlinearity": "relu"})])
def test_gradients_are_those_of_autograd(kind, extra):
    torch.manual_seed(2)
    module = kind(FEATURES, UNITS, **extra)
    rows, hidden = module.num_layers * (2 if module.bidirectional else 1), extra.get("proj_size", UNITS)
    x = torch.randn(STEPS, BATCH, FEATURES)
    states = [torch.randn(rows, BATCH, hidden), torch.randn(rows, BATCH, UNITS)][: 2 if kind is nn.LSTM else 1]
    weights = [torch.randn(*shape) for shape in (
        (STEPS, BATCH, hidden * rows // module.num_layers), (rows, BATCH, hidden), (rows, BATCH, UNITS))]

    def loss_of(output, h, c, place=slice(None)):
        found = (output * weights[0][:, place]).sum() + (h * weights[1][:, place]).sum()
        return found + (c * weights[2][:, place]).sum() if kind is nn.LSTM else found

    with unrolled.watch(module, every=1, item=1, window=False) as w:
        output, last = module(x.transpose(0, 1) if module.batch_first else x, tuple(states) if kind is nn.LSTM else states[0])
        h, c = last if kind is nn.LSTM else (last, last)
        loss_of(output.transpose(0, 1) if module.batch_first else output, h, c).backward()
        w.update()
    one = slice(1, 2)
    wanted = by_hand(module, x[:, one], [part[:, one] for part in states], lambda *given: loss_of(*given, one))
    assert not w.notes
    assert_alike(w.seen[-1].gradients, wanted)


def test_gradients_of_packed_sequences_and_through_dropout():
    torch.manual_seed(3)
    module = nn.LSTM(FEATURES, UNITS, 2, dropout=0.5)
    x, lengths, weights = torch.randn(STEPS, BATCH, FEATURES), [3, 7, 5], torch.randn(STEPS, BATCH, UNITS)
    with unrolled.watch(module, every=1, item=2, window=False) as w:
        output, _ = pad_packed_sequence(module(pack_padded_sequence(x, lengths, enforce_sorted=False))[0])
        (output * weights).sum().backward()
        call = w._hooks._kept.capture.hooks.series[""].calls[0]
        w.update()
    masks = (call.values(call.inputs[1], 2) / call.values(call.outputs[0], 2)).round()
    assert set(masks.unique().tolist()) == {0.0, 2.0}
    one, zero = slice(2, 3), torch.zeros(2, 1, UNITS)
    wanted = by_hand(module, x[:5, one], [zero, zero], lambda output, *_: (output * weights[:5, one]).sum(), masks=[masks])
    assert_alike(w.seen[-1].gradients, wanted)


@pytest.mark.parametrize("cell", [nn.LSTMCell(FEATURES, UNITS), nn.GRUCell(FEATURES, UNITS)], ids=["lstm", "gru"])
def test_gradients_of_a_loop_over_a_cell(cell):
    class Loop(nn.Module):
        def __init__(self):
            super().__init__()
            self.cell = cell

        def forward(self, x):
            state = None
            found = []
            for step in x:
                state = self.cell(step, state)
                found.append(state[0] if isinstance(state, tuple) else state)
            return torch.stack(found)

    x, weights = torch.randn(STEPS, BATCH, FEATURES), torch.randn(STEPS, BATCH, UNITS)
    with unrolled.watch(Loop(), every=1, window=False) as w:
        (w._hooks._network(x) * weights).sum().backward()
        w.update()
    kind = "lstm" if isinstance(cell, nn.LSTMCell) else "gru"
    zero = torch.zeros(1, UNITS)
    kept, *_ = unrolled_by_hand(kind, x[:, :1], (zero, zero), cell.weight_ih, cell.weight_hh, cell.bias_ih, cell.bias_hh)
    (torch.stack(kept["hidden"]) * weights[:, :1]).sum().backward()
    wanted = {name: torch.stack([own.grad[0].norm() for own in kept[name]]).numpy() for name in {"hidden", "cell"} & kept.keys()}
    assert_alike(w.seen[-1].gradients, {0: (wanted["hidden"], wanted.get("cell"))})


def trained(watched, updates=12, **options):
    """A small training, its weights afterwards, and what watched it."""
    torch.manual_seed(7)
    net, out = nn.LSTM(2, 6, 2, dropout=0.3), nn.Linear(6, 1)
    optimiser = torch.optim.Adam([*net.parameters(), *out.parameters()], lr=0.02)
    w = unrolled.watch(net, window=False, **options) if watched else None
    norms = []
    for _ in range(updates):
        x = torch.randn(5, 4, 2)
        loss = (out(net(x)[0][-1]) - x.sum((0, 2)).unsqueeze(-1)).square().mean()
        optimiser.zero_grad()
        loss.backward()
        before = torch.stack([own.grad.norm() for own in net.parameters()]).norm()
        nn.utils.clip_grad_norm_(net.parameters(), 0.25)
        norms.append((float(before), float(torch.stack([own.grad.norm() for own in net.parameters()]).norm()), loss.item()))
        optimiser.step()
        if w is not None:
            w.loss(loss)
            w.seen  # noqa: B018  # so that none is dropped
    return net, norms, w


def test_a_watched_training_is_the_same_training():
    plain, norms, _ = trained(False)
    net, _, w = trained(True, every=4, probe=torch.ones(6, 1, 2), tokens=list("abcdef"))
    for one, other in zip(plain.parameters(), net.parameters(), strict=True):
        assert torch.equal(one, other)
    assert [own.update for own in w.seen] == [0, 1, 4, 8, 12]
    for own in w.seen[1:]:
        before, after, loss = norms[own.update - 1]
        assert own.norm_before == pytest.approx(before, rel=1e-5)
        assert own.norm_after == pytest.approx(after, rel=1e-5)
        assert w.losses[own.update] == pytest.approx(loss)
    assert len(w.losses) == 12
    net.eval()
    with torch.no_grad():
        output, _ = net(torch.ones(6, 1, 2))
    trace = w.trace()
    np.testing.assert_allclose(trace.column("hidden")[:, 1], output[:, 0].numpy(), atol=1e-6)
    assert trace.words == list("abcdef")
    assert not np.allclose(w.trace(0).column("hidden")[:, 1], output[:, 0].numpy(), atol=1e-3)
    w.close()
    assert not net._forward_hooks
    assert not net._forward_pre_hooks
    assert not _global_optimizer_pre_hooks
    assert "unrolled watch" not in {thread.name for thread in threading.enumerate()}
    assert w._repr_html_().count("<svg") == 2


@pytest.mark.parametrize("options", [{"every": 0}, {"enabled": False}])
def test_what_is_switched_off_hooks_nothing(options):
    net, _, w = trained(True, updates=2, probe=torch.ones(6, 1, 2), **options)
    assert not net._forward_hooks
    assert not _global_optimizer_pre_hooks
    assert (w.updates, w.seen, w.losses) == (0, (), {})
    w.close()


def test_the_training_never_waits_and_what_is_left_out_is_counted(monkeypatch):
    gate = threading.Event()
    ready = unrolled.models.notebook.seen_updates.SeenUpdates._ready
    monkeypatch.setattr(unrolled.models.notebook.seen_updates.SeenUpdates, "_ready",
                        lambda own, kept: gate.wait(20) and ready(own, kept))
    net = nn.GRU(2, 3)
    optimiser = torch.optim.SGD(net.parameters(), lr=0.1)
    w = unrolled.watch(net, every=1, window=False)
    started = time.monotonic()
    for _ in range(12):
        net(torch.randn(4, 2, 2))[0].sum().backward()
        optimiser.step()
    assert time.monotonic() - started < 10
    assert w.updates == 12
    assert w.dropped >= 12 - WAITING - 1
    gate.set()
    assert len(w.seen) + w.dropped == 13  # with the one before the first
    w.close()


def test_what_cannot_be_watched_is_a_sentence_and_the_training_goes_on():
    with pytest.raises(ValueError, match="The probe cannot be run: RuntimeError"):
        unrolled.watch(nn.LSTM(2, 3), probe=torch.ones(4, 1, 9), window=False)
    with pytest.raises(ValueError, match="every=-1"):
        unrolled.watch(nn.LSTM(2, 3), every=-1)
    with pytest.raises(TypeError, match=r"torch.nn.Module"):
        unrolled.watch(lambda x: x)
    net = nn.LSTM(2, 3)
    with unrolled.watch(net, every=1, window=False) as w:
        with unrolled.record(net) as recording:
            net(torch.ones(4, 1, 2))[0].sum().backward()
        w.update()
    assert recording.columns()["hidden"].shape == (4, 3)
    assert "could not be watched: RuntimeError: This LSTM is being recorded already" in w.notes[0]


def test_a_window_that_comes_late_is_told_everything():
    _, _, w = trained(True, every=4, probe=torch.ones(6, 1, 2))
    with BackendClient(w.endpoint) as client:
        client.send(FollowTraining())
        begun, losses = client.expect(WatchBegun), client.expect(WatchedLosses)
        assert len(losses.pairs()[0]) == 12
        seen = [client.expect(WatchedUpdate) for _ in range(5)]
        np.testing.assert_array_equal(begun.trace(seen[-1]).column("cell"), w.trace().column("cell"))
        closing = threading.Thread(target=w.close)
        closing.start()
        assert client.expect(WatchEnded).updates == 12
    closing.join()


def test_what_is_kept_is_bounded():
    kept = KeptUpdates(most=10)
    for update in range(1000):
        assert kept.add(WatchedUpdate(update))
    assert not kept.add(WatchedUpdate(999))
    numbers = [own.update for own in kept]
    assert len(numbers) <= 10
    assert numbers[0] == 0
    assert numbers[-3:] == [997, 998, 999]


def test_the_examples():
    assert doctest.testmod(watching).failed == 0
