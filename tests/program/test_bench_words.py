"""What `unrolled bench` prints for people, whatever a figure is made of."""

from functools import partial

from unrolled.viewer.benchmarks.process import figures_of
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


def test_what_cannot_be_measured_is_said_and_the_others_are_measured(monkeypatch, capsys):
    monkeypatch.setitem(bench.BENCHMARKS, "corpus", partial(figures_of, "unrolled.viewer", "caption"))
    monkeypatch.setitem(bench.BENCHMARKS, "window", lambda: {"window_seconds": 0.5})
    assert main(["bench", "--only", "corpus", "window"]) == 1
    printed = capsys.readouterr()
    assert "window_seconds           0.50" in printed.out
    assert printed.err.startswith("unrolled: corpus was not measured: ")
    assert printed.err.count("unrolled") == 1
