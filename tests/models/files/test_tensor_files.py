"""Arrays written and read here are those that the format's own library reads and writes."""

from __future__ import annotations

import io
import json

import numpy as np
import pytest
import safetensors.numpy as library

from unrolled.models.trace.tensor_files import is_whole, tensors_in, write_tensors


def arrays():
    rng = np.random.default_rng(0)
    return {"odd bytes": rng.integers(0, 255, 7).astype(np.uint8), "steps": rng.integers(-9, 9, 5),
            "größe": rng.normal(size=(5, 3, 2)).astype(np.float32), "none": np.empty((0, 4), np.float32),
            "turned": rng.normal(size=(3, 4)).astype(np.float32).T, "not numbers": np.array([np.nan, np.inf], np.float32)}


def same(found, expected):
    assert found.keys() == expected.keys()
    for name, array in expected.items():
        assert found[name].dtype == array.dtype
        assert found[name].shape == array.shape
        assert found[name].tobytes() == np.ascontiguousarray(array).tobytes()


def test_the_library_reads_what_is_written(tmp_path):
    path = tmp_path / "a.safetensors"
    with path.open("wb") as file:
        write_tensors(file, arrays(), {"header": "“x”"})
    same(library.load_file(path), arrays())
    from safetensors import safe_open

    with safe_open(path, framework="numpy") as opened:
        assert opened.metadata() == {"header": "“x”"}


def test_what_the_library_writes_is_read_without_a_copy():
    data = library.save({name: np.ascontiguousarray(array) for name, array in arrays().items()}, metadata={"a": "b"})
    found, metadata = tensors_in(data)
    same(found, arrays())
    assert metadata == {"a": "b"}
    assert all(np.shares_memory(array, np.frombuffer(data, np.uint8)) for array in found.values() if array.size)


@pytest.mark.parametrize("wrong", [
    {"data_offsets": (0, 21)}, {"data_offsets": (-4, 16)}, {"data_offsets": (10**9, 10**9 + 20)}, {"shape": [-5]}, {"shape": [6]},
    {"shape": [2**62, 4]}, {"dtype": "F8"}, {"shape": "5"}, {"data_offsets": None},
])
def test_a_tensor_that_cannot_be_where_it_says_is_refused(wrong):
    stream = io.BytesIO()
    write_tensors(stream, {"a": np.zeros(5, np.float32)}, {})
    data = stream.getvalue()
    length = int.from_bytes(data[:8], "little")
    described = json.loads(data[8 : 8 + length])
    described["a"] |= wrong
    header = json.dumps(described).encode()
    with pytest.raises((ValueError, KeyError, TypeError)):
        tensors_in(len(header).to_bytes(8, "little") + header + data[8 + length :])


@pytest.mark.parametrize("damage", [lambda data: data[:-1], lambda data: data + b"x", lambda data: data[:9], lambda _: b"",
                                    lambda data: b"\xff" * 8 + data[8:], lambda data: data[:8] + b"[" * 5000 + data[8:]])
def test_a_file_of_another_length_than_it_says_is_not_whole(tmp_path, damage):
    path = tmp_path / "a.safetensors"
    with path.open("wb") as file:
        write_tensors(file, arrays(), {})
    assert is_whole(path)
    path.write_bytes(damage(path.read_bytes()))
    assert not is_whole(path)
    assert not is_whole(tmp_path)
