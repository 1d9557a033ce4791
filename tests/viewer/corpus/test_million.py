"""The benchmark of a document of a million steps, with fewer."""

from __future__ import annotations

import json

from unrolled.viewer.benchmarks.million import measure


def test_a_window_is_driven_through_a_stored_document(tmp_path, monkeypatch):
    monkeypatch.setenv("UNROLLED_HOME", str(tmp_path))
    measure(tmp_path / "report.json", steps=9000, units=16)
    figures = json.loads((tmp_path / "report.json").read_text())
    assert figures["details"]["steps"] == 9000
    assert set(figures) >= {"million_open_seconds", "million_scrub_ms", "million_frame_ms", "million_memory_mb"}
    assert all(figures[name]["median"] > 0 for name in ("million_scrub_ms", "million_frame_ms"))
