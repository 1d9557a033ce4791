"""Pickled checkpoints are read without running anything in them, whatever stands there."""

from __future__ import annotations

import argparse
import collections
import io
import os
import pickle
import random
import struct
import time
import zipfile
from contextlib import suppress
from copy import copy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from unrolled.models.adapters.registry import load
from unrolled.models.checkpoints import inert_pickle, pickled
from unrolled.models.checkpoints.files import CheckpointError, read_header
from unrolled.models.checkpoints.fitting import fitted
from unrolled.models.checkpoints.inert_pickle import read_pickle
from unrolled.models.checkpoints.inert_values import PickleError, Stub
from unrolled.models.checkpoints.pickled import read_object, read_pickled


class Vocabulary:
    """As people pickle it: a class of their own, which nobody else has."""

    def __init__(self) -> None:
        self.word2idx = {"<pad>": 0, "dog": 1}
        self.owner = self


def network() -> nn.Module:
    torch.manual_seed(0)
    tied = nn.Linear(3, 4)
    return nn.Sequential(tied, nn.ModuleDict({"cell": nn.LSTMCell(4, 5), "norm": nn.BatchNorm1d(5)}), tied)


@pytest.mark.parametrize("protocol", [0, 1, 2, 3, 4, 5])
def test_plain_containers_come_out_as_they_went_in(protocol: int) -> None:
    plain = {"list": [1, -2, 2**70, 1.5, None, True], "tuple": (1, (2, 3), ()), "set": {1, "b"}, "text": "é\n",
             "bytes": b"\0\xff",
             "ordered": collections.OrderedDict(a=1), "array": np.arange(6, dtype="<i4").reshape(2, 3),
             "columns": np.asfortranarray(np.arange(6.0).reshape(2, 3)), "number": np.float64(0.25)}
    found = read_pickle(io.BytesIO(pickle.dumps(plain, protocol)))
    for name in ("array", "columns"):
        assert np.array_equal(found.pop(name), plain.pop(name))
    assert found == plain
    own = read_pickle(io.BytesIO(pickle.dumps([Vocabulary(), argparse.Namespace(rnn_size=512)], protocol)))
    assert isinstance(own[0], Stub)
    assert own[0].kind.endswith("Vocabulary")
    assert own[0].state["word2idx"] == {"<pad>": 0, "dog": 1}
    assert own[0].state["owner"] is own[0]
    assert own[1] == {"rnn_size": 512}


def test_a_pickle_of_python_2() -> None:
    data = (b"(iargparse\nNamespace\np0\n(dp1\nS'rnn_size'\np2\nI512\nsS'words'\np3\n"
            b"c__builtin__\nset\n((lS'caf\\xe9'\naI1\natRp4\nsb.")
    with pytest.raises(PickleError, match="damaged"):
        read_pickle(io.BytesIO(data))  # a byte that is no ASCII, in protocol 0: nobody can tell what it means
    assert read_pickle(io.BytesIO(data.replace(b"\\xe9", b"e"))) == {"rnn_size": 512, "words": {"cafe", 1}}


@pytest.mark.parametrize("layout", [True, False], ids=["zip", "legacy"])
@pytest.mark.parametrize("whole", [True, False], ids=["module", "state dict"])
def test_tensors_come_out_as_they_went_in(tmp_path: Path, layout: bool, whole: bool) -> None:
    own, path = network(), tmp_path / "model.pth.tar"
    optimizer = torch.optim.Adam(own.parameters())
    torch.save({"epoch": 3, "net": nn.DataParallel(own) if whole else own.state_dict(), "optimizer": optimizer}, path,
               _use_new_zipfile_serialization=layout)
    found = read_pickled(path)
    assert found.content["epoch"] == 3
    expected = own.state_dict()
    assert {name for name in found.tensors if name.startswith("net.")} == {f"net.{name}" for name in expected}
    for name, value in expected.items():
        assert torch.equal(found.tensors[f"net.{name}"], value)
    again = fitted(path, network, found.under("net."))
    assert torch.equal(again[1]["cell"].weight_ih, own[1]["cell"].weight_ih)


