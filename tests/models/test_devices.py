"""Accelerators: which there are, how often numbers are brought to the host, and what is said when their memory is full."""

import sys
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import msgspec
import numpy as np
import pytest
import torch
from tiny_lines import always, captioner, characters, run_of, take, written
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from unrolled.models.adapters import devices, registry
from unrolled.models.adapters.watched_gradients import _keep
from unrolled.models.checkpoints.files import CheckpointError
from unrolled.models.corpus.crew import RayCrew
from unrolled.models.corpus.worker import WorkerSettings
from unrolled.models.explaining.answers import answers
from unrolled.models.notebook.recording import _computing
from unrolled.models.protocol.decoding import Decoding
from unrolled.models.protocol.questions import ExplainStep, FollowGradients, OccludeStep
from unrolled.models.runs.errors import out_of_memory
from unrolled.models.stepping.editing import Edited
from unrolled.models.stepping.stepper import AnyStepper
from unrolled.models.store.layout import StoreError
from unrolled.models.trace.edits import AddNoise, ClampUnits, MaskAttention, ScaleUnits, SetAttention, UniformAttention
from unrolled.models.training.updates import running_average

QUESTIONS = {"explain": ExplainStep(2, 3), "occlude": OccludeStep(2), "gradients": FollowGradients(0, 3)}


def there_are(monkeypatch: pytest.MonkeyPatch, kind: str, count: int, **module: Any) -> None:
    monkeypatch.setattr(torch.accelerator, "is_available", lambda: True)
    monkeypatch.setattr(torch.accelerator, "current_accelerator", lambda: torch.device(kind))
    monkeypatch.setattr(torch.accelerator, "device_count", lambda: count)
    monkeypatch.setattr(torch, "get_device_module", lambda device: SimpleNamespace(**module))


def test_whatever_accelerator_there_is_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    there_are(monkeypatch, "xpu", 2, get_device_name=lambda number: "Card")
    assert [(device.name, device.title) for device in devices.devices()][:2] == [
        ("xpu:0", "Card #0"), ("xpu:1", "Card #1")]
    assert [devices.pick(wanted) for wanted in ("auto", "xpu", "xpu:1", "cpu")] == ["xpu:0", "xpu:0", "xpu:1", "cpu"]
    with pytest.raises(ValueError, match=r"This machine has no device “cuda”; there is xpu:0, xpu:1, cpu."):
        devices.pick("cuda")
    there_are(monkeypatch, "mps", 1)
    assert devices.devices()[0].title == "Apple GPU"
    assert torch.device(devices.pick("mps")).type == "mps"


def test_what_was_recorded_is_computed_without_half_precision_of_any_accelerator(monkeypatch: pytest.MonkeyPatch) -> None:
    there_are(monkeypatch, "xpu", 1)
    torch.set_autocast_enabled("xpu", True)
    try:
        with _computing():
            assert not torch.is_autocast_enabled("xpu")
        assert torch.is_autocast_enabled("xpu")
    finally:
        torch.set_autocast_enabled("xpu", False)


