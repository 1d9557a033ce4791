"""Somebody's own step function: what it computes is recorded and changed as in torch's modules, and misuse is named."""

from __future__ import annotations

import doctest

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

import unrolled
from unrolled.models.analysis.fidelity import Fidelity
from unrolled.models.notebook import stepping
from unrolled.models.protocol.client import BackendClient, BackendError
from unrolled.models.protocol.decoding import Decoding
from unrolled.models.protocol.questions import Answer, Ask, ExplainStep, Replay
from unrolled.models.protocol.stepping import Advance, Fork, Forked, Stepped
from unrolled.models.runs.errors import EngineError
from unrolled.models.trace.edits import ClampUnits, ForceToken, MaskAttention, ScaleUnits, UniformAttention

WORDS = ("<start>", "<end>", "a", "dog", "runs", "fast")
UNITS = 7


class Writer(nn.Module):
    """Looks at a memory with two heads, and writes with an LSTM cell."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(4)
        self.embed, self.cell = nn.Embedding(6, 4), nn.LSTMCell(8, UNITS)
        self.look, self.out = nn.MultiheadAttention(4, 2, batch_first=True), nn.Linear(UNITS, 6)
        self.query = nn.Linear(UNITS, 4)
        for parameter in self.parameters():
            parameter.data.mul_(2)
        self.memory = torch.randn(1, 5, 4)

    def next_token(self, token, state):
        h, c = state
        seen, _ = self.look(self.query(h).unsqueeze(1), self.memory, self.memory)
        h, c = self.cell(torch.cat((self.embed(torch.tensor([token])), seen[:, 0]), -1), (h, c))
        return self.out(h), (h, c)


def zeros():
    return torch.zeros(1, UNITS), torch.zeros(1, UNITS)


@pytest.fixture
def writer():
    return Writer().eval()


@pytest.fixture
def model(writer):
    with unrolled.step(writer.next_token, zeros(), vocabulary=WORDS, window=False, input="one two three four five",
                       maximum_steps=8) as made:
        yield made


@torch.no_grad()
def by_hand(writer, tokens, forget=None, even=False):
    """The same steps with the gates written out and without torch's attention module: h, f and the weights of every step."""
    (h, c), before, found = zeros(), 0, []
    cell, look = writer.cell, writer.look
    wq, wk, wv = look.in_proj_weight.chunk(3)
    bq, bk, bv = look.in_proj_bias.chunk(3)
    k, v = (F.linear(writer.memory[0], w, b).view(5, 2, 2) for w, b in ((wk, bk), (wv, bv)))
    for token in tokens:
        q = F.linear(writer.query(h)[0], wq, bq).view(2, 2)
        weights = torch.einsum("hd,shd->hs", q, k).div(2**0.5).softmax(-1)
        weights = torch.full_like(weights, 0.2) if even else weights
        seen = look.out_proj(torch.einsum("hs,shd->hd", weights, v).flatten())
        x = torch.cat((writer.embed.weight[before], seen)).unsqueeze(0)
        i, f, g, o = (F.linear(x, cell.weight_ih, cell.bias_ih) + F.linear(h, cell.weight_hh, cell.bias_hh)).chunk(4, -1)
        f = f.sigmoid() if forget is None else torch.full_like(f, forget)
        c = f * c + i.sigmoid() * g.tanh()
        h = o.sigmoid() * c.tanh()
        found.append((h[0].numpy(), f[0].numpy(), weights.numpy(), torch.log_softmax(writer.out(h)[0], -1).numpy()))
        before = token
    return [np.stack(column) for column in zip(*found, strict=True)]


def test_everything_is_what_the_equations_give(writer, model):
    trace = model.trace(edits=[ForceToken(first=step, token=3 + step % 3) for step in range(6)], steps=6)
    hidden, forget, weights, log_probs = by_hand(writer, trace.tokens)
    np.testing.assert_allclose(trace.column("hidden"), hidden, atol=1e-6)
    np.testing.assert_allclose(trace.column("forget_gate"), forget, atol=1e-6)
    np.testing.assert_allclose(trace.column("head_1/attention"), weights[:, 1], atol=1e-6)
    np.testing.assert_allclose(trace.log_probs, log_probs[np.arange(6), trace.tokens], atol=1e-5)
    assert model.fidelity < 1e-6
    assert trace.channels["head_0/attention"].axes == ("source",)
    assert trace.provenance.source == ("one", "two", "three", "four", "five")


