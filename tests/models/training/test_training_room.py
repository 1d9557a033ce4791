"""The training room: gradients against torch's own and against differences, the cut, the bound, the seed."""

from __future__ import annotations

import math
import socket
import threading

import msgspec
import pytest
import torch
from torch import Tensor, nn

from unrolled.models.backend.listener import Listener
from unrolled.models.backend.server import Server
from unrolled.models.cells import CELLS, first_state, state_of
from unrolled.models.protocol.connection import Hello, Shutdown
from unrolled.models.protocol.message import Report, Request
from unrolled.models.protocol.training_room import (
    StartTrainingRoom,
    StepTrainingRoom,
    StopTrainingRoom,
    TrainingRoomChanges,
    TrainingRoomFailed,
    TrainingRoomSettings,
    TrainingRoomStarted,
    TrainingRoomUpdated,
)
from unrolled.models.protocol.wire import MessageReader, encode
from unrolled.models.training_room.gradients import StepsAtOnce, clip_by_norm, gradient_map, summed, unroll
from unrolled.models.training_room.room import Exploded, TrainingRoom, blocks, largest_singular_value, spectral_radius
from unrolled.models.training_room.service import TrainingRoomService
from unrolled.models.training_room.tasks import BRACKETS, TASKS, Brackets

STEPS = 12
CHANGES = TrainingRoomChanges(learning_rate=0.01, threshold=1.0)


def room(cell: str = "rnn", task: str = "brackets", **more: object) -> TrainingRoom:
    settings = {"steps": STEPS, "hidden": 8, "seed": 3} | more
    return TrainingRoom(TrainingRoomSettings(cell=cell, task=task, **settings))  # type: ignore[arg-type]


# ── Clipping ──────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("threshold", [0.01, 1.0, 1000.0])
def test_clipping_is_torchs(threshold: float) -> None:
    torch.manual_seed(0)
    parameters = [nn.Parameter(torch.randn(5, 7)), nn.Parameter(torch.randn(3))]
    for parameter in parameters:
        parameter.grad = torch.randn_like(parameter) * 3
    ours = [parameter.grad.clone() for parameter in parameters if parameter.grad is not None]
    norm = nn.utils.clip_grad_norm_(parameters, threshold)
    before, after = clip_by_norm(ours, threshold)
    assert before == pytest.approx(norm.item(), rel=1e-5)
    assert after == pytest.approx(min(before, threshold))
    for parameter, gradient in zip(parameters, ours, strict=True):
        torch.testing.assert_close(gradient, parameter.grad, rtol=1e-4, atol=1e-6)


def test_a_threshold_of_zero_clips_nothing() -> None:
    gradient = torch.full((4,), 100.0)
    assert clip_by_norm([gradient], 0.0) == (200.0, 200.0)
    assert float(gradient[0]) == 100.0


# ── Truncation ────────────────────────────────────────────────────────────────────────────────────────────────────


