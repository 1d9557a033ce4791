"""The bench of stepping and watching, on networks so small that only its own bookkeeping is tried."""

from __future__ import annotations

from unrolled.models.verbs import bench_live


def test_both_figures_are_ratios_of_what_was_done(monkeypatch):
    small = {"VOCABULARY": 12, "EMBEDDING": 4, "HIDDEN": 5, "STEPS": 3, "ROUNDS": 3, "WARM_UP": 1, "EVERY": 4, "FEATURES": 2,
             "UNITS": 3, "LAYERS": 1, "BATCH": 2, "LENGTH": 4, "BLOCKS": 2}
    for name, value in small.items():
        monkeypatch.setattr(bench_live, name, value)
    found = bench_live.live_costs()
    assert found["step_overhead"] > 0
    assert found["watch_overhead"] > 0
    assert "0 not shown" in found["details"]["watching"]
