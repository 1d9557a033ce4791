"""Processes of this machine that trace: killed one at a time, all at once, and interrupted from the keyboard."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tiny_corpus import Here, write_model, write_texts

from unrolled.models.adapters.registry import load
from unrolled.models.corpus.tracing import TraceRequest, trace_corpus
from unrolled.models.store.store import open_store
from unrolled.models.store.verifying import verify

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(300), pytest.mark.usefixtures("threads_of_zarr"),
              pytest.mark.skipif(sys.platform == "win32", reason="signals")]
LENGTHS = (3900,) * 32  # enough that a fast machine is amid them when it is interrupted


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("processes")
    write_model(made / "tiny.safetensors", hidden=32)
    write_texts(made / "texts", LENGTHS)
    return made


def here(folder: Path, store: str) -> None:
    request = TraceRequest(corpus=folder / "texts", output=str(folder / store), model=str(folder / "tiny.safetensors"),
                           channels=("hidden", "cell"))
    trace_corpus(request, load(request.model), hire=Here)


def begin(folder: Path, store: str, *words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "unrolled.models", "corpus", "trace", str(folder / "texts"), "-o", str(folder / store), "--model",
         str(folder / "tiny.safetensors"), "--channels", "hidden,cell", "--progress", "lines", "--json", *words],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)


def workers_of(process: subprocess.Popen[str]) -> list[int]:
    found = []
    for task in Path(f"/proc/{process.pid}/task").iterdir():
        for number in (task / "children").read_text().split():
            if b"spawn_main" in Path(f"/proc/{number}/cmdline").read_bytes():
                found.append(int(number))
    return found


def until_under_way(process: subprocess.Popen[str]) -> None:
    """Until a first part is there."""
    assert process.stdout is not None
    for line in process.stdout:
        said = json.loads(line)
        if 1 <= said.get("parts", 0) < len(LENGTHS):
            return
    pytest.fail(f"it ended before it was under way: {process.stderr.read() if process.stderr else ''}")


def ended(number: int) -> bool:
    try:
        return Path(f"/proc/{number}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except OSError:
        return True


def files(store: Path) -> dict[str, bytes]:
    return {str(path.relative_to(store)): path.read_bytes() for path in sorted(store.rglob("c/**/*")) if path.is_file()}


def test_processes_are_killed_and_interrupted(folder):
    """One after another, since each start of a model takes seconds."""
    process = begin(folder, "store", "--workers", "2")
    until_under_way(process)
    stopped = workers_of(process)
    for worker in stopped:                                    # so that it is not through while others start
        os.kill(worker, signal.SIGSTOP)
    second = begin(folder, "store", "--workers", "1")
    _, complaint = second.communicate(timeout=60)
    assert second.returncode == 1
    assert f"“store” is being written by another process, number {process.pid}" in complaint
    os.kill(stopped[0], signal.SIGKILL)                       # a worker dies: it is replaced
    deadline = time.monotonic() + 20
    while set(workers_of(process)) <= set(stopped) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert process.poll() is None
    workers = workers_of(process)
    assert not set(workers) <= set(stopped)
    process.kill()                                            # all die
    for worker in stopped[1:]:
        os.kill(worker, signal.SIGCONT)
    process.communicate(timeout=20)
    deadline = time.monotonic() + 10
    while not all(map(ended, workers)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert all(map(ended, workers))
    there = int(open_store(folder / "store").written.sum())
    assert 1 <= there < len(LENGTHS)
    assert list(verify(open_store(folder / "store"))) == []

    for number in (signal.SIGTERM, signal.SIGINT):            # it goes on, and is interrupted
        process = begin(folder, "store", "--workers", "1")
        assert process.stdout is not None
        for line in process.stdout:
            said = json.loads(line)
            if said.get("parts", 0) > there:
                break
        os.killpg(process.pid, number) if number == signal.SIGINT else process.send_signal(number)
        _, complaint = process.communicate(timeout=20)
        if process.returncode != 0:  # else it was through before
            assert process.returncode == 128 + number
            there = int(open_store(folder / "store").written.sum())
            assert f"Interrupted: {there} parts are done; the same again goes on from there." in complaint
            assert "resource_tracker" not in complaint

    here(folder, "store")                                     # the rest is traced in this process
    here(folder, "whole")
    assert files(folder / "store") == files(folder / "whole")
    assert not list((folder / "store").rglob("*.partial"))