def windows_by_hand(made: TrainingRoom, window: int) -> list[Tensor]:
    """The gradient with every loss followed back by itself, the graph cut by detaching: slow and plain."""
    batch = made.batch(0)
    steps, count = batch.inputs.shape[:2]
    total = [torch.zeros_like(parameter) for parameter in made.parameters]
    for step in range(steps):
        if not bool(batch.counted[step]):
            continue
        state = first_state(made.cell, count)
        for earlier in range(step + 1):
            if earlier == step - window + 1:
                state = tuple(part.detach() for part in state)
            state = state_of(made.cell, made.cell(batch.inputs[earlier], *state))
        loss = made.task.losses(made.readout(state[0]), batch.targets[step]).mean() / int(batch.counted.sum())
        for place, part in zip(total, torch.autograd.grad(loss, made.parameters), strict=True):
            place += part
    return total


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("task", ["copy", "adding", "brackets"])
@pytest.mark.parametrize("window", [1, 4, STEPS - 1, 0])
def test_the_truncated_gradient_is_that_of_windows_cut_by_hand(cell: str, task: str, window: int) -> None:
    made = room(cell, task)
    _, _, gradients = made.gradients(made.batch(0), window)
    for ours, theirs in zip(gradients, windows_by_hand(made, window or STEPS), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("cell", CELLS)
def test_beyond_the_cut_the_gradient_is_exactly_zero(cell: str) -> None:
    made, window = room(cell, "adding"), 4
    batch = made.batch(0)
    states = unroll(made.cell, batch.inputs)
    last = torch.zeros(STEPS, batch.inputs.shape[1], 8)
    last[-1] = torch.randn_like(last[-1])  # only the last step has a loss
    graph = StepsAtOnce(made.cell, batch.inputs, states)
    of_states = summed(graph.follow_back(last, window))[0]
    assert bool((of_states[: STEPS - window] == 0).all())
    assert bool((of_states[STEPS - window :] != 0).any(-1).all())
    weights = made.cell.weight_ih.detach().clone()
    assert float(graph.parameter_gradients(made.cell, summed(graph.follow_back(last, window)))[0].abs().sum()) > 0
    assert torch.equal(weights, made.cell.weight_ih)


@pytest.mark.parametrize("cell", CELLS)
def test_what_lies_before_the_window_changes_the_gradient_only_through_the_state(cell: str) -> None:
    made = room(cell, "adding")
    batch = made.batch(0)
    cut = made.gradients(batch, 3)[2]
    whole = made.gradients(batch, 0)[2]
    assert not torch.allclose(cut[1], whole[1], rtol=1e-3)


@pytest.mark.parametrize("window", [1, 4, STEPS - 1])
def test_what_the_cut_changes_is_the_length_of_the_difference_of_two_gradients(window: int) -> None:
    made = room("rnn", "adding")
    whole, cut = windows_by_hand(made, STEPS), windows_by_hand(made, window)
    flat = [torch.cat([part.flatten() for part in own]) for own in (whole, cut)]
    expected = float((flat[0] - flat[1]).norm() / flat[0].norm())
    update = made.update(TrainingRoomChanges(window=window, threshold=1e-6), picture=True)  # clipping comes after, and has no say
    assert update.cut_away == pytest.approx(expected, rel=1e-3)
    assert made.update(TrainingRoomChanges(), picture=True).cut_away == 0.0


def test_the_window_can_change_between_updates() -> None:
    made = room()
    for window in (0, 2, 5, 0, STEPS, 100):
        made.update(TrainingRoomChanges(window=window, learning_rate=0.01))
    assert made.updates == 6


# ── The map ───────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("cell", CELLS)
def test_the_map_is_that_of_differences(cell: str) -> None:
    """‖∂L_t / ∂h_k‖ from losses with every unit of h_k moved a little either way, in float64."""
    made = room(cell, "brackets", hidden=3, steps=8)
    net, readout, steps = made.cell.double(), made.readout.double(), 8
    batch = made.batch(0)
    inputs, targets = batch.inputs[:, :1].double(), batch.targets[:, :1]
    double = {"dtype": torch.float64}

    def losses(part: int, place: int, moved: Tensor) -> Tensor:
        state = tuple(torch.zeros(1, 3, **double) for _ in range(net.state_size))
        found = torch.zeros(steps, **double)
        for step in range(steps):
            before, state = state, state_of(net, net(inputs[step], *state))
            if step == place and part == 0:
                state = (state[0] + moved, *state[1:])
            elif step == place:
                gate = net(inputs[step], *before).output_gate
                cell_state = state[1] + moved
                state = (gate * torch.tanh(cell_state), cell_state)
            found[step] = made.task.losses(readout(state[0]), targets[step])[0]
        return found

    with torch.no_grad():
        states: list[tuple[Tensor, ...]] = []
        state = tuple(torch.zeros(1, 3, **double) for _ in range(net.state_size))
        for step in range(steps):
            state = state_of(net, net(inputs[step], *state))
            states.append(state)
    columns = tuple(torch.stack(column) for column in zip(*states, strict=True))
    hidden = columns[0].clone().requires_grad_()
    (last,) = torch.autograd.grad(made.task.losses(readout(hidden), targets).sum(), hidden)
    maps = gradient_map(net, inputs, columns, last)
    assert (maps[1] is not None) == (cell == "lstm")
    small = 1e-6
    with torch.no_grad():
        for part in range(net.state_size):
            drawn = maps[part]
            assert drawn is not None
            for place in range(steps):
                slopes = torch.stack([(losses(part, place, small * unit) - losses(part, place, -small * unit)) / (2 * small)
                                      for unit in torch.eye(3, **double)])
                torch.testing.assert_close(drawn[place:, place].double(), slopes.norm(dim=0)[place:], rtol=1e-4, atol=1e-7)
                assert bool((drawn[:place, place] == 0).all())


@pytest.mark.parametrize("radius", [0.4, 1.0, 1.6])
def test_no_gradient_is_above_the_bound(radius: float) -> None:
    """Pascanu, Mikolov and Bengio 2013: ‖∂L_t/∂h_k‖ ≤ ‖∂L_t/∂h_t‖ (γ ‖W_hh‖₂)^(t-k), γ = 1 for tanh."""
    made = room("rnn", "brackets", spectral_radius=radius, hidden=16)
    seen = made.update(CHANGES, picture=True)
    hidden = seen.map_of(seen.hidden)
    for late in range(STEPS):
        for early in range(late + 1):
            bound = float(hidden[late, late]) * seen.norms[0] ** (late - early)
            assert float(hidden[late, early]) <= bound * (1 + 1e-5)


def test_a_task_with_one_loss_has_one_row() -> None:
    made = room("gru", "adding")
    seen = made.update(CHANGES, picture=True)
    hidden = seen.map_of(seen.hidden)
    assert list(seen.counted) == [False] * (STEPS - 1) + [True]
    assert bool((hidden[:-1] == 0).all())
    assert bool((hidden[-1] > 0).all())


# ── The start ─────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("cell", CELLS)
def test_every_block_starts_with_the_radius_that_is_asked_for(cell: str) -> None:
    made = room(cell, spectral_radius=1.3)
    assert len(blocks(made.cell)) == len(made.started.blocks)
    for block in blocks(made.cell):
        assert spectral_radius(block) == pytest.approx(1.3, rel=1e-4)
        assert largest_singular_value(block) >= 1.3 * (1 - 1e-4)


def test_the_same_seed_gives_the_same_numbers_and_disturbs_nobody() -> None:
    def numbers(seed: int) -> list[tuple[float, ...]]:
        made = room("lstm", "copy", seed=seed)
        return [(u.loss, u.accuracy, u.norm_before, u.norm_after)
                for u in (made.update(TrainingRoomChanges(window=window), picture=window == 3) for window in (0, 3, 0, 2))]

    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    first = numbers(5)
    assert torch.equal(torch.rand(3), expected)
    assert numbers(5) == first
    assert numbers(6) != first


# ── Tasks ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("task", "cell", "rate", "updates"), [
    ("copy", "rnn", 0.01, 60), ("adding", "gru", 0.02, 150), ("brackets", "rnn", 0.01, 60), ("brackets", "lstm", 0.02, 60),
])
def test_the_loss_goes_down(task: str, cell: str, rate: float, updates: int) -> None:
    made = room(cell, task, hidden=16)
    losses = [made.update(TrainingRoomChanges(learning_rate=rate)).loss for _ in range(updates)]
    assert sum(losses[-5:]) < 0.6 * sum(losses[:5])
    if task == "brackets":
        assert sum(losses[-5:]) / 5 < made.task.chance_loss  # it remembers


