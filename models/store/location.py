"""Where a store lies: a folder, or an address that fsspec knows, such as ``s3://bucket/name``."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from unrolled.models.store.layout import StoreError, UnreachableError
from unrolled.models.trace.names import text_name

# What is far away is written by others: a list that was read once would not tell of it.
FAR: dict[str, Any] = {"use_listings_cache": False}
# A person waits for what is read: twice three seconds without an answer are enough. With more than one at once s3fs asks how
# large a file is before it reads it; what reads here reads several files side by side. Who waits for a connection waits beside
# these seconds: there are more of them than several questions of a window want at once.
READ_FROM = {"s3": {"max_concurrency": 1, "config_kwargs": {
    "max_pool_connections": 64, "connect_timeout": 3, "read_timeout": 3, "retries": {"total_max_attempts": 2}}}}
# What the library does with bytes that are not those that were written; what a network does to it is none of these.
DAMAGED = (ValueError, RuntimeError, EOFError, LookupError, TypeError, AttributeError, ArithmeticError, AssertionError,
           FileNotFoundError)


class Location:
    """A store's address, and the few things that are done there beside reading and writing arrays. Raises
    `StoreError` when nothing here knows such addresses, and `UnreachableError` whatever is asked of one that does not answer.
    """

    def __init__(self, address: str | Path, *, to_read: bool = False) -> None:
        import fsspec
        self.address = str(address)
        is_url = "://" in self.address
        if not is_url:
            self.address = str(Path(self.address).expanduser().absolute())
        self._to_read = to_read
        self._options = FAR | READ_FROM.get(self.address.split("://")[0] if to_read else "", {}) if is_url else {}
        try:
            self._files, self._root = fsspec.core.url_to_fs(self.address, **self._options)
            self._hurried(self._files)
        except (ImportError, ValueError) as error:
            raise StoreError(f"“{text_name(self.address)}” cannot be opened: {error}") from error
        self.folder: Path | None = None if is_url and not self.address.startswith("file:") else Path(self._root)

    @property
    def title(self) -> str:
        """Its last part, to be shown."""
        return text_name(self.address.rstrip("/").rsplit("/", 1)[-1])

    @property
    def where(self) -> str:
        """What a person named it by: elsewhere than on this machine the whole address."""
        return self.title if self.folder is not None else text_name(self.address)

    @contextmanager
    def reached(self, damaged: str = "") -> Iterator[None]:
        """What its server, or the network on the way, says in place of an answer, as an `UnreachableError`; with `damaged` what
        the library says of bytes that are not right as a `StoreError` of that sentence.
        """
        try:
            yield
        except (StoreError, UnreachableError, MemoryError):
            raise
        except Exception as error:
            if self.folder is not None or isinstance(error, DAMAGED):
                if damaged:
                    raise StoreError(damaged) from error
                raise
            raise UnreachableError(f"“{self.where}” cannot be reached: {reason_of(error)}.") from error

    def group(self, mode: str) -> Any:
        """The root group: ``r`` to read, ``r+`` to write what is there, ``w`` to make it anew. Raises `StoreError` where there
        is no library for it.
        """
        with self.reached():
            if self.folder is not None:
                return open_group(str(self.folder), mode)
            return open_group(self.address, mode, self._options, self._hurried)

    def _hurried(self, files: Any) -> None:
        """s3fs asks again by itself whatever botocore asked again."""
        if self._to_read and hasattr(files, "retries"):
            files.retries = 1

    def exists(self, name: str = "zarr.json") -> bool:
        with self.reached():
            return bool(self._files.exists(f"{self._root}/{name}"))

    def is_empty(self) -> bool:
        self._files.invalidate_cache()
        with self.reached():
            return not self._files.exists(self._root) or not self._files.ls(self._root, detail=False)

    def names(self, name: str) -> set[str]:
        """What lies in a folder of it; nothing where it is not there."""
        self._files.invalidate_cache()
        try:
            with self.reached():
                found = self._files.ls(f"{self._root}/{name}", detail=False)
        except (FileNotFoundError, NotADirectoryError):
            return set()
        return {str(path).rstrip("/").rsplit("/", 1)[-1] for path in found}

    def read(self, name: str) -> bytes | None:
        self._files.invalidate_cache()
        try:
            with self.reached():
                data: bytes = self._files.cat_file(f"{self._root}/{name}")
        except FileNotFoundError:
            return None
        return data

    def write(self, name: str, data: bytes) -> None:
        """Small files that are not missed when they are lost."""
        self._files.makedirs(f"{self._root}/{name}".rsplit("/", 1)[0], exist_ok=True)
        self._files.pipe_file(f"{self._root}/{name}", data)

    def create(self, name: str, data: bytes) -> bool:
        """Write a file that is not there; whether it was not. Elsewhere than in a folder of this machine two may both succeed."""
        if self.folder is None:
            if self.read(name) is not None:
                return False
            self.write(name, data)
            return True
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with path.open("xb") as file:
                file.write(data)
        except FileExistsError:
            return False
        return True

    def remove(self, name: str) -> None:
        try:
            self._files.rm_file(f"{self._root}/{name}")
        except FileNotFoundError:
            pass


def reason_of(error: Exception) -> str:
    """What it says, in a line without a full stop."""
    return (str(error) or type(error).__name__).splitlines()[0].rstrip(".")


def open_group(address: str, mode: str, options: dict[str, Any] | None = None,
               prepare: Callable[[Any], None] = lambda files: None) -> Any:
    """A group of Zarr v3. Raises `StoreError` where there is no library that reads it, and `OSError`.

    Parameters
    ----------
    options : dict, optional
        Of an address for fsspec; none of a folder.
    prepare : callable
        Is given the file system that an address is read by.
    """
    try:
        import zarr
        from zarr.storage import FsspecStore
    except ImportError as error:
        raise StoreError("Stores of traces are read with zarr 3, which needs Python 3.11 or newer.") from error
    from unrolled.models.store.bounded_codec import bounded
    with bounded():
        if options is None:
            return zarr.open_group(address, mode=mode, zarr_format=3)  # type: ignore[arg-type]
        store = FsspecStore.from_url(address, storage_options=options, read_only=mode == "r")
        prepare(store.fs)
        return zarr.open_group(store, mode=mode, zarr_format=3)  # type: ignore[arg-type]
