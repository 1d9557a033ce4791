"""What the tries of the whole program share."""

from __future__ import annotations

import subprocess


def assert_one_sentence(result: subprocess.CompletedProcess[str], status: int = 1) -> str:
    """A failure says one sentence and no traceback; gives the sentence."""
    assert result.returncode == status, result.stderr
    lines = [line for line in result.stderr.splitlines() if line.strip()]
    assert len(lines) == 1, result.stderr
    assert lines[0].startswith("unrolled: ")
    assert "Traceback" not in result.stderr
    return lines[0]
