"""A trace with layers and heads as axes, spread into channels that have none."""

from __future__ import annotations

import numpy as np

from unrolled.models.trace import Agreement, Channel, Provenance, Trace
from unrolled.models.trace.spreading import spread


def test_every_slice_is_a_channel_with_its_values_and_its_agreement():
    channels = [Channel(name="rnn/hidden", role="hidden", symbol="h", axes=("layer", "unit"), shape=(3, 4),
                        low=-1, high=1),
                Channel(name="entropy", role="attention_entropy", symbol="H", axes=("layer", "head"), shape=(3, 2),
                        low=0, high=1),
                Channel(name="output", role="output", symbol="y", axes=("unit",), shape=(2,), low=-1, high=1)]
    columns = {own.name: np.random.default_rng(0).random((5, *own.shape)).astype(np.float32) for own in channels}
    agreed = Agreement(channel="rnn/hidden", difference=0.5, against="what was returned")
    trace = Trace.from_columns(channels, columns, words=list("abcde"), tokens=range(5), log_probs=np.zeros(5, np.float32),
                               candidates=[()] * 5, provenance=Provenance(agreements=(agreed,)))
    made = spread(trace)
    axes = [(own.axes, own.shape) for own in made.channels.values()]
    assert axes == [(("unit",), (4,))] * 3 + [((), ())] * 6 + [(("unit",), (2,))]
    for layer in range(3):
        name = f"rnn/hidden[layer={layer}]"
        np.testing.assert_array_equal(made.column(name), columns["rnn/hidden"][:, layer])
        assert made.channels[name].layer == layer
    np.testing.assert_array_equal(made.column("entropy[layer=2,head=1]"), columns["entropy"][:, 2, 1])
    assert {own.difference for own in made.provenance.agreements} == {0.5}
    assert len(made.provenance.agreements) == 3
    assert spread(made) is made
