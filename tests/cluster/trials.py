"""What the tests of clusters and buckets run in a process of their own, since both leave threads: `trials.py NAME FOLDER`."""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from tiny_corpus import Here

from unrolled.models.adapters.registry import load
from unrolled.models.corpus.search import search
from unrolled.models.corpus.tracing import TraceRequest, TracingProgress, trace_corpus
from unrolled.models.store import layout
from unrolled.models.store.store import open_store
from unrolled.models.store.verifying import verify

layout.SHORTEST_SHARD = 1024


def request(folder: Path, output: str, **changes: object) -> TraceRequest:
    fields = {"corpus": folder / "texts", "output": output, "model": str(folder / "tiny.safetensors"),
              "channels": ("hidden", "cell"), **changes}
    return TraceRequest(**fields)  # type: ignore[arg-type]


def two_nodes(folder: Path) -> dict[str, object]:
    """Trace on a Ray cluster of two nodes, and kill one of the two workers while it is at work."""
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    cluster.add_node(num_cpus=1)
    killed: list[int] = []

    def kill(progress: TracingProgress) -> None:
        at_work = _workers()
        if not killed and progress.parts >= 1 and len(at_work) == 2:
            killed.append(at_work[0])
            os.kill(at_work[0], signal.SIGKILL)

    try:
        asked = request(folder, str(folder / "store"), workers=2, ray=cluster.address)
        outcome = trace_corpus(asked, load(asked.model), say=kill)
    finally:
        cluster.shutdown()
    return {"killed": len(killed), "deaths": outcome.deaths, "parts": outcome.parts, "steps": outcome.steps}


def _workers() -> list[int]:
    """The processes of actors; Ray names them."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                words = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if words.startswith(b"ray::Worker"):
                found.append(int(entry.name))
    return sorted(found)


def bucket(folder: Path) -> dict[str, object]:
    """Trace into a bucket of a local S3 server, interrupted once, and ask the store."""
    import fsspec
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(port=0)
    server.start()
    host, port = server.get_host_and_port()
    os.environ |= {"AWS_ENDPOINT_URL": f"http://{host}:{port}", "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test",
                   "AWS_DEFAULT_REGION": "us-east-1"}
    try:
        fsspec.filesystem("s3").mkdir("corpora")
        address = "s3://corpora/store"
        asked = request(folder, address)
        stepper = load(asked.model)

        def interrupt(part: int) -> None:
            if part == 2:
                raise KeyboardInterrupt

        try:
            trace_corpus(asked, stepper, hire=lambda settings: Here(settings, fail=interrupt))
        except KeyboardInterrupt:
            before = int(open_store(address).written.sum())
        trace_corpus(asked, stepper, hire=Here)
        store, files = open_store(address), fsspec.filesystem("s3", use_listings_cache=False)
        shards = {path.removeprefix("corpora/store/"): path for path in files.find("corpora/store") if "/c/" in path}
        same = sum(files.cat_file(path) == (folder / "whole" / name).read_bytes() for name, path in shards.items())
        found = search(store, "hidden", on=[1], threshold=0.05)
        problems = list(verify(store))
        text, values = store.run(2).text(), store.run(2).values("hidden").tolist()
        files.rm_file(shards["hidden/c/1/0"])
        return {"before": before, "shards": len(shards), "same": same, "count": found.count, "steps": found.steps,
                "problems": problems, "after": list(verify(open_store(address))), "text": text, "values": values}
    finally:
        server.stop()


if __name__ == "__main__":
    print(json.dumps({"two_nodes": two_nodes, "bucket": bucket}[sys.argv[1]](Path(sys.argv[2]))))
    sys.stdout.flush()
    os._exit(0)  # whatever threads are left