def test_views_halves_and_parts_of_a_storage(tmp_path: Path) -> None:
    base = torch.arange(24.0).reshape(4, 6)
    tensors = {"turned": base.T, "part": base[1:3, ::2], "half": base.half(), "brain": base.bfloat16(), "empty": base[:0],
               "scalar": base[2, 3], "truth": base > 3}
    for layout in (True, False):
        torch.save(tensors, tmp_path / "t.pt", _use_new_zipfile_serialization=layout)
        found = read_object(tmp_path / "t.pt")
        assert all(torch.equal(found[name], value) for name, value in tensors.items())


def test_torchscript_is_refused_first(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "m.pt", "w") as archive:
        for name in ("m/data.pkl", "m/constants.pkl", "m/code/__torch__.py", "m/version"):
            archive.writestr(name, b"garbage")
    with pytest.raises(CheckpointError, match="TorchScript"):
        read_pickled(tmp_path / "m.pt")


def test_what_is_larger_than_the_memory_is_said_before_it_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.save({"net.weight": torch.zeros(1000)}, tmp_path / "large.pt")
    assert read_pickled(tmp_path / "large.pt").has("net.weight")
    monkeypatch.setattr("unrolled.models.checkpoints.files.computer_memory", lambda: 6000)
    monkeypatch.setattr(pickled, "_of_zip", lambda *_: pytest.fail("it was read"))
    with pytest.raises(CheckpointError, match="the most that can be read"):
        read_pickled(tmp_path / "large.pt")
    save_file({"net.weight": torch.zeros(1000)}, tmp_path / "large.safetensors")
    with pytest.raises(CheckpointError, match="the most that can be read"):
        read_header(tmp_path / "large.safetensors")


def test_a_zip_that_unpacks_to_far_more_is_refused_unread(tmp_path: Path) -> None:
    """Many megabytes of zeros in one, and one file that stands in the archive a thousand times."""
    torch.save({"w": torch.zeros(4)}, tmp_path / "plain.pt")
    deflated = zipfile.ZipFile(tmp_path / "bomb.pt", "w", zipfile.ZIP_DEFLATED)
    with zipfile.ZipFile(tmp_path / "plain.pt") as plain, deflated as bomb:
        for name in plain.namelist():
            with bomb.open(name.replace("plain", "bomb"), "w") as member:
                for _ in range(256 if name.endswith("data/0") else 1):
                    member.write(bytes(2**20) if name.endswith("data/0") else plain.read(name))
    assert (tmp_path / "bomb.pt").stat().st_size < 2**21
    started = time.process_time()
    with pytest.raises(CheckpointError, match="compressed, as torch never writes them"):
        read_pickled(tmp_path / "bomb.pt")
    assert time.process_time() - started < 1
    with zipfile.ZipFile(tmp_path / "many.pt", "w") as many:
        many.writestr("many/data.pkl", pickle.dumps({}))
        many.writestr("many/data/0", bytes(2**16))
        for number in range(1, 1000):
            again = copy(many.getinfo("many/data/0"))
            again.filename = f"many/data/{number}"
            many.filelist.append(again)
    with pytest.raises(CheckpointError, match="as torch never writes them"):
        read_pickled(tmp_path / "many.pt")


def test_what_asks_for_many_copies_is_refused() -> None:
    megabyte = b"X" + struct.pack("<I", 2**20) + b"a" * 2**20
    copying = b"c_codecs\nencode\nq\0(" + megabyte + b"tq\1" + b"0h\0h\1R" * 2000 + b"."
    with pytest.raises(PickleError, match="far more than any model"):
        read_pickle(io.BytesIO(b"\x80\x02" + copying))


NUMBERS_OF_ONE_HASH = b"".join(pickle.dumps(times * (2**61 - 1))[2:-1] + b"N" for times in range(9))
A_THOUSAND = b"K\1K\2\x86q\0](" + b"h\0" * 1000 + b"eq\1"  # pairs in a list, whose name is 1


