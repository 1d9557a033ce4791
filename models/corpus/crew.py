"""Who traces: processes of this machine, or actors of a Ray cluster. Each worker has one job at a time."""

from __future__ import annotations

import multiprocessing
import socket
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any, Protocol

from unrolled.models.corpus.jobs import Done, Job, WorkerSettings
from unrolled.models.corpus.worker import begin, work
from unrolled.models.store.layout import StoreError

ANSWER_SECONDS = 5.0   # that a cluster has to answer


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
    """Makes workers.

    Attributes
    ----------
    size : int
        How many there are to be.
    died : tuple of types
        What a future raises whose worker is no more.
    """

    size: int
    died: tuple[type[BaseException], ...]

    def hire(self) -> Hand:
        """A new worker."""

    def close(self) -> None:
        """When all have ended."""


class ProcessCrew:
    """Processes of this machine."""

    died: tuple[type[BaseException], ...] = (BrokenProcessPool,)

    def __init__(self, settings: WorkerSettings, size: int) -> None:
        self.size, self._settings = size, settings

    def hire(self) -> Hand:
        return _Process(self._settings)

    def close(self) -> None:
        pass  # nothing is left of processes that have ended


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
    """Actors of a Ray cluster, each on a core, or on a part of a GPU, of whichever machine has one.

    Parameters
    ----------
    address : str
        A cluster's, or ``local`` for one that is started on this machine and ended afterwards.
    size : int
        0 for as many as the cluster has cores.

    Raises
    ------
    StoreError
        When Ray is not installed, or nobody answers.
    """

    def __init__(self, settings: WorkerSettings, size: int, address: str) -> None:
        try:
            import ray
        except ImportError as error:
            raise StoreError("Ray is not installed; “python -m pip install 'unrolled[cluster]'” brings it.") from error
        from ray.exceptions import RayActorError, WorkerCrashedError

        self.died: tuple[type[BaseException], ...] = (RayActorError, WorkerCrashedError)
        self._ray, self._settings = ray, settings
        self._was_there = ray.is_initialized()
        if not self._was_there:
            _connect(ray, address)
        self.size = size or max(int(ray.cluster_resources().get("CPU", 1)), 1)
        self._shared = ray.put(settings)

    def hire(self) -> Hand:
        return _Actor(self._ray, self._shared, on_gpu=self._settings.device.startswith("cuda"))

    def close(self) -> None:
        if not self._was_there:
            self._ray.shutdown()


def _connect(ray: Any, address: str) -> None:
    settings: dict[str, Any] = {"log_to_driver": False, "logging_level": "error", "include_dashboard": False}
    if address == "local":
        ray.init(address="local", **settings)
        return
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if address != "auto":
        try:
            socket.create_connection((host, int(port)), timeout=ANSWER_SECONDS).close()
        except (OSError, ValueError) as error:  # Ray itself would wait for minutes
            raise StoreError(f"No Ray cluster answers at “{address}”; an address is written as host:port.") from error
    settings.pop("include_dashboard")
    try:
        ray.init(address=address, **settings)
    except Exception as error:  # whatever its many layers raise
        why = (str(error) or type(error).__name__).splitlines()[0]
        raise StoreError(f"No Ray cluster answers at “{address}”: {why}") from error


class _Actor:
    def __init__(self, ray: Any, settings: Any, *, on_gpu: bool) -> None:
        from unrolled.models.corpus.worker import Worker

        self._ray = ray
        needs = {"num_cpus": 1, "num_gpus": 0.25} if on_gpu else {"num_cpus": 1}
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
    return RayCrew(settings, workers, ray) if ray else ProcessCrew(settings, workers or multiprocessing.cpu_count())
