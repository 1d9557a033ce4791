"""The encoder's features of many photographs, computed once and kept on disk.

They do not change while the captioner is trained, and computing them takes most of the time of an epoch. The cache is
one array in half precision, and a small file that says what it is of; a run that was interrupted goes on where it was.
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from unrolled.models.data.flickr8k import Photograph
from unrolled.models.families.captioning.encoder import Encoder
from unrolled.models.inputs.pictures import read_picture
from unrolled.models.trace.atomic import atomic_write

BATCH = 16


def encode_photographs(encoder: Encoder, photographs: Sequence[Photograph], *, device: str = "cpu",
                       mirrored: bool = False) -> Tensor:
    """Features of a few photographs, (N, L, features), float32 on the device."""
    pixels = torch.stack([encoder.pixels(read_picture(p.read(), p.name).image) for p in photographs])
    with torch.inference_mode():
        features: Tensor = encoder((pixels.flip(3) if mirrored else pixels).to(device))
    return features


class FeatureCache:
    """Features of photographs and of their mirror images, in `folder` under a name made from the encoder and the photographs."""

    def __init__(self, folder: Path, encoder: Encoder, photographs: Sequence[Photograph], *, flips: bool) -> None:
        self._encoder, self._photographs, self._flips = encoder, photographs, flips
        about = json.dumps([encoder.name, encoder.weights_hash, flips, [p.name for p in photographs]])
        name = hashlib.sha256(about.encode()).hexdigest()[:16]
        self._data, self._done = folder / f"{name}.npy", folder / f"{name}.json"
        folder.mkdir(parents=True, exist_ok=True)
        self._array: npt.NDArray[np.float16] | None = None

    def fill(self, *, device: str = "cpu") -> Iterator[tuple[int, int]]:
        """Compute what is missing, saying how many photographs are done, of how many. Raises `OSError` when the disk is full."""
        cells, features = self._encoder.kind.side**2, self._encoder.kind.features
        shape = (len(self._photographs), 2 if self._flips else 1, cells, features)
        done = self._number_done()
        mode = "r+" if done and self._data.is_file() else "w+"
        array = np.lib.format.open_memmap(self._data, mode, np.float16, shape if mode == "w+" else None)
        done = done if mode == "r+" and array.shape == shape else 0
        self._encoder.to(device)
        for first in range(done, shape[0], BATCH):
            chosen = self._photographs[first : first + BATCH]
            for mirrored in range(shape[1]):
                grid = encode_photographs(self._encoder, chosen, device=device, mirrored=bool(mirrored))
                array[first : first + len(chosen), mirrored] = grid.cpu().half().numpy()
            if first % (BATCH * 16) == 0 or first + BATCH >= shape[0]:
                array.flush()
                with atomic_write(self._done) as file:
                    file.write(json.dumps({"done": first + len(chosen)}).encode())
            yield first + len(chosen), shape[0]
        self._array = np.load(self._data, mmap_mode="r")

    def __call__(self, pictures: npt.NDArray[np.int64], flipped: npt.NDArray[np.int64]) -> Tensor:
        """Features by places, (P, L, features), float32."""
        assert self._array is not None, "fill() comes first"
        return torch.from_numpy(self._array[pictures, flipped]).float()

    def _number_done(self) -> int:
        try:
            return int(json.loads(self._done.read_text())["done"])
        except (OSError, ValueError, KeyError, TypeError):
            return 0
