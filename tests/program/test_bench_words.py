"""What `unrolled bench` prints for people, whatever a figure is made of."""

from __future__ import annotations

from unrolled.viewer.cli import bench
from unrolled.viewer.cli.main import main


def test_figures_with_and_without_a_reference_are_printed(monkeypatch, capsys):
    figures = {"window_seconds": 0.5, "scrub_ms": {"median": 2.0, "p95": 3.0, "of_reference": 0.25},
               "hf_trace_overhead": {"tiny": 1.2, "large": 1.05},
               "details": {"steps": 30}}
    monkeypatch.setitem(bench.BENCHMARKS, "window", lambda: dict(figures))
    assert main(["bench", "--only", "window"]) == 0
    printed = capsys.readouterr().out
    assert "window_seconds           0.50" in printed
    assert "scrub_ms                 median 2.00, p95 3.00, 0.25 of the reference" in printed
    assert "hf_trace_overhead        tiny 1.20, large 1.05" in printed
    assert "window: steps: 30" in printed
