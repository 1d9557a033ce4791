"""What can be opened, where something of it is damaged."""

from __future__ import annotations

from unrolled.models.adapters import registry


def test_a_damaged_checkpoint_costs_that_model_alone(tmp_path, monkeypatch):
    whole = registry.shipped()
    (tmp_path / "chars-rnn.safetensors").write_bytes(b"cut")
    damaged = {**whole, "chars-rnn": tmp_path / "chars-rnn.safetensors"}
    monkeypatch.setattr(registry, "shipped", lambda: damaged)
    assert {listing.name for listing in registry.listings()} == set(whole) - {"chars-rnn"}
    said, = (family for family in registry.families() if family.is_damaged)
    assert (said.name, said.error) == ("chars-rnn", "“chars-rnn.safetensors” is cut off or not a safetensors file.")