def test_copying_asks_for_what_was_shown() -> None:
    task = TASKS["copy"](20)
    batch = task.draw(16, torch.Generator().manual_seed(1))
    shown = batch.inputs.argmax(-1)
    assert torch.equal(batch.targets[-4:], shown[:4])
    assert bool((batch.targets[:-4] == 4).all())
    assert task.chance_loss == pytest.approx(4 * math.log(4) / 20)
    outputs = torch.full((20, 16, 5), -40.0)  # blank while nothing is asked, then a guess
    outputs[:-4, :, 4] = 0
    outputs[-4:, :, :4] = 0
    assert float(task.losses(outputs, batch.targets).mean()) == pytest.approx(task.chance_loss, rel=1e-4)


def test_adding_asks_for_the_sum_of_the_marked() -> None:
    task = TASKS["adding"](20)
    batch = task.draw(4000, torch.Generator().manual_seed(1))
    numbers, marks = batch.inputs.unbind(-1)
    assert bool((marks.sum(0) == 2).all())
    assert not marks[-1].any()
    torch.testing.assert_close(batch.targets[-1], (numbers * marks).sum(0))
    guess = torch.ones(4000, 1)
    assert float(task.losses(guess, batch.targets[-1]).mean()) == pytest.approx(task.chance_loss, rel=0.05)
    assert float(task.right(guess, batch.targets[-1]).float().mean()) == pytest.approx(task.chance_accuracy, abs=0.02)


