"""Where a store lies: a folder, or an address that fsspec knows, such as ``s3://bucket/name``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from unrolled.models.store.layout import StoreError
from unrolled.models.trace.names import text_name

FAR = {"use_listings_cache": False}


class Location:
    """A store's address, and the few things that are done there beside reading and writing arrays. Raises
    `StoreError` when nothing here knows such addresses.
    """

    def __init__(self, address: str | Path) -> None:
        import fsspec
        self.address = str(address)
        is_url = "://" in self.address
        if not is_url:
            self.address = str(Path(self.address).expanduser().absolute())
        try:
            # What is far away is written by others: a list that was read once would not tell of it.
            self._files, self._root = fsspec.core.url_to_fs(self.address, **(FAR if is_url else {}))
        except (ImportError, ValueError) as error:
            raise StoreError(f"“{text_name(self.address)}” cannot be opened: {error}") from error
        self.folder: Path | None = None if is_url and not self.address.startswith("file:") else Path(self._root)

    @property
    def title(self) -> str:
        """Its last part, to be shown."""
        return text_name(self.address.rstrip("/").rsplit("/", 1)[-1])

    def group(self, mode: str) -> Any:
        """The root group: ``r`` to read, ``r+`` to write what is there, ``w`` to make it anew. Raises `StoreError` where there
        is no library for it.
        """
        return open_group(str(self.folder) if self.folder is not None else self.address, mode, far=self.folder is None)

    def exists(self, name: str = "zarr.json") -> bool:
        return bool(self._files.exists(f"{self._root}/{name}"))

    def is_empty(self) -> bool:
        """Whether nothing lies there."""
        self._files.invalidate_cache()
        return not self._files.exists(self._root) or not self._files.ls(self._root, detail=False)

    def names(self, name: str) -> set[str]:
        """What lies in a folder of it; nothing where it is not there."""
        self._files.invalidate_cache()
        try:
            found = self._files.ls(f"{self._root}/{name}", detail=False)
        except (FileNotFoundError, NotADirectoryError):
            return set()
        return {str(path).rstrip("/").rsplit("/", 1)[-1] for path in found}

    def read(self, name: str) -> bytes | None:
        self._files.invalidate_cache()
        try:
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


def open_group(address: str, mode: str, *, far: bool = False) -> Any:
    """A group of Zarr v3. Raises `StoreError` where there is no library that reads it, and `OSError`."""
    try:
        import zarr
    except ImportError as error:
        raise StoreError("Stores of traces are read with zarr 3, which needs Python 3.11 or newer.") from error
    from unrolled.models.store.bounded_codec import bounded
    with bounded():
        return zarr.open_group(address, mode=mode, zarr_format=3,  # type: ignore[arg-type]
                               storage_options=FAR if far else None)