def test_edits_hold_inside_the_modules(writer, model):
    forced = [ForceToken(first=step, token=4) for step in range(5)]
    shut = model.trace(edits=[*forced, ClampUnits(channel="forget_gate", value=0.25)], steps=5)
    np.testing.assert_allclose(shut.column("hidden"), by_hand(writer, shut.tokens, forget=0.25)[0], atol=1e-6)
    even = model.trace(edits=[*forced, UniformAttention()], steps=5)
    np.testing.assert_allclose(even.column("hidden"), by_hand(writer, even.tokens, even=True)[0], atol=1e-6)
    masked = model.trace(edits=[MaskAttention(places=(0, 3))], steps=2)
    assert masked.column("head_0/attention")[:, [0, 3]].max() == 0
    assert model.trace(edits=[ScaleUnits(channel="hidden", factor=0.0)], steps=2).column("hidden").max() == 0


def test_without_edits_it_writes_what_the_function_writes(writer, model):
    state, token, written = zeros(), 0, []
    with torch.no_grad():
        for _ in range(8):
            logits, state = writer.next_token(token, state)
            token = int(logits.argmax())
            written.append(WORDS[token])
            if token == 1:
                break
    assert model.trace().words == written
    assert writer.cell(torch.zeros(1, 8))[0].shape == (1, UNITS)  # the modules are as they were
    assert "forward" not in vars(writer.cell)


def test_a_beam_finds_at_least_as_probable_a_text(model):
    greedy, beam = model.trace(), model.trace(decoding=Decoding(method="beam", beam_width=6, length_penalty=0.0))
    assert beam.log_probs.sum() >= greedy.log_probs.sum() - 1e-6


@pytest.mark.parametrize(("module", "state"), [
    (nn.LSTM(4, 5, 2, proj_size=3), (torch.zeros(2, 1, 3), torch.zeros(2, 1, 5))), (nn.GRU(4, 5, 2), torch.zeros(2, 1, 5)),
    (nn.RNN(4, 5, nonlinearity="relu"), torch.zeros(1, 1, 5)), (nn.GRU(4, 5, bidirectional=True), None),
    (nn.GRUCell(4, 5), torch.zeros(5)), (nn.RNNCell(4, 5, bias=False), torch.zeros(1, 5)),
], ids=lambda value: type(value).__name__)
def test_modules_of_every_kind_give_the_same_as_they_do_themselves(module, state):
    module, embed = module.double().eval(), nn.Embedding(6, 4).double()
    state = torch.utils._pytree.tree_map(lambda part: part if part is None else part.double(), state)
    flat = isinstance(state, torch.Tensor) and state.dim() == 1

    def one(token, own):
        x = embed(torch.tensor(token)) if flat else embed(torch.tensor([token]))
        if isinstance(module, nn.RNNBase):
            y, own = module(x.unsqueeze(0), own)
            return y.reshape(-1).repeat(3)[:6], own
        own = module(x, own)
        return own.reshape(-1).repeat(2)[:6], own

    with torch.no_grad():
        _, own = one(0, state)
        wanted = torch.log_softmax(one(3, own)[0], -1)[2]
    model = unrolled.step(one, state, vocabulary=WORDS, window=False)
    assert model.fidelity < 1e-6
    trace = model.trace(edits=[ForceToken(first=0, token=3), ForceToken(first=1, token=2)], steps=2)
    assert trace.log_probs[1] == pytest.approx(float(wanted), abs=1e-5)
    assert not model.notes
    assert any(name.endswith("hidden") for name in trace.channels)


def test_a_cell_of_their_own_is_seen_by_its_state_alone():
    weight = torch.linspace(-1, 1, 9).view(3, 3)

    def own(token, state):
        h = torch.tanh(state["h"] @ weight + token)
        return torch.cat((h, h)), {"h": h, "seen": state["seen"] + 1}

    model = unrolled.step(own, {"h": torch.zeros(3), "seen": 0}, vocabulary={word: k for k, word in enumerate(WORDS)},
                          window=False, maximum_steps=4)
    assert "its state can be seen" in model.notes[0]
    assert [(channel.name, channel.editable) for channel in model.description.channels] == [("hidden", False)]
    first = model.trace(steps=1).column("hidden")[0]
    np.testing.assert_allclose(first, np.zeros(3), atol=1e-6)
    with pytest.raises(EngineError, match="no “hidden” that could be changed"):
        model.trace(edits=[ClampUnits(channel="hidden", value=0.0)])


def in_place(token, state):
    state[0].add_(1)
    return torch.zeros(6), state


def put(token, state):
    state.append(torch.ones(1))
    return torch.zeros(6), [torch.ones(1)]


def remembers(token, state, kept=[]):  # noqa: B006  # that is what is wrong with it
    kept.append(token)
    return torch.zeros(6) + len(kept), state