@pytest.mark.parametrize(("data", "sentence"), [
    (b"}(" + NUMBERS_OF_ONE_HASH + b"u.", "a key that none can have"),  # which is found after hours where there are many
    (A_THOUSAND + b"c__builtin__\nset\nq\2](" + b"h\2h\1\x85R" * 500 + b"e.", "far more than any model"),
    (A_THOUSAND + b"ccollections\nOrderedDict\nq\2](" + b"h\2h\1\x85R" * 500 + b"e.", "far more than any model"),
    (b")0" * 300_001 + b"N.", "far more objects than any model"),
    (b"cnumpy.core.multiarray\n_reconstruct\n)R(K\1M\x10\x27\x85cnumpy\ndtype\nU\2u1\x85R\x89M\x10\x27tb.", "has no numbers"),
    (b"\x8b\0\1\0\0" + b"\1" * 256 + b".", "far too many digits"),  # to be said, which is an error of its own
])
def test_a_few_bytes_ask_for_neither_hours_nor_gigabytes(monkeypatch: pytest.MonkeyPatch, data: bytes, sentence: str) -> None:
    for bound in ("MOST_INSTRUCTIONS", "MOST_COPIED"):  # in a tenth of the time
        monkeypatch.setattr(inert_pickle, bound, getattr(inert_pickle, bound) // 10)
    with pytest.raises(PickleError, match=sentence):
        read_pickle(io.BytesIO(b"\x80\x02" + data))


def test_names_within_are_shown_as_they_can_be_printed(tmp_path: Path) -> None:
    torch.save({"a\n\x1b[31m": torch.zeros(2)}, tmp_path / "n.pt")
    with pytest.raises(CheckpointError) as caught:
        load(str(tmp_path / "n.pt"))
    assert "a\N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}[31m 2" in str(caught.value)


def test_what_a_stub_holds_many_times_over_is_not_spelled_out() -> None:
    again = b"cmine\nA\n(" + b"".join(b"h" + bytes((number,)) for number in (0, 0)) + b"tRq\0"
    found = read_pickle(io.BytesIO(b"\x80\x02K\1q\0" + again * 40 + b"."))
    assert len(f"{found}") < 200


def test_many_names_of_one_dictionary_are_parts_too_many(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for bound in ("MOST_PARTS", "MOST_NAMES"):
        monkeypatch.setattr(pickled, bound, getattr(pickled, bound) // 10)
    own: dict[str, object] = {}
    own.update({f"part {number}": own for number in range(4000)})
    (tmp_path / "loop.pt").write_bytes(pickle.dumps({"words": {f"word {number}": number for number in range(30_000)}}))
    assert not read_pickled(tmp_path / "loop.pt").tensors
    (tmp_path / "loop.pt").write_bytes(pickle.dumps(own))
    with pytest.raises(CheckpointError, match="more parts than any model"):
        read_pickled(tmp_path / "loop.pt")


def test_a_module_that_holds_itself_is_walked_to_an_end(tmp_path: Path) -> None:
    own = nn.Linear(2, 2)
    own._modules["a"] = own._modules["b"] = own
    torch.save(own, tmp_path / "loop.pt")
    with pytest.raises(CheckpointError, match="more parts than any model"):
        read_pickled(tmp_path / "loop.pt")


# ── Pickles that would run something ────────────────────────────────────────────────────────────────────────────────

MARKER = "ran-it"
COMMAND = f"touch {MARKER}".encode()
PYTHON = f"open({MARKER!r}, 'w')".encode()


def text(value: bytes) -> bytes:
    return b"X" + struct.pack("<I", len(value)) + value


MALICIOUS = {
    "REDUCE": b"cos\nsystem\n(" + text(COMMAND) + b"tR.",
    "eval": b"cbuiltins\neval\n(" + text(PYTHON) + b"tR.",
    "Python 2's exec": b"c__builtin__\nexecfile\n(" + text(PYTHON) + b"tR.",
    "INST": b"(" + text(COMMAND) + b"ios\nsystem\n.",
    "OBJ": b"(cos\nsystem\n" + text(COMMAND) + b"o.",
    "NEWOBJ": b"\x80\x02csubprocess\nPopen\n(" + text(COMMAND) + b"t\x81.",
    "STACK_GLOBAL": b"\x80\x04" + text(b"posix") + text(b"system") + b"\x93(" + text(COMMAND) + b"tR.",
    "by way of attributes": b"\x80\x04" + text(b"builtins") + text(b"object.__subclasses__") + b"\x93)R.",
    "getattr": b"cbuiltins\ngetattr\n(cbuiltins\nobject\n" + text(b"__subclasses__") + b"tR.",
    "BUILD on a name": b"ccollections\nOrderedDict\n}" + text(b"__init__") + b"ccollections\nCounter\nsb.",
    "persistent": b"(" + text(b"storage") + b"cos\nsystem\n" + text(COMMAND) + text(b"cpu") + b"K\x01tQ.",
    "nested persistent": b"((" + text(b"storage") + b"ctorch\nFloatStorage\n" + text(b"0") + text(b"cpu") + b"K\x01tQ"
                         + text(b"x") + b"tQ.",
    "extension": b"\x82\x01(tR.",
    "a stub that is called": b"cmine\nRun\n)R(" + text(COMMAND) + b"tR.",
    "webbrowser": b"cwebbrowser\nopen\n(" + text(COMMAND) + b"tR.",
}


@pytest.mark.parametrize("name", MALICIOUS)
def test_nothing_in_a_pickle_is_run(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    calls: list[Any] = []
    for function in ("system", "popen"):
        monkeypatch.setattr(os, function, lambda *given: calls.append(given))
    path = tmp_path / "bad.pkl"
    path.write_bytes(MALICIOUS[name])
    with pytest.raises(CheckpointError) as refused:
        read_object(path)
    assert str(refused.value).startswith("“bad.pkl” ")
    assert not calls
    assert not (tmp_path / MARKER).exists()
    wanted = {"REDUCE": "os.system", "eval": "builtins.eval", "INST": "os.system", "OBJ": "os.system",
              "NEWOBJ": "subprocess.Popen", "STACK_GLOBAL": "posix.system",
              "by way of attributes": "builtins.object.__subclasses__"}
    assert wanted.get(name, "") in str(refused.value)


def test_a_strangers_class_is_never_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "their_module.py").write_text(f"open({MARKER!r}, 'w')\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    found = read_pickle(io.BytesIO(b"ctheir_module\nModel\n(I1\ntR}S'size'\nI7\nsb."))
    assert (found.kind, found.arguments, found.state) == ("their_module.Model", (1,), {"size": 7})
    assert not (tmp_path / MARKER).exists()


@pytest.mark.parametrize("data", [
    b"(" * 200_000 + b"t" * 200_000 + b"I1\nN" + b"s.",                     # a tower of tuples
    b"}" + b")" + b"\x85" * 200_000 + b"Ns.",                               # the same as a key
    b"\x8e" + struct.pack("<Q", 2**62) + b".", b"\x8a\xff.", b"B" + struct.pack("<I", 2**31) + b"x.",
    b"cnumpy\ndtype\n(S'f8'\nI0\nI1\ntR.", b"I" + b"9" * 100_000 + b"\n.",
    b"\x80\x02]q\x00h\x00a" * 3 + b".", b"", b".", b"0.", b"1.", b"R.", b"h\x07.",
])
def test_what_is_off_costs_no_more_than_a_sentence(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "off.pkl"
    path.write_bytes(data)
    with suppress(CheckpointError):
        read_object(path)


def test_changed_in_any_place_it_gives_something_or_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    draw, path = random.Random(12), tmp_path / "changed.pt"
    originals = [pickle.dumps([Vocabulary(), np.arange(5), {"a": (1, 2)}], protocol) for protocol in (0, 2, 4)]
    for layout in (True, False):
        torch.save({"net": network(), "n": np.float64(1)}, path, _use_new_zipfile_serialization=layout)
        originals.append(path.read_bytes())
    refused = 0
    for number in range(300):
        data = bytearray(originals[number % len(originals)])
        for _ in range(draw.randint(1, 4)):
            place = draw.randrange(min(len(data), 4000))
            way = draw.randrange(4)
            if way == 0:
                data[place] = draw.randrange(256)
            elif way == 1:
                del data[place:]
            elif way == 2:
                data[place:place] = draw.choice([b"\xff\xff\xff\x7f", b"Rb", b"cos\nsystem\n", b"((((", b"Q", b"\x94"])
            else:
                del data[place : place + draw.randint(1, 8)]
            if not data:
                break
        path.write_bytes(bytes(data))
        try:
            read_pickled(path)
        except CheckpointError:
            refused += 1
    assert refused > 50
    assert [entry.name for entry in tmp_path.iterdir()] == ["changed.pt"]
