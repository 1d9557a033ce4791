"""The backend seen from Qt: it starts, answers, dies with a sentence, and leaves nothing."""

from __future__ import annotations

import os
import signal
import sys
import time

import pytest
import scripted

from unrolled.models.protocol.connection import Pong
from unrolled.models.protocol.loading import Loaded, LoadModel, Ready
from unrolled.models.protocol.stepping import Advance, Ended, Idle, Opened, OpenInput, Stepped
from unrolled.viewer.client import backend_client
from unrolled.viewer.client.backend_client import BackendProcess


@pytest.fixture
def backend(qtbot, scripted_command):
    made = BackendProcess(scripted_command)
    made.reports = []
    made.report.connect(made.reports.append)
    yield made
    made.close()


def wait_for(qtbot, backend, kind, count=1):
    qtbot.waitUntil(lambda: sum(isinstance(report, kind) for report in backend.reports) >= count)
    return [report for report in backend.reports if isinstance(report, kind)][-1]


def test_a_whole_run(qtbot, backend):
    backend.start()
    assert wait_for(qtbot, backend, Ready).models[0].name == "scripted"
    backend.send(LoadModel("scripted"))
    assert wait_for(qtbot, backend, Loaded).description.words == scripted.WORDS
    backend.send(OpenInput(1, scripted.picture().data, "drawn.png"))
    assert wait_for(qtbot, backend, Opened).run == 1
    backend.send(Advance(1, 0, 50))
    wait_for(qtbot, backend, Ended)
    wait_for(qtbot, backend, Idle)
    assert tuple(report.word for report in backend.reports if isinstance(report, Stepped)) == scripted.CAPTION


def test_it_is_gone_within_a_second_when_closed(qtbot, backend):
    backend.start()
    wait_for(qtbot, backend, Ready)
    number = backend._process.processId()
    assert number > 0
    began = time.monotonic()
    backend.close()
    assert time.monotonic() - began < 1.0
    with pytest.raises(ProcessLookupError):
        os.kill(number, 0)


def test_killed_from_outside_it_dies_once_with_a_sentence_and_starts_again(qtbot, backend):
    sentences = []
    backend.died.connect(sentences.append)
    backend.start()
    wait_for(qtbot, backend, Ready)
    os.kill(backend._process.processId(), signal.SIGKILL)
    qtbot.waitUntil(lambda: bool(sentences))
    qtbot.wait(400)
    assert len(sentences) == 1
    assert sentences[0].endswith(".")
    assert not backend.connected
    backend.start()
    wait_for(qtbot, backend, Ready, count=2)
    assert backend.connected


def test_a_backend_that_stops_answering_is_silent_until_it_answers_again(qtbot, monkeypatch, scripted_command):
    monkeypatch.setattr(backend_client, "PING_MILLISECONDS", 20)
    backend = BackendProcess(scripted_command)
    backend.reports, said = [], []
    backend.report.connect(backend.reports.append)
    backend.silent.connect(said.append)
    backend.start()
    wait_for(qtbot, backend, Ready)
    wait_for(qtbot, backend, Pong, count=3)
    assert not said
    os.kill(backend._process.processId(), signal.SIGSTOP)
    qtbot.waitUntil(lambda: said == [True])
    os.kill(backend._process.processId(), signal.SIGCONT)
    qtbot.waitUntil(lambda: said == [True, False])
    os.kill(backend._process.processId(), signal.SIGSTOP)
    backend.close()  # ends it all the same


@pytest.mark.parametrize(("command", "word"), [
    (["/nowhere/at/all"], "could not be started"),
    ([sys.executable, "-c", "raise SystemExit('no such thing')"], "no such thing"),
    ([sys.executable, "-c", "print('not an endpoint')"], "where it listens"),
    ([sys.executable, "-c", "print('{\"host\": \"127.0.0.1\", \"port\": 1, \"secret\": \"\"}', flush=True);"
                            "import time; time.sleep(30)"], "does not answer"),
])
def test_a_backend_that_does_not_start_is_a_sentence(qtbot, command, word):
    backend = BackendProcess(command)
    with qtbot.waitSignal(backend.died, timeout=8000) as caught:
        backend.start()
    assert word in caught.args[0]
    assert not backend.alive
    backend.close()


def test_what_is_sent_without_a_connection_is_dropped(qtbot, backend):
    backend.send(LoadModel("scripted"))
    assert not backend.reports