@pytest.mark.parametrize(("function", "state", "sentence"), [
    (in_place, (torch.zeros(3), torch.zeros(3)), r"in_place changes state\[0\] in place"),
    (put, [torch.zeros(1)], "put changes state in place"),
    (remembers, torch.zeros(1), "remembers gives another answer when the same step is taken again"),
    (lambda token, state: (torch.full((6,), torch.nan), state), torch.zeros(1), "not finite at its first step"),
    (lambda token, state: (torch.zeros(1, 4), state), torch.zeros(1), r"logits of shape \(1, 4\); there are 6 words"),
    (lambda token, state: torch.zeros(6), torch.zeros(1), r"gave a tensor of shape \(6,\); it should give the pair"),
    (lambda token, state: ([0.0] * 6, state), torch.zeros(1), "gave logits of the type list"),
    (lambda token, state: 1 // 0, torch.zeros(1), "raised ZeroDivisionError in line .* of <lambda>"),
    (lambda token, state: (torch.zeros(6), state), (torch.zeros(1), object()), r"state\[1\] is of the type object"),
])
def test_what_a_function_does_wrong_is_one_sentence(function, state, sentence):
    with pytest.raises(EngineError, match=sentence) as caught:
        unrolled.step(function, state, vocabulary=WORDS, window=False)
    assert str(caught.value).count("\n") == 0


def test_bad_words_and_inputs_are_refused():
    with pytest.raises(ValueError, match="start='zebra' is not one of the 6 words"):
        unrolled.step(in_place, torch.zeros(1), vocabulary=WORDS, start="zebra", window=False)
    with pytest.raises(ValueError, match="An input of the type int cannot be shown"):
        unrolled.step(in_place, torch.zeros(1), vocabulary=WORDS, input=3, window=False)


def test_the_process_is_the_backend_and_outlives_what_the_function_raises(writer):
    def brittle(token, state):
        if token == 5:
            raise KeyError("fast")
        logits, state = writer.next_token(token, state)
        return logits + (float("nan") if token == 4 else 0.0), state

    with unrolled.step(brittle, zeros(), vocabulary=WORDS, window=False, maximum_steps=9) as model:
        with BackendClient(model.endpoint) as client:
            assert client.load("brittle").description.can == {"step", "edit", "search"}
            client.open(1, b"", "")
            client.send(Fork(1, edits=(ForceToken(first=1, token=5), ForceToken(first=0, token=4)), branch=1))
            client.expect(Forked)
            with pytest.raises(BackendError, match="Step 1 gave numbers that are not finite"):
                list(client.advance(Advance(1, 0, 9, branch=1)))
            client.send(Fork(1, edits=(ForceToken(first=0, token=5),), branch=2))
            client.expect(Forked)
            client.send(Advance(1, 0, 9, branch=2))
            client.expect(Stepped)
            failed = next(report for report in client._incoming if type(report).__name__ == "Failed")
            assert failed.sentence.startswith("brittle raised KeyError")
            assert failed.traceback.splitlines()[-1] == "KeyError: 'fast'"
            assert "step_function.py" not in failed.traceback  # the person's own lines alone
        with BackendClient(model.endpoint) as again:  # another window, the same function
            again.load("brittle")
            again.open(1, b"", "")
            assert len([report for report in again.advance(Advance(1, 0, 2)) if isinstance(report, Stepped)]) == 2
            again.send(Ask(1, 1, ExplainStep(0, 0)))
            with pytest.raises(BackendError, match="cannot be explained"):
                again.expect(Answer)
            with pytest.raises(BackendError, match="There is no model “other”"):
                again.load("other")


def test_jupyter_draws_it(model):
    assert model._repr_html_().count("<img ") == sum(bool(channel.axes) for channel in model.description.channels)


def test_the_examples():
    assert doctest.testmod(stepping).failed == 0


def replayed(model, tokens, edits=()):
    """What is asked of the badge: a trace of these words, and the same steps by the function itself."""
    forced = [*edits, *(ForceToken(first=step, token=token) for step, token in enumerate(tokens))]
    trace = model.trace(edits=forced, steps=len(tokens))
    with BackendClient(model.endpoint) as client:
        client.load(model.description.name)
        client.open(1, b"one two three four five", "text.txt")
        client.send(Fork(1, edits=tuple(edits), tokens=tuple(tokens), parent=-1, branch=1))
        client.expect(Forked)
        client.send(Ask(1, 1, Replay(0, len(tokens) - 1), branch=1))
        return trace, client.expect(Answer).part


def test_the_badge_holds_every_channel_against_the_function_itself(model):
    trace, part = replayed(model, [3, 4, 2, 5])
    found = Fidelity()
    assert found.take(part, trace)
    assert found.agrees
    assert found.largest < 1e-5
    assert not found.missing
    assert set(found.by_channel) >= set(trace.channels)
    assert found.how == "in its own precision, its modules as they are, by next_token itself"
    wrong = model.trace(steps=4, edits=[ScaleUnits(channel="forget_gate", factor=1.01, first=2), *(
        ForceToken(first=step, token=token) for step, token in enumerate([3, 4, 2, 5]))])
    other = Fidelity()
    other.take(part, wrong)
    assert not other.agrees


def test_changed_steps_are_not_held_against_a_function_that_knows_no_change(model):
    with pytest.raises(BackendError, match="Steps that are changed are not computed a second time"):
        replayed(model, [3, 4], [ClampUnits(channel="cell", value=0.0)])


def test_modules_are_called_by_the_names_that_the_function_knows(writer):
    class Held:
        def __init__(self):
            self.inner = nn.GRUCell(4, 3)

    held, twice = Held(), nn.GRUCell(3, 3)

    def helper(x, h):
        return held.inner(x, h)

    def one(token, state):
        a = helper(torch.ones(1, 4) * token, state[0])
        b = twice(twice(a, state[1]), state[1])
        return torch.cat((a, b), -1), (a, b)

    model = unrolled.step(one, (torch.zeros(1, 3), torch.zeros(1, 3)), vocabulary=WORDS, window=False)
    names = {channel.name.rpartition("/")[0] for channel in model.description.channels}
    assert names == {"held.inner", "twice", "twice#2"}
    assert not model.notes


def test_a_step_that_is_compiled_is_taken_as_it_was_written(writer):
    compiled = torch.compile(writer.next_token, backend="eager")
    model = unrolled.step(compiled, zeros(), vocabulary=WORDS, window=False, maximum_steps=3)
    plain = unrolled.step(writer.next_token, zeros(), vocabulary=WORDS, window=False, maximum_steps=3)
    assert [channel.name for channel in model.description.channels] == [channel.name for channel in plain.description.channels]
    np.testing.assert_array_equal(model.trace().column("forget_gate"), plain.trace().column("forget_gate"))


def test_attention_over_what_was_written_grows_and_is_drawn():
    torch.manual_seed(6)
    embed, look, out = nn.Embedding(6, 4), nn.MultiheadAttention(4, 1, batch_first=True), nn.Linear(4, 6)

    def cached(token, cache):
        cache = torch.cat((cache, embed(torch.tensor([[token]]))), 1)
        seen, _ = look(cache[:, -1:], cache, cache)
        return out(seen[0, 0]), cache

    model = unrolled.step(cached, torch.zeros(1, 2, 4), vocabulary=WORDS, window=False, maximum_steps=5, end=1)
    trace = model.trace(edits=[ForceToken(first=step, token=2 + step % 3) for step in range(5)])
    weights = trace.column("head_0/attention")
    assert weights.shape == (5, 7)
    np.testing.assert_allclose(weights.sum(1), 1, atol=1e-6)
    assert [int((row > 0).sum()) for row in weights] == [3, 4, 5, 6, 7]
    assert not trace.channels["head_0/attention"].editable
    assert "state" in model.notes[-1]


def test_functions_of_torch_that_are_called_directly_are_seen_and_changed(writer):
    cell = writer.cell
    k, v = torch.randn(1, 2, 5, 2), torch.randn(1, 2, 5, 2)

    def own(token, state):
        h, c = state
        seen = F.scaled_dot_product_attention(writer.query(h).view(1, 2, 1, 2), k, v)
        x = torch.cat((writer.embed(torch.tensor([token])), seen.reshape(1, 4)), -1)
        h, c = torch.lstm_cell(x, (h, c), cell.weight_ih, cell.weight_hh, cell.bias_ih, cell.bias_hh)
        return writer.out(h), (h, c)

    with torch.no_grad():
        wanted = torch.log_softmax(own(3, own(0, zeros())[1])[0], -1)[0, 4]
        bias = float(writer.out.bias.softmax(-1)[3])
    model = unrolled.step(own, zeros(), vocabulary=WORDS, window=False)
    assert model.fidelity < 1e-6
    assert not model.notes
    forced = [ForceToken(first=0, token=3), ForceToken(first=1, token=4)]
    assert model.trace(edits=forced, steps=2).log_probs[1] == pytest.approx(float(wanted), abs=1e-5)
    even = model.trace(edits=[*forced, UniformAttention(), ClampUnits(channel="lstm_cell/output_gate", value=0.0)], steps=2)
    np.testing.assert_allclose(even.column("attention/head_1/attention"), 0.2, atol=1e-6)
    assert abs(even.column("lstm_cell/hidden")).max() == 0
    np.testing.assert_allclose(np.exp(even.log_probs[0]), bias, rtol=1e-5)
