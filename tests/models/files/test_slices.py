"""One layer and head of a trace's channels, found by name; the rollout against products of whole matrices."""

from __future__ import annotations

import numpy as np
import pytest
import scripted_traces

from unrolled.models.trace import Channel
from unrolled.models.trace.edits import ClampUnits, EditError, SwitchHeadsOff, check
from unrolled.models.trace.places import place_words
from unrolled.models.trace.slices import base_name, channels_at, slice_name, spoken


def rolled_out(own: np.ndarray, other: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """Abnar and Zuidema's recursion over whole matrices, (steps, layers, longest), in double precision."""
    steps, layers, longest = own.shape
    places = 0 if other is None else int(np.prod(other.shape[2:]))
    reached = np.concatenate((np.eye(steps, longest), np.zeros((steps, places))), axis=1)
    found = []
    for layer in range(layers):
        square = np.zeros((steps, steps))
        square[:, :] = own[:, layer, :steps]
        reached = 0.5 * square @ reached + 0.5 * reached
        if other is not None:
            reached = 0.5 * reached
            reached[:, longest:] += 0.5 * other[:, layer].reshape(steps, -1)
        found.append(reached)
    whole = np.stack(found, axis=1)
    looked_at = whole[..., longest:]
    return whole[..., :longest], looked_at / np.maximum(looked_at.sum(-1, keepdims=True), 1e-30)


@pytest.mark.parametrize("places", [(), (4,), (2, 3)])
def test_rollout_is_the_product_of_the_layers(places):
    trace = scripted_traces.layered_trace(places=places)
    own = trace.column("self_attention").astype(np.float64).mean(axis=2)
    other = trace.column("cross_attention").astype(np.float64).mean(axis=2) if places else None
    written, looked_at = rolled_out(own, other)
    for layer in range(3):
        np.testing.assert_allclose(trace.column(f"self_attention[layer={layer},head=rollout]"), written[:, layer], atol=1e-6)
        if places:
            found = trace.column(f"cross_attention[layer={layer},head=rollout]")
            np.testing.assert_allclose(found.reshape(len(trace), -1), looked_at[:, layer], atol=1e-6)
            np.testing.assert_allclose(found.reshape(len(trace), -1).sum(1), 1.0, atol=1e-5)


def test_slices_grow_with_the_trace_and_are_views_where_nothing_is_computed():
    whole = scripted_traces.layered_trace()
    part = whole.truncated(4)
    names = [slice_name("cross_attention", layer=1, head=head) for head in ("0", "mean", "rollout")]
    before = [part.column(name).copy() for name in names]
    for step in range(4, len(whole)):
        part.append(whole.step(step))
        for name in names[1:]:
            assert len(part.column(name)) == step + 1
    for name, first in zip(names, before, strict=True):
        np.testing.assert_array_equal(part.column(name), whole.column(name))
        np.testing.assert_array_equal(part.column(name)[:4], first)
    assert np.shares_memory(whole.column(names[0]), whole.column("cross_attention"))
    np.testing.assert_allclose(whole.column(names[1]), whole.column("cross_attention")[:, 1].mean(axis=1), rtol=1e-6)


def test_what_is_looked_at_follows_layer_and_head():
    trace = scripted_traces.layered_trace()
    shown = {base_name(own.name): own for own in channels_at(trace.channels.values(), {"layer": "1", "head": "9"})}
    assert shown["cross_attention"].name == "cross_attention[layer=1,head=1]"  # the nearest that there is
    assert shown["cross_attention"].axes == ("row", "column")
    assert shown["residual_stream"].axes == ("unit",)
    assert shown["residual_stream"].editable
    assert not shown["cross_attention"].editable
    assert "cross_attention[layer=1,head=mean]" in trace.channels
    assert "cross_attention[layer=1,head=mean]" not in list(trace.channels)
    assert trace.channels.get("nothing[layer=1]") is None
    assert spoken("residual_stream[layer=2]") == "residual stream of layer 3"
    assert spoken("forget_gate_layer_0") == "forget gate of layer 1"
    for wrong in ("nothing", "nothing[layer=0]", "cross_attention[head=0]"):
        with pytest.raises(KeyError):
            trace.column(wrong)
    text = scripted_traces.layered_trace(places=())
    assert place_words(text, ("key",)) == ("▁first", *text.words[:-1])
    assert place_words(scripted_traces.layered_trace(places=(4,)), ("key",))[0] == "▁START"


def test_heads_and_layers_that_are_not_there_are_refused():
    channels = tuple(scripted_traces.layered_trace().channels.values())
    check(SwitchHeadsOff(channel="cross_attention", layer=2, heads=(1,)), channels, ())
    check(ClampUnits(channel="residual_stream[layer=2]", units=(3,)), channels, ())
    for edit, why in ((SwitchHeadsOff(channel="cross_attention", layer=3), "no layer 3"),
                      (SwitchHeadsOff(channel="cross_attention", layer=0, heads=(2,)), "no head 2"),
                      (SwitchHeadsOff(channel="residual_stream", layer=0), "self_attention"),
                      (ClampUnits(channel="residual_stream", units=(3,)), r"residual_stream\[layer=2\]")):
        with pytest.raises(EditError, match=why):
            check(edit, channels, ())
    edit = SwitchHeadsOff(channel="cross_attention", layer=2, heads=(1,))
    assert edit.in_words == "cross attention: head 2 of layer 3 off at every step"


@pytest.mark.parametrize(("axes", "shape", "place"), [
    (("unit",), (96,), "unit 50"), (("layer", "unit"), (6, 20), "layer 3, unit 10"),
    (("layer", "head", "row", "column"), (2, 4, 3, 5), "layer 1, head 4, row 2, column 1"),
    (("layer", "head", "key"), (3, 2, 10), "layer 3, head 2, place 1"), (("source",), (60,), "place 51")])
def test_one_of_a_channels_values_is_named_by_all_its_axes(axes: tuple[str, ...], shape: tuple[int, ...], place: str) -> None:
    assert Channel(name="x", role="x", symbol="x", axes=axes, shape=shape, low=0, high=1).place(50) == place