def test_models_on_cuda_multiply_whole_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Attention is to be the CPU's, and cuDNN's convolutions keep ten bits of 23 unless they are told."""
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", True)
    monkeypatch.setattr(registry, "pick", lambda wanted: "cuda:0")
    with pytest.raises(CheckpointError):
        registry.opened("no-such-model", device="cuda")
    assert not torch.backends.cudnn.allow_tf32
    assert not torch.backends.cuda.matmul.allow_tf32


def test_a_gradient_that_one_kernel_s_second_tensor_does_not_have_stops_no_training() -> None:
    class Fused(torch.autograd.Function):  # gives two tensors, as a GPU's LSTM cell does
        @staticmethod
        def forward(context: Any, x: Tensor) -> Any:
            context.set_materialize_grads(False)
            return 2 * x, 3 * x

        @staticmethod
        def backward(context: Any, *by: Any) -> Any:
            return 2 * by[0]

    x, kept = torch.ones(3, requires_grad=True), [None, None]
    for place, own in enumerate(both := Fused.apply(x)):
        own.register_hook(_keep(kept, place))
    both[0].sum().backward()
    assert torch.equal(kept[0], torch.ones(3))
    assert kept[1] is None


# ── How often a GPU is waited for ─────────────────────────────────────────────────────────────────────────────────────


class CountedCalls(TorchFunctionMode):
    """Counts how often numbers are brought to the host, but for what becomes bytes, which mostly is there already."""

    def __init__(self, counted: Any = Tensor.cpu) -> None:
        super().__init__()
        self.counted, self.count = counted, 0

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.count += func is self.counted and sys._getframe(1).f_code.co_name != "float32_bytes"
        return func(*args, **(kwargs or {}))


def test_a_step_is_one_copy_to_the_host_and_so_is_a_block_of_a_text() -> None:
    with CountedCalls() as steps:
        take(run_of(captioner()).branch(0), stop=4)
    assert steps.count == 4
    reading = run_of(characters()).branch(0)
    with CountedCalls() as block:
        reading.advance(0, Decoding(), always, 8)
    assert len(reading) == 8
    assert block.count == 1


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_question_is_a_few_copies_to_the_host(question: str) -> None:
    branch, _ = written(captioner())
    with CountedCalls() as asked:
        list(answers(branch, QUESTIONS[question], always))
    assert 0 < asked.count <= 6


def test_an_average_of_weights_asks_how_many_updates_there_were_once() -> None:
    network = nn.LSTM(2, 3, 2)
    average = running_average(network, 0.99, updates=30)
    before = [own.clone() for own in average.parameters()]
    for own in network.parameters():
        nn.init.normal_(own)
    with CountedCalls(Tensor.__int__) as asked:
        average.update_parameters(network)
    assert asked.count == 1
    for own, old, new in zip(average.parameters(), before, network.parameters(), strict=True):
        torch.testing.assert_close(own, 31 / 40 * old + 9 / 40 * new)


def test_whether_anything_is_left_to_look_at_is_asked_of_one_layer(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    all_of = Tensor.all
    monkeypatch.setattr(Tensor, "all", lambda self, *how: asked.append(self) or all_of(self, *how))
    hook = Edited((MaskAttention(places=(0,)),), 0)
    for _ in range(12):
        assert hook("attention_scores", torch.zeros(1, 1, 4))[0, 0, 0] == float("-inf")
    assert len(asked) == 1


# ── Memory that is full ───────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("error", "of_gpu"), [
    (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB. GPU 0 has a total capacity of …"), True),
    (RuntimeError("MPS backend out of memory (MPS allocated: 9.05 GB). Tried to allocate 1.00 GB on private pool."), True),
    (RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"), True),
    (RuntimeError("[enforce fail at alloc_cpu.cpp:118] err == 0. DefaultCPUAllocator: can't allocate memory"), False),
    (MemoryError(), False),
])
def test_memory_that_is_full_is_one_sentence(error: Exception, of_gpu: bool) -> None:
    assert ("choose the CPU" in out_of_memory(error)) is of_gpu
    assert out_of_memory(error).count(".") == 1
    assert not out_of_memory(RuntimeError("shape mismatch"))
    assert not out_of_memory(ValueError("out of memory"))


# ── A cluster without GPUs ────────────────────────────────────────────────────────────────────────────────────────────


def test_a_cluster_gives_each_worker_a_part_of_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    there: dict[str, float] = {"CPU": 16.0}
    given: list[dict[str, float]] = []
    ray = SimpleNamespace(cluster_resources=lambda: there, put=lambda own: own,
                          remote=lambda **needs: given.append(needs) or (lambda kind: SimpleNamespace(remote=lambda own: kind)))
    monkeypatch.setitem(sys.modules, "ray", ray)
    monkeypatch.setitem(sys.modules, "ray.exceptions", SimpleNamespace(RayActorError=OSError, WorkerCrashedError=OSError))
    on_cpu, on_gpu = (WorkerSettings("store", "model", device, None) for device in ("cpu", "xpu:0"))
    assert RayCrew(on_cpu, 0).size == 16
    with pytest.raises(StoreError, match=r"The Ray cluster has no GPU for “xpu:0”."):
        RayCrew(on_gpu, 0)
    there["GPU"] = 2.0
    crew = RayCrew(on_gpu, 0)
    crew.hire()
    assert crew.size == 8
    assert given == [{"num_cpus": 1, "num_gpus": 0.25}]


# ── The accelerator that there is ─────────────────────────────────────────────────────────────────────────────────────


def numbers(found: Any) -> Iterator[np.ndarray]:
    if isinstance(found, bytes):
        yield np.frombuffer(found, "<f4")
    elif isinstance(found, float):
        yield np.array(found)
    elif isinstance(found, dict | list | tuple):
        for own in found.values() if isinstance(found, dict) else found:
            yield from numbers(own)


def everything(stepper: AnyStepper) -> list[np.ndarray]:
    """All numbers of some steps, with edits and without, of what can be asked of them, and of a beam search."""
    attends = stepper.structure.maskable
    edits = [(), (ClampUnits(channel="hidden", units=(1,), value=0.5), AddNoise(channel="hidden", deviation=0.1))]
    if attends:
        edits += [(MaskAttention(places=(0, 2)), ScaleUnits(channel="hidden", factor=2.0)), (UniformAttention(),),
                  (SetAttention(weights=tuple(range(1, 10))),)]
    found: list[np.ndarray] = []
    for own in edits:
        branch, reports = written(stepper, own)
        found += [np.frombuffer(report.values, "<f4") for report in reports] if reports else []
        for question in ((*QUESTIONS.values(),) if attends else (QUESTIONS["explain"], QUESTIONS["gradients"])):
            for part in answers(branch, question, always):
                found += numbers(msgspec.to_builtins(part, builtin_types=(bytes,)))
    branch = run_of(stepper).branch(0)
    told: list[Any] = []
    branch.search(Decoding(method="beam", beam_width=3), told.append, always)
    return [*found, *numbers([msgspec.to_builtins(report, builtin_types=(bytes,)) for report in told])]


@pytest.mark.gpu
@pytest.mark.parametrize("make", [captioner, characters])
@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
def test_steps_edits_questions_and_searches_are_those_of_the_cpu(accelerator: str, make: Any, cell: str) -> None:
    expected, found = everything(make(cell)), everything(make(cell, device=accelerator))
    assert len(found) == len(expected) > 50
    for own, there in zip(expected, found, strict=True):
        np.testing.assert_allclose(there, own, atol=1e-5, rtol=1e-4)
