"""Attention's weights: every head's are what the module gives, or what the softmax of the scores is, written out."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

import unrolled


@settings(max_examples=40)
@given(batch_first=st.booleans(), bias=st.booleans(), extra=st.booleans(), zero=st.booleans(), other=st.booleans(),
       mask=st.sampled_from(("none", "causal", "numbers", "by head")), padding=st.booleans(), seed=st.integers(0, 99))
def test_attention_weights_are_those_that_the_module_gives(batch_first, bias, extra, zero, other, mask, padding, seed):
    torch.manual_seed(seed)
    heads, batch, targets, sources = 2, 3, 4, 5
    sizes = {"kdim": 6, "vdim": 7} if other else {}
    module = nn.MultiheadAttention(8, heads, batch_first=batch_first, bias=bias, add_bias_kv=extra, add_zero_attn=zero,
                                   **sizes).double().eval()
    query, key, value = (torch.randn(length, batch, size, dtype=torch.float64) for length, size in
                         ((targets, 8), (sources, sizes.get("kdim", 8)), (sources, sizes.get("vdim", 8))))
    if batch_first:
        query, key, value = (part.transpose(0, 1) for part in (query, key, value))
    masks = {"none": None, "causal": torch.ones(targets, sources, dtype=torch.bool).triu(1),
             "numbers": torch.randn(targets, sources, dtype=torch.float64),
             "by head": torch.rand(batch * heads, targets, sources) < 0.3}
    if mask == "by head":
        masks[mask][..., 0] = False
    hidden = torch.zeros(batch, sources, dtype=torch.bool)
    hidden[1, 3:] = padding
    options = {"attn_mask": masks[mask], "key_padding_mask": hidden if padding else None}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of masks of different types
        expected = module(query, key, value, average_attn_weights=False, **options)[1]      # (B, heads, T, S)
        with unrolled.record(module) as record:
            module(query, key, value, need_weights=False, **options)
    assert not record.notes
    for item in range(batch):
        columns = record.columns(item)
        for head in range(heads):
            np.testing.assert_allclose(columns[f"head_{head}/attention"], expected[item, head].detach().numpy(), atol=1e-10)
    assert record.fidelity < 1e-12


def test_a_transformers_layers_are_found_by_their_names():
    torch.manual_seed(4)
    net = nn.TransformerDecoder(nn.TransformerDecoderLayer(8, 2, 16, batch_first=True), 2).eval()
    causal = nn.Transformer.generate_square_subsequent_mask(3)
    with torch.inference_mode(), unrolled.record(net) as record:
        net(torch.randn(1, 3, 8), torch.randn(1, 5, 8), tgt_mask=causal)
    assert record.modules == tuple(
        f"layers.{layer}{part}" for layer in range(2) for part in (".self_attn", ".multihead_attn", ""))
    trace = record.trace(tokens=["a", "b", "c"], source=list("vwxyz"))
    own, cross = (trace.channels[f"layers.{part}/attention"] for part in ("self_attn", "multihead_attn"))
    assert (own.axes, own.shape) == (("layer", "head", "key"), (2, 2, 3))
    assert (cross.axes, cross.shape) == (("layer", "head", "source"), (2, 2, 5))
    assert trace.column(own.name)[0, 0, 0].tolist() == [1.0, 0.0, 0.0]
    assert record.trace().channels[cross.name].axes == cross.axes  # five places are no three steps, whatever they are called
    assert record.fidelity < 1e-5


# ── The scaled dot product, and what is made of it ────────────────────────────────────────────────────────────────────


class Attending(nn.Module):
    def forward(self, *parts, **options):
        return nn.functional.scaled_dot_product_attention(*parts, **options)


@settings(max_examples=40)
@given(mask=st.sampled_from(("none", "causal", "padding", "numbers", "by head")), scale=st.sampled_from((None, 0.3)),
       groups=st.sampled_from((1, 2, 4)), shape=st.sampled_from((4, 3, 2)), seed=st.integers(0, 99))
def test_the_scaled_dot_products_weights_are_the_softmax_written_out(mask, scale, groups, shape, seed):
    torch.manual_seed(seed)
    batch, heads, targets, sources, size = (3, 4, 4, 5, 6)
    query = torch.randn(batch, heads, targets, size, dtype=torch.float64)
    key, value = (torch.randn(batch, heads // groups if shape == 4 else heads, sources, size, dtype=torch.float64)
                  for _ in range(2))
    masks = {"causal": torch.ones(targets, sources, dtype=torch.bool).tril(),
             "padding": torch.tensor([5, 2, 0])[:, None, None, None] > torch.arange(sources),
             "numbers": torch.randn(targets, sources, dtype=torch.float64),
             "by head": torch.randn(batch, heads, targets, sources, dtype=torch.float64)}
    parts, own_mask = (query, key, value), masks.get(mask)
    if shape < 4:
        parts = tuple(part[:, 0] if shape == 3 else part[0, 0] for part in parts)
        if own_mask is not None and own_mask.dim() == 4:
            own_mask = own_mask[:, 0] if shape == 3 else own_mask[0, 0]
    options = {"scale": scale, "is_causal": mask == "causal", "attn_mask": None if mask == "causal" else own_mask}
    if shape == 4 and groups > 1:
        options["enable_gqa"] = True
    with unrolled.record(net := Attending()) as record:
        net(*parts, **options)
    for item in range(batch if shape > 2 else 1):
        columns = record.columns(item)
        for head in range(heads if shape == 4 else 1):
            q = parts[0][item, head] if shape == 4 else parts[0][item] if shape == 3 else parts[0]
            k = parts[1][item, head // groups] if shape == 4 else parts[1][item] if shape == 3 else parts[1]
            scores = q @ k.T * (1 / size**0.5 if scale is None else scale)
            if own_mask is not None:
                own = own_mask.expand(*parts[0].shape[:-1], sources)
                own = own[item, head] if shape == 4 else own[item] if shape == 3 else own
                scores = scores.masked_fill(~own, -torch.inf) if own.dtype == torch.bool else scores + own
            expected = scores.softmax(-1).nan_to_num(0.0)  # a sequence that may look at nothing
            name = f"head_{head}/attention"
            np.testing.assert_allclose(columns[name], expected.numpy(), atol=1e-12)
    assert record.fidelity < 1e-12


def test_dropped_weights_are_recorded_before_they_are_dropped_and_said_not_to_be_compared():
    torch.manual_seed(5)
    parts = [torch.randn(1, 1, 3, 4) for _ in range(3)]
    with unrolled.record(net := Attending()) as record:
        net(*parts, dropout_p=0.5)
    weights = (parts[0] @ parts[1].transpose(-1, -2) / 2).softmax(-1)
    np.testing.assert_allclose(record.columns()["head_0/attention"], weights[0, 0].numpy(), atol=1e-6)
    assert np.isnan(record.fidelity)
    assert "drops weights" in record.notes[0]


@pytest.mark.parametrize("dropped", [True, False])
def test_padding_that_torch_would_leave_out_is_said_to_hold_numbers(dropped):
    layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
    encoder, padded = nn.TransformerEncoder(layer, 2, enable_nested_tensor=dropped).eval(), torch.zeros(2, 4, dtype=torch.bool)
    padded[1, 2:] = True
    batch = torch.randn(2, 4, 8)
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that nested tensors may change
        plain = encoder(batch, src_key_padding_mask=padded)
        with unrolled.record(encoder) as record:
            again = encoder(batch, src_key_padding_mask=padded)
    torch.testing.assert_close(again[~padded], plain[~padded], rtol=1e-5, atol=1e-5)
    assert bool((plain[padded] == 0).all()) == dropped == ("zeros at padded places" in " ".join(record.notes))


def test_attention_over_a_cache_that_grows_weighs_nothing_where_there_was_none_yet():
    class Decoding(nn.Module):
        def forward(self, x):
            for step in range(1, x.shape[2] + 1):
                nn.functional.scaled_dot_product_attention(x[:, :, step - 1 : step], x[:, :, :step], x[:, :, :step])

    x = torch.randn(2, 1, 4, 6)
    with unrolled.record(net := Decoding()) as record:
        net(x)
    causal = (x[1, 0] @ x[1, 0].T / 6**0.5).masked_fill(torch.ones(4, 4, dtype=torch.bool).triu(1), -torch.inf).softmax(-1)
    np.testing.assert_allclose(record.columns(1)["head_0/attention"], causal.numpy(), atol=1e-6)


def test_two_places_in_the_code_are_two_series():
    class Twice(nn.Module):
        def forward(self, x, y):
            attend = nn.functional.scaled_dot_product_attention
            return attend(attend(x, x, x), y, y)

    with unrolled.record(net := Twice()) as record:
        net(torch.randn(1, 2, 3, 4), torch.randn(1, 2, 5, 4))
    assert record.modules == ("", "(2)")
    assert record.columns(modules=["(2)"])["head_1/attention"].shape == (3, 5)


@pytest.mark.parametrize("training", [False, True])
def test_transformer_layers_keep_their_output_and_their_weights_are_torchs(training):
    torch.manual_seed(6)
    net = nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16, dropout=0.0, batch_first=True), 2).train(training)
    x, padding = torch.randn(2, 4, 8), torch.tensor([[False] * 4, [False] * 3 + [True]])
    with torch.no_grad():
        plain = net(x, src_key_padding_mask=padding)
        with unrolled.record(net) as record:
            returned = net(x, src_key_padding_mask=padding)
        real = ~padding
        torch.testing.assert_close(returned[real], plain[real], atol=1e-5, rtol=1e-5)  # the fast path is left aside
        hidden = net.layers[0](x, src_key_padding_mask=padding)
        expected = net.layers[1].self_attn(hidden, hidden, hidden, key_padding_mask=padding, average_attn_weights=False)[1]
    columns = record.columns(1)
    for head in range(2):
        np.testing.assert_allclose(columns[f"layers.1.self_attn/head_{head}/attention"], expected[1, head].numpy(), atol=1e-6)
    np.testing.assert_allclose(columns["layers.0/output"], hidden[1].numpy(), atol=1e-6)
    assert record.fidelity < 1e-5
