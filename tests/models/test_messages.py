"""Messages cross the wire whole, in any pieces; what is malformed is refused."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable

import msgspec
import numpy as np
import pytest
import scripted
from hypothesis import given
from hypothesis import strategies as st
from scripted_backend import ScriptedService

from unrolled.models.backend.listener import Listener
from unrolled.models.backend.run_service import RunService
from unrolled.models.backend.server import Server
from unrolled.models.protocol.connection import Failed, Hello, Ping, Pong, Progress, Shutdown, Welcome
from unrolled.models.protocol.decoding import Decoding
from unrolled.models.protocol.dispatch import Dispatch, handles
from unrolled.models.protocol.loading import LoadModel
from unrolled.models.protocol.message import Ledger, Reply, Report, Request, RequestError, StillWanted
from unrolled.models.protocol.stepping import Advance, Cancel, Fork, Idle, OpenInput, Stepped
from unrolled.models.protocol.watching import FollowTraining
from unrolled.models.protocol.wire import LENGTH, MessageReader, WireError, encode, messages
from unrolled.models.trace.edits import ClampUnits, ScaleUnits
from unrolled.models.training_room.service import TrainingRoomService

requests = st.one_of(
    st.builds(Hello, st.text(max_size=20)), st.builds(LoadModel, st.text(max_size=20)),
    st.builds(OpenInput, st.integers(0, 1000), st.binary(max_size=50), st.text(max_size=20)),
    st.builds(Advance, st.integers(0, 1000), st.integers(0, 1000), st.integers(1, 50)),
    st.builds(Cancel, st.integers(0, 1000)), st.just(Shutdown()),
)


@given(sent=st.lists(requests, max_size=6), data=st.data())
def test_any_cut_of_the_stream_gives_the_same_messages(sent, data):
    stream = b"".join(encode(message) for message in sent)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=8)))
    reader, received = MessageReader(Request), []
    for start, stop in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        received += list(reader.feed(stream[start:stop]))
    assert received == sent


@given(st.binary(min_size=1, max_size=80))
def test_garbage_is_refused_and_never_believed(body):
    try:
        received = list(MessageReader(Request).feed(LENGTH.pack(len(body)) + body))
    except WireError:
        return
    assert [encode(message)[4:] for message in received] == [msgspec.msgpack.encode(message) for message in received]


@pytest.mark.parametrize("wrong", [
    {"type": "Advance", "run": -1, "step": 0}, {"type": "Advance", "run": 0, "step": 0, "count": 0},
    {"type": "Advance", "run": "x", "step": 0}, {"type": "Launch"}, {"type": "OpenInput", "run": 1},
    {"type": "Advance", "run": 0, "step": 0, "decoding": {"method": "magic"}},
    {"type": "Advance", "run": 0, "step": 0, "decoding": {"temperature": 0}},
    {"type": "Advance", "run": 0, "step": 0, "decoding": {"top_p": 1.5}},
])
def test_fields_out_of_range_are_refused(wrong):
    body = msgspec.msgpack.encode(wrong)
    with pytest.raises(WireError, match="malformed"):
        list(MessageReader(Request).feed(LENGTH.pack(len(body)) + body))


def test_a_length_beyond_the_limit_is_refused_before_anything_is_read():
    with pytest.raises(WireError, match="over the limit"):
        list(MessageReader(Report).feed(b"\xff\xff\xff\xff"))


def test_a_step_is_cut_into_its_channels_and_a_wrong_length_is_refused():
    result = scripted.step_result(0, "a")
    channels = scripted.channels()
    block = np.concatenate([result.values[c.name].ravel() for c in channels]).astype("<f4").tobytes()
    stepped = Stepped(0, 0, 2, "a", -0.5, (), block, 0.1)
    found = stepped.result(channels)
    assert all(np.array_equal(found.values[c.name], result.values[c.name]) for c in channels)
    with pytest.raises(ValueError, match="should bring"):
        msgspec.structs.replace(stepped, values=block[:-4]).result(channels)


def serve_once(listener: Listener) -> threading.Thread:
    """A server for one client, in a thread of its own."""
    def work() -> None:
        Server(listener.accept(10), listener.endpoint.secret, [ScriptedService()]).serve()
        listener.close()

    thread = threading.Thread(target=work)
    thread.start()
    return thread


def connected(listener: Listener) -> socket.socket:
    client = socket.create_connection((listener.endpoint.host, listener.endpoint.port), 10)
    client.settimeout(10)
    return client


def served(listener: Listener, thread: threading.Thread) -> None:
    """The rightful client is let in, and leaves."""
    with connected(listener) as client:
        client.sendall(encode(Hello(listener.endpoint.secret)))
        reader, reports = MessageReader(Report), []
        while not any(isinstance(report, Welcome) for report in reports):
            reports += list(reader.feed(client.recv(1 << 16)))
        client.sendall(encode(Shutdown()))
    thread.join(10)
    assert not thread.is_alive()


@pytest.mark.parametrize("first", [Hello("wrong"), Hello("", 99), Hello("\N{SNOWMAN}"), LoadModel("scripted")])
def test_a_client_without_the_secret_gets_a_refusal_and_nothing_else(first):
    listener = Listener()
    thread = serve_once(listener)
    with connected(listener) as client:
        client.sendall(encode(first) + encode(LoadModel("scripted")))
        reader, reports = MessageReader(Report), []
        while data := client.recv(1 << 16):
            reports += list(reader.feed(data))
    assert reports
    assert all(isinstance(report, Failed) for report in reports)
    served(listener, thread)


def test_a_greeting_that_is_nested_without_end_is_a_stranger_s():
    listener = Listener()
    thread = serve_once(listener)
    body = b"\x82\xa4type\xa5Hello\xa1x" + b"\x91" * 3900
    with connected(listener) as client:
        client.sendall(LENGTH.pack(len(body)) + body)
        (report,) = MessageReader(Report).feed(client.recv(1 << 16))
    assert isinstance(report, Failed)
    served(listener, thread)


def test_strangers_neither_end_nor_block_it_and_are_not_read():
    listener = Listener()
    thread = serve_once(listener)
    silent = [connected(listener) for _ in range(20)]
    with connected(listener) as large, contextlib.suppress(OSError):
        large.sendall((400 << 20).to_bytes(4, "big"))
        for _ in range(64):
            large.sendall(bytes(1 << 20))  # it is not waited for: the connection is closed
            time.sleep(0.001)
        pytest.fail("64 MiB were taken from a stranger")
    slow = connected(listener)
    slow.sendall(encode(Hello(listener.endpoint.secret))[:-3])
    served(listener, thread)
    for client in (*silent, slow):
        client.close()


def test_a_greeting_may_arrive_in_pieces():
    listener = Listener()
    thread = serve_once(listener)
    greeting = encode(Hello(listener.endpoint.secret))
    with connected(listener) as client:
        for byte in greeting:
            client.sendall(bytes((byte,)))
            time.sleep(0.001)
        assert client.recv(1 << 16)
        client.sendall(encode(Shutdown()))
    thread.join(10)
    assert not thread.is_alive()


def test_nobody_who_comes_is_a_timeout(monkeypatch):
    monkeypatch.setattr("unrolled.models.backend.listener.GREETING_SECONDS", 0.1)  # of the one who says nothing
    listener = Listener()
    with connected(listener), pytest.raises(TimeoutError):
        listener.accept(0.2)
    listener.close()


def test_a_newer_picture_wins_at_once():
    listener = Listener()
    thread = serve_once(listener)
    with socket.create_connection((listener.endpoint.host, listener.endpoint.port), 10) as client:
        client.settimeout(10)
        client.sendall(b"".join(map(encode, (
            Hello(listener.endpoint.secret), LoadModel("scripted"), OpenInput(1, b"x", "slow.png"), Advance(1, 0, 5),
            OpenInput(2, b"y", "quick.png"), Advance(2, 0, 3)))))
        reader, reports = MessageReader(Report), []
        while sum(isinstance(report, Stepped) for report in reports) < 3:
            reports += list(reader.feed(client.recv(1 << 16)))
        client.sendall(encode(Shutdown()))
    thread.join(10)
    runs = {report.run for report in reports if isinstance(report, Stepped)}
    assert runs == {2}
    assert not any(isinstance(report, Failed) for report in reports)
    assert any(isinstance(report, Progress) for report in reports)


def test_decoding_says_itself_in_words():
    assert Decoding().in_words == "greedy"
    assert Decoding(method="beam", beam_width=5).in_words == "beam 5"
    assert Decoding(method="sampling", temperature=0.8, top_k=5, seed=3).in_words == "sampling, temperature 0.8, top-k 5, seed 3"


# ── Handlers ──────────────────────────────────────────────────────────────────────────────────────────────────────


class Halve(Request, frozen=True):
    """A message from outside this package."""

    number: int


class Halved(Report, frozen=True):
    """Its answer."""

    half: float


class Halving:
    """What handles it."""

    def __init__(self) -> None:
        self.busy = threading.Event()

    @handles(Halve)
    def halve(self, request: Halve, reply: Reply, wanted: StillWanted) -> None:
        if request.number % 2:
            raise RequestError(f"{request.number} is odd.")
        reply(Halved(request.number / 2))

    @handles(Advance)
    def work(self, request: Advance, reply: Reply, wanted: StillWanted) -> None:
        """Works until nobody waits any more."""
        self.busy.set()
        while wanted():
            time.sleep(0.005)


def talk(service: object, first: list[Request], then: Callable[[], list[Request]], last: type[Report]) -> list[Report]:
    """What a server reports up to a kind of report; the second requests are sent once the first are being worked on."""
    listener = Listener()
    server = threading.Thread(target=lambda: Server(listener.accept(10), listener.endpoint.secret, [service]).serve())
    server.start()
    with socket.create_connection((listener.endpoint.host, listener.endpoint.port), 10) as client:
        client.settimeout(10)
        client.sendall(b"".join(map(encode, (Hello(listener.endpoint.secret), *first))))
        client.sendall(b"".join(map(encode, then())))
        reader, reports = MessageReader(Report), []
        while not any(isinstance(report, last) for report in reports):
            reports += list(reader.feed(client.recv(1 << 16)))
        client.sendall(encode(Shutdown()))
    server.join(10)
    listener.close()
    return reports


def test_every_request_has_a_handler():
    own = [kind for kind in messages(Request) if kind.__module__.startswith("unrolled.") and kind.queued and kind is not Shutdown]
    assert len(own) >= 10
    assert Dispatch(RunService(), TrainingRoomService()).missing(own) == (FollowTraining,)  # which a training itself handles
    assert Dispatch(RunService()).missing(own)


def test_a_message_from_outside_is_a_class_and_a_handler():
    *reports, half = talk(Halving(), [Halve(3)], lambda: [Halve(8)], Halved)
    assert half == Halved(4.0)
    assert [report.sentence for report in reports if isinstance(report, Failed)][-1] == "3 is odd."


@pytest.mark.parametrize("edit", [ClampUnits(channel="cell", value=1e31), ScaleUnits(channel="cell", factor=float("-inf"))])
def test_an_edit_that_none_can_be_is_refused_and_the_backend_lives_on(edit):
    *reports, half = talk(Halving(), [Fork(run=7, branch=3, edits=(edit,)), Halve(8)], list, Halved)
    (refused,) = (report for report in reports if isinstance(report, Failed) and report.subject == "edit")
    assert (refused.run, refused.branch, refused.number) == (7, 3, -1)
    assert refused.sentence.startswith("This cannot be done, since a value is out of range: Expected `float`")
    assert half == Halved(4.0)


def test_what_has_two_handlers_is_refused():
    with pytest.raises(ValueError, match="Halve"):
        Dispatch(Halving(), Halving())


@pytest.mark.parametrize("newer", [LoadModel("other"), Cancel(1), OpenInput(2, b"", "newer")])
def test_what_a_newer_request_makes_pointless_ends_at_once(newer):
    service = Halving()

    def then() -> list[Request]:
        assert service.busy.wait(5)
        return [newer]

    reports = talk(service, [OpenInput(1, b"", "older"), Advance(1, 0)], then, Idle)
    assert reports.count(Idle(1)) == 1


def test_a_ping_is_answered_while_something_is_computed():
    service = Halving()

    def then() -> list[Request]:
        assert service.busy.wait(5)
        return [Ping()]

    reports = talk(service, [OpenInput(1, b"", "run"), Advance(1, 0)], then, Pong)
    assert not any(isinstance(report, Idle) for report in reports)


def test_of_two_models_asked_for_only_the_newer_is_loaded():
    ledger = Ledger()
    first, second = LoadModel("first", number=1), LoadModel("second", number=2)
    first.note(ledger, 1)
    assert first.wanted(ledger, 1)
    second.note(ledger, 2)
    assert not first.wanted(ledger, 1)
    assert second.wanted(ledger, 2)
