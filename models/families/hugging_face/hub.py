"""A model on the hub: what a person named is fetched into the library's own cache, and it is told how far that is.

Of a repository the settings, the words and one form of the weights are fetched, nothing that is run.
"""

import errno
import fnmatch
import json
import re
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

from unrolled.models.checkpoints.files import CheckpointError
from unrolled.models.inputs.telling import tell
from unrolled.models.trace.names import first_line

SETTINGS = ("*.json", "*.txt", "*.model", "*.spm")
WEIGHTS = (re.compile(r"model(-\d+-of-\d+)?\.safetensors"), re.compile(r"pytorch_model(-\d+-of-\d+)?\.bin"))  # the first there is
NAME = re.compile(r"[\w.-]+(/[\w.-]+)?")
POLL_SECONDS = 0.1
MEGABYTE = 1_000_000

T = TypeVar("T")


class NotFetched(Exception):
    """What the library raised is its cause."""


class Download:
    """How far files have come. `given_up`: nobody waits for them any more."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._arrived = self._whole = 0  # bytes
        self.given_up = False

    def told(self) -> tuple[str, float]:
        """For people, and as a fraction."""
        return (f"Fetching {self._name}, {self._arrived / MEGABYTE:,.1f} of {self._whole / MEGABYTE:,.1f} MB",
                self._arrived / max(self._whole, 1))

    def fetch(self, sizes: dict[str, int], revision: str | None = None) -> Path:
        """Fetch files, by their bytes, where they are not there; of a commit, or of the newest. The folder that they lie in."""
        import huggingface_hub

        self._whole, self._arrived, path = sum(sizes.values()), 0, ""
        for file, size in sizes.items():
            before = self._arrived
            path = huggingface_hub.hf_hub_download(self._name, file, revision=revision, tqdm_class=self._bar())
            self._arrived = before + size
        return Path(path).parent

    def _bar(self) -> type:
        """What the library moves in place of a bar on the terminal."""
        download = self

        class Bar:
            total = n = 0

            def __init__(self, *_: object, **__: object) -> None:
                """Nothing is drawn."""

            def __enter__(self) -> "Bar":
                return self

            def __exit__(self, *_: object) -> None:
                """Nothing was."""

            def update(self, n: float | None = 1) -> None:
                if download.given_up:
                    raise InterruptedError
                download._arrived += int(n or 0)

            def update_transfer(self, n: float | None = 1) -> None:
                """What comes over the network is counted when it is written."""

            def __getattr__(self, _: str) -> Callable[..., None]:
                return lambda *_, **__: None

        return Bar


def waited_for(work: Callable[[], T], told: Callable[[], tuple[str, float]]) -> T:
    """Do something in a thread of its own, so that giving it up waits for no network.

    Raises `NotFetched`, and what `tell` raises.
    """
    made: list[T] = []
    raised: list[Exception] = []

    def run() -> None:
        try:
            made.append(work())
        except Exception as error:
            raised.append(error)

    thread = threading.Thread(target=run, name="hub", daemon=True)
    tell(*told())
    thread.start()
    while thread.is_alive():
        thread.join(POLL_SECONDS)
        tell(*told())
    if raised:
        raise NotFetched from raised[0]
    return made[0]


def fetched(name: str, check_memory: Callable[[int, str, str], None]) -> Path:
    """The folder of a model on the hub, its files fetched where they are not there yet. Raises `CheckpointError`.
    `check_memory`: given the bytes of the weights, their numbers' type and the name, before they are fetched; raises where they
    are too many.
    """
    import huggingface_hub

    huggingface_hub.logging.set_verbosity_error()  # what goes wrong is said here
    try:
        info = waited_for(lambda: huggingface_hub.HfApi().model_info(name, files_metadata=True),
                          lambda: (f"Asking the hub for {name}", 0.0))
    except NotFetched as error:  # no network, no such model, no leave to read it
        before = _fetched_before(name)
        if before is None:
            raise CheckpointError(_reason(name, error)) from error
        return before
    sizes = {file.rfilename: file.size or 0 for file in info.siblings or () if "/" not in file.rfilename}
    weights = next((found for pattern in WEIGHTS if (found := list(filter(pattern.fullmatch, sizes)))), [])
    if "config.json" not in sizes:
        raise CheckpointError(f"“{name}” is not a model of the library transformers: it has no config.json.")
    if not weights:
        raise CheckpointError(f"“{name}” has no weights that torch can read, neither model.safetensors nor pytorch_model.bin.")
    settings = [file for file in sizes if any(fnmatch.fnmatch(file, pattern) for pattern in SETTINGS)]
    download = Download(name)
    try:
        folder = waited_for(lambda: download.fetch({"config.json": sizes["config.json"]}), download.told)  # which commit is noted
        config = json.loads((folder / "config.json").read_bytes())
        check_memory(sum(sizes[file] for file in weights), str(config.get("dtype", config.get("torch_dtype"))), name)
        wanted = {file: sizes[file] for file in (*settings, *weights)}
        return waited_for(lambda: download.fetch(wanted, folder.name), download.told)
    except json.JSONDecodeError as error:
        raise CheckpointError(f"The config.json of “{name}” cannot be read: {first_line(error)}.") from error
    except NotFetched as error:
        raise CheckpointError(_reason(name, error, begun=True)) from error
    finally:
        download.given_up = True


def _fetched_before(name: str) -> Path | None:
    """The folder in the cache, where all of it is there that was."""
    import huggingface_hub

    found = huggingface_hub.try_to_load_from_cache(name, "config.json") if NAME.fullmatch(name) else None
    folder = Path(found).parent if isinstance(found, str) else None
    has_weights = folder is not None and any(pattern.fullmatch(file.name) for pattern in WEIGHTS for file in folder.iterdir())
    return folder if has_weights else None


def _reason(name: str, error: NotFetched, *, begun: bool = False) -> str:
    """Why it cannot be had, and what can be done."""
    import huggingface_hub
    from huggingface_hub import errors

    causes, cache = list(_causes(error)), huggingface_hub.constants.HF_HUB_CACHE
    raised = type(causes[-1]).__name__
    if any(isinstance(own, errors.HFValidationError) for own in causes):
        return f"“{name}” is neither a file, nor a folder, nor a name on the hub, such as organisation/model."
    if any(isinstance(own, errors.GatedRepoError) for own in causes):
        return (f"“{name}” is given only to those who asked for it: ask on {huggingface_hub.constants.ENDPOINT}/{name}, then "
                "log in with “hf auth login”.")
    if any(isinstance(own, errors.RepositoryNotFoundError) for own in causes):
        return f"There is no “{name}” on the hub that you may see; for a private one log in with “hf auth login”."
    full = next((own for own in causes if isinstance(own, OSError) and own.errno in (errno.ENOSPC, errno.EACCES, errno.EROFS,
                                                                                   errno.EDQUOT)), None)
    if full is not None:
        return f"“{name}” cannot be written into {cache}: {full.strerror}."
    if begun:
        return (f"“{name}” could not be fetched whole: the connection to the hub broke ({raised}). Open it again; the files that "
                "arrived are kept.")
    return (f"“{name}” is not in {cache}, and cannot be had from the hub ({raised}). Where there is a network, “hf download "
            f"{name} --local-dir FOLDER” fetches it; then open that folder with --model hf:FOLDER.")


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__