def test_brackets_are_well_nested_and_the_answer_is_the_innermost() -> None:
    task = Brackets(30)
    batch = task.draw(20, torch.Generator().manual_seed(1))
    symbols = batch.inputs.argmax(-1)
    for sequence in range(20):
        stack: list[int] = []
        for step in range(30):
            symbol = int(symbols[step, sequence])
            if symbol < len(BRACKETS):
                stack.append(symbol)
            else:
                assert stack.pop() == symbol - len(BRACKETS)
            assert len(stack) <= task.depth
            assert int(batch.targets[step, sequence]) == (stack[-1] if stack else len(BRACKETS))
    assert 0.3 < task.chance_loss < math.log(4)
    assert 0.25 < task.chance_accuracy < 0.9


@pytest.mark.parametrize("settings", [{"task": "sorting"}, {"steps": 3}])
def test_unknown_tasks_and_lengths_are_refused(settings: dict[str, object]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(settings, TrainingRoomSettings)


# ── Explosions ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_explosion_is_said_and_the_weights_before_it_are_kept() -> None:
    made = room("rnn", "adding", optimiser="sgd")
    changes = TrainingRoomChanges(learning_rate=100.0, threshold=0.0)

    def explode() -> None:
        while made.updates < 200:
            made.update(changes)

    with pytest.raises(Exploded, match="no longer finite"):
        explode()
    assert all(bool(torch.isfinite(parameter).all()) for parameter in made.parameters)


# ── Over the wire ─────────────────────────────────────────────────────────────────────────────────────────────────


def talk(requests: list[Request], *services: object) -> list[Report]:
    """What a server answers."""
    listener = Listener()
    client = socket.create_connection((listener.endpoint.host, listener.endpoint.port))
    client.sendall(encode(Hello(listener.endpoint.secret)))
    server = Server(listener.accept(5), listener.endpoint.secret, services)
    serving = threading.Thread(target=server.serve)
    serving.start()
    client.sendall(b"".join(encode(request) for request in requests))
    reader, reports = MessageReader(Report), []
    while not any(isinstance(report, TrainingRoomFailed) and report.room == 99 for report in reports):
        data = client.recv(1 << 20)
        if not data:
            break
        reports += list(reader.feed(data))
    client.sendall(encode(Shutdown()))
    client.close()
    serving.join(5)
    listener.close()
    return [report for report in reports if isinstance(report, TrainingRoomStarted | TrainingRoomUpdated | TrainingRoomFailed)]


def test_a_training_over_the_wire() -> None:
    settings = TrainingRoomSettings(steps=STEPS, cell="lstm", hidden=8)
    started, *updates, end = talk(
        [StartTrainingRoom(1, settings), StepTrainingRoom(1, CHANGES, 3, True), StepTrainingRoom(99)], TrainingRoomService())
    assert isinstance(started, TrainingRoomStarted)
    assert started.blocks == ("i", "f", "g", "o")
    assert [report.update for report in updates if isinstance(report, TrainingRoomUpdated)] == [1, 2, 3]
    last = updates[-1]
    assert isinstance(last, TrainingRoomUpdated)
    assert last.map_of(last.hidden).shape == last.map_of(last.cell).shape == (STEPS, STEPS)
    assert len(last.radii) == len(last.norms) == 4
    assert isinstance(end, TrainingRoomFailed)
    with pytest.raises(ValueError, match="bytes"):
        last.map_of(b"1234")


def test_a_training_that_was_stopped_or_superseded_makes_no_more_updates() -> None:
    small = TrainingRoomSettings(steps=STEPS, hidden=4)
    reports = talk([StartTrainingRoom(1, small), StepTrainingRoom(1, CHANGES, 100_000), StartTrainingRoom(2, small),
                    StepTrainingRoom(2, CHANGES, 100_000), StopTrainingRoom(2), StepTrainingRoom(99)], TrainingRoomService())
    assert sum(isinstance(report, TrainingRoomUpdated) for report in reports) < 1000


def test_a_backend_without_a_training_room_says_so() -> None:
    (report,) = talk([StartTrainingRoom(99)])
    assert isinstance(report, TrainingRoomFailed)
    assert "cannot do" in report.sentence
