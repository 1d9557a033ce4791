"""A Ray cluster of two nodes and an S3 server, both on this machine: the same bytes as from one process into a folder."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from tiny_corpus import LENGTHS, Here, write_model, write_texts

from unrolled.models.adapters.registry import load
from unrolled.models.corpus.search import search
from unrolled.models.corpus.tracing import TraceRequest, trace_corpus
from unrolled.models.store import layout
from unrolled.models.store.store import open_store

pytestmark = [pytest.mark.cluster, pytest.mark.usefixtures("threads_of_zarr")]


@pytest.fixture(scope="module")
def folder(tmp_path_factory, threads_of_zarr):
    """A model, texts, and a store that this process has written."""
    made = tmp_path_factory.mktemp("cluster")
    write_model(made / "tiny.safetensors")
    write_texts(made / "texts")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(layout, "SHORTEST_SHARD", 1024)
        request = TraceRequest(corpus=made / "texts", output=str(made / "whole"), model=str(made / "tiny.safetensors"),
                               channels=("hidden", "cell"))
        trace_corpus(request, load(request.model), hire=Here)
    return made


def tried(name: str, folder: Path) -> dict[str, object]:
    root = Path(__file__).parents[1]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(root), os.environ.get("PYTHONPATH", "")]),
                                "RAY_DEDUP_LOGS": "0", "RAY_USAGE_STATS_ENABLED": "0"}
    done = subprocess.run([sys.executable, str(Path(__file__).with_name("trials.py")), name, str(folder)], capture_output=True,
                          text=True, timeout=100, check=False, env=environment)
    assert done.returncode == 0, done.stderr[-3000:]
    found: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    return found


def files(store: Path) -> dict[str, bytes]:
    return {str(path.relative_to(store)): path.read_bytes() for path in sorted(store.rglob("c/**/*")) if path.is_file()}


def test_a_worker_of_a_cluster_is_killed(folder):
    pytest.importorskip("ray")
    found = tried("two_nodes", folder)
    parts = open_store(folder / "whole").description.parts
    assert found == {"killed": 1, "deaths": 1, "parts": parts, "steps": sum(LENGTHS)}
    assert files(folder / "store") == files(folder / "whole")


@pytest.mark.parametrize("address", ["127.0.0.1:9", "nonsense", "ray://127.0.0.1:9", "SILENT"])
def test_a_cluster_that_does_not_answer_is_said_within_ten_seconds(folder, address):
    pytest.importorskip("ray")
    silent = socket.create_server(("127.0.0.1", 0))  # takes every call and says nothing
    address = address.replace("SILENT", f"127.0.0.1:{silent.getsockname()[1]}")
    began = time.monotonic()
    done = subprocess.run([sys.executable, "-m", "unrolled.models", "corpus", "trace", str(folder / "texts"), "-o",
                           str(folder / "nobody"), "--ray", address], capture_output=True, text=True, check=False)
    silent.close()
    assert time.monotonic() - began < 10
    assert done.returncode == 1
    assert done.stderr == f"unrolled: No Ray cluster answers at “{address}”; an address is written as host:port.\n"
    assert not (folder / "nobody").exists()


def test_a_bucket_holds_what_a_folder_does(folder):
    pytest.importorskip("moto.server")
    pytest.importorskip("s3fs")
    found = tried("bucket", folder)
    whole = open_store(folder / "whole")
    assert found["before"] == 2
    assert found["same"] == found["shards"] == len(files(folder / "whole"))
    expected = search(whole, "hidden", on=[1], threshold=0.05)
    assert (found["count"], found["steps"]) == (expected.count, expected.steps)
    assert found["problems"] == []
    assert len(found["after"]) == 1
    assert found["after"][0].startswith("“hidden/c/1/0” is missing from “store”")
    assert found["text"] == whole.run(2).text()
    np.testing.assert_array_equal(np.array(found["values"], np.float32), whole.run(2).values("hidden"))
