"""Who traces: processes of this machine, or actors of a Ray cluster. Each worker has one job at a time."""

import importlib.util
import multiprocessing
import os
import socket
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from typing import Any, Protocol

from unrolled.models.corpus.worker import Done, Job, WorkerSettings, begin, work
from unrolled.models.store.layout import StoreError

ANSWER_SECONDS = 5.0
# A cluster speaks gRPC, which is HTTP/2 (RFC 9113): each side begins with a frame of its settings.
SETTINGS, FRAME_HEADER = b"\x04", 9
GREETING = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0" + SETTINGS + bytes(5)
PART_OF_GPU = 0.25
WITHOUT_A_HOST = ("auto", "local")


class Hand(Protocol):
    """A worker, seen from where jobs are given out."""

    def submit(self, job: Job) -> Future[Done]:
        """Have a part traced. The future raises one of `died` when the worker is no more."""

    @property
    def steps(self) -> int:
        """How many of its job's steps have been taken, where it can be told."""

    def end(self) -> None:
        """When it has nothing to do."""

    def kill(self) -> None:
        """Now; what it is at is not finished."""


class Crew(Protocol):
    """Makes workers."""

    size: int                              # how many there are to be
    died: tuple[type[BaseException], ...]  # what a future raises whose worker is no more

    def hire(self) -> Hand:
        """A new worker."""


class ProcessCrew:
    died: tuple[type[BaseException], ...] = (BrokenProcessPool,)

    def __init__(self, settings: WorkerSettings, size: int) -> None:
        self.size, self._settings = size, settings

    def hire(self) -> Hand:
        return _Process(self._settings)


class _Process:
    """An executor with one process, so that one that dies takes no other with it."""

    def __init__(self, settings: WorkerSettings) -> None:
        context = multiprocessing.get_context("spawn")
        self._counter = context.Value("q", 0, lock=False)
        self._executor = ProcessPoolExecutor(1, context, begin, (settings, self._counter))

    def submit(self, job: Job) -> Future[Done]:
        self._counter.value = 0
        return self._executor.submit(work, job)

    @property
    def steps(self) -> int:
        return int(self._counter.value)

    def end(self) -> None:
        self._executor.shutdown(wait=True, cancel_futures=True)

    def kill(self) -> None:
        for process in list((self._executor._processes or {}).values()):
            process.kill()
        self.end()


class RayCrew:
    """Actors of the Ray cluster that is connected, each on a core, or on a part of a GPU, of whichever machine has one. `size`:
    0 for as many as the cluster has cores, or parts of GPUs. Raises `StoreError` where a GPU is wanted and there is none.
    """

    def __init__(self, settings: WorkerSettings, size: int) -> None:
        import ray
        from ray.exceptions import RayActorError, WorkerCrashedError

        self.died: tuple[type[BaseException], ...] = (RayActorError, WorkerCrashedError)
        there = ray.cluster_resources()
        self._ray, self._needs, most = ray, {"num_cpus": 1.0}, int(there.get("CPU", 1))
        if settings.device != "cpu":
            if not there.get("GPU"):
                raise StoreError(f"The Ray cluster has no GPU for “{settings.device}”.")
            self._needs, most = self._needs | {"num_gpus": PART_OF_GPU}, min(most, int(there["GPU"] / PART_OF_GPU))
        self.size = size or max(most, 1)
        self._shared = ray.put(settings)

    def hire(self) -> Hand:
        return _Actor(self._ray, self._shared, self._needs)


@contextmanager
def connected(address: str) -> Iterator[None]:
    """A Ray cluster while the block runs; none without an address. Raises `StoreError` when Ray is not installed or nobody
    answers.
    """
    if not address:
        yield
        return
    check_address(address)
    os.environ.setdefault("RAY_NUM_REDIS_GET_RETRIES", "3")  # seconds for one that answers and is no cluster; read once
    import ray

    settings: dict[str, Any] = {"log_to_driver": False, "logging_level": "error"}
    if address == "local":
        settings["include_dashboard"] = False
    try:
        ray.init(address=address, **settings)
    except Exception as error:  # whatever its many layers raise
        why = (str(error) or type(error).__name__).splitlines()[0]
        raise StoreError(f"No Ray cluster answers at “{address}”: {why}") from error
    try:
        yield
    finally:
        ray.shutdown()


class _Actor:
    def __init__(self, ray: Any, settings: Any, needs: dict[str, float]) -> None:
        from unrolled.models.corpus.worker import Worker

        self._ray = ray
        self._actor = ray.remote(**needs)(Worker).remote(settings)

    def submit(self, job: Job) -> Future[Done]:
        found: Future[Done] = self._actor.work.remote(job).future()
        return found

    @property
    def steps(self) -> int:
        return 0  # it is told part by part

    def end(self) -> None:
        self._ray.kill(self._actor)

    kill = end


def crew_of(settings: WorkerSettings, *, workers: int, ray: str) -> Crew:
    """Those that a command asks for."""
    return RayCrew(settings, workers) if ray else ProcessCrew(settings, workers or multiprocessing.cpu_count())


def check_address(address: str) -> None:
    """Raises `StoreError` when Ray is not installed, or nobody answers at ``host:port``."""
    if importlib.util.find_spec("ray") is None:
        raise StoreError("Ray is not installed; “python -m pip install 'unrolled[cluster]'” brings it.")
    if address in WITHOUT_A_HOST:
        return
    host, _, port = address.removeprefix("ray://").rpartition(":")
    try:
        with socket.create_connection((host, int(port)), timeout=ANSWER_SECONDS) as connection:
            connection.sendall(GREETING)
            answers = connection.recv(FRAME_HEADER)[3:4] == SETTINGS
    except (OSError, ValueError, OverflowError):
        answers = False
    if not answers:
        raise StoreError(f"No Ray cluster answers at “{address}”; an address is written as host:port.")
