"""A backend on another machine: reached through ssh, lost, reached again; and what it says where it cannot be."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import threading
from pathlib import Path

import msgspec
import pytest
import scripted

from unrolled.models.backend.listener import Listener
from unrolled.models.protocol.client import SECRET_VARIABLE, BackendClient, Endpoint
from unrolled.models.protocol.loading import Ready
from unrolled.models.verbs.serve import line_to_paste
from unrolled.viewer.client.backend_client import BackendProcess
from unrolled.viewer.client.ssh import SshTunnel
from unrolled.viewer.state import commands as c
from unrolled.viewer.window.application import make_window
from unrolled.viewer.window.settings import WindowSettings

TESTS = Path(__file__).parents[2]
PROGRAM = shlex.join([sys.executable, str(TESTS / "scripted_serve.py")])


@pytest.fixture(autouse=True)
def fake_ssh(tmp_path, monkeypatch):
    program = tmp_path / "ssh"
    program.write_text(f"#!/bin/sh\nexec {shlex.join([sys.executable, str(TESTS / 'fake_ssh.py')])} \"$@\"\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")


def wait_until_ready(qtbot, backend):
    qtbot.waitUntil(lambda: any(isinstance(report, Ready) for report in backend.reports))


@pytest.fixture
def joined(qtbot):
    """Starts a backend by a tunnel; what it reports and says is kept."""
    made = []

    def join(tunnel):
        backend = BackendProcess(tunnel=tunnel)
        backend.reports, backend.sentences = [], []
        backend.report.connect(backend.reports.append)
        backend.died.connect(backend.sentences.append)
        backend.start()
        made.append(backend)
        return backend

    yield join
    for backend in made:
        backend.close()


def test_a_window_on_another_machine_loses_it_and_goes_on(qtbot, tmp_path):
    backend = BackendProcess(tunnel=SshTunnel(machine="gpu", program=PROGRAM))
    window = make_window(WindowSettings(tmp_path / "settings.ini"), backend)
    window.remembers = False
    said = []
    window.controller.voice.said.connect(said.append)
    backend.start()
    window.do(c.OpenData(scripted.picture().data, "drawn.png"))
    qtbot.waitUntil(lambda: window.controller.run.is_open)
    window.do(c.StepForward())
    qtbot.waitUntil(lambda: len(window.session.trace) == 1)
    os.kill(backend._process.processId(), signal.SIGKILL)
    qtbot.waitUntil(lambda: bool(said))
    assert said[-1].text.endswith("What was recorded is kept.")
    assert said[-1].action == "Connect again"
    window.do(c.StepForward())
    assert (said[-1].text, said[-1].action) == ("The model’s process is not connected.", "Connect again")
    said[-1].act()
    qtbot.waitUntil(lambda: window.controller.run.is_open and backend.connected)
    window.do(c.StepForward())
    qtbot.waitUntil(lambda: len(window.session.trace) == 2)
    assert tuple(window.session.trace.words) == scripted.CAPTION[:2]
    window.close()
    backend.close()


def test_one_that_runs_already_is_reached_by_its_secret(qtbot, joined):
    with subprocess.Popen([*shlex.split(PROGRAM), "serve", "--port", "0"], stdout=subprocess.PIPE, text=True) as process:
        text = process.stdout.readline()
        serving = msgspec.json.decode(text, type=Endpoint)
        first = joined(SshTunnel(machine="gpu", serving=serving))
        wait_until_ready(qtbot, first)
        second = first.another()  # as for a comparison
        second.reports = []
        second.report.connect(second.reports.append)
        second.start()
        wait_until_ready(qtbot, second)
        second.close()
        first.close()
        with BackendClient(serving) as again:  # it serves whoever comes
            assert again.expect(Ready).models
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=5) == 130


@pytest.mark.parametrize(("tunnel", "sentence"), [
    (SshTunnel(machine="nowhere"), "ssh could not reach nowhere: ssh: Could not resolve hostname nowhere."),
    (SshTunnel(machine="gpu", program="no-such-program"),
     "There is no program “no-such-program” on gpu; say where it is with --remote-program."),
])
def test_what_cannot_be_reached_says_why(qtbot, joined, tunnel, sentence):
    backend = joined(tunnel)
    qtbot.waitUntil(lambda: bool(backend.sentences))
    assert backend.sentences == [sentence]


def test_another_secret_is_said(qtbot):
    listener = Listener()
    address = Endpoint(listener.endpoint.host, listener.endpoint.port, "another")

    def turn_away():
        with pytest.raises(TimeoutError):
            listener.accept(1.0)

    turned_away = threading.Thread(target=turn_away)
    turned_away.start()
    backend, said = BackendProcess(endpoint=address), []
    backend.died.connect(said.append)
    backend.start()
    qtbot.waitUntil(lambda: bool(said))
    assert said == [f"The backend at {address.place} did not let this window in: its secret is another."]
    turned_away.join()
    listener.close()


def test_an_address_of_the_sixth_version_is_listened_at_and_written(qtbot):
    try:
        listener = Listener("::1")
    except OSError:
        pytest.skip("this machine has no such address")
    there = listener.endpoint
    assert Endpoint.written(f"{there.place}#{there.secret}") == there
    assert line_to_paste(there, "ada", "gpu").endswith(f"--ssh ada@gpu --connect [::1]:{there.port}")
    assert f"127.0.0.1:5000:[::1]:{there.port}" in SshTunnel(machine="gpu", serving=there).command(5000)
    listener.close()


def test_no_word_of_a_person_is_an_option_of_ssh():
    for machine in ("-oProxyCommand=touch x", "", "two words"):
        with pytest.raises(ValueError, match="not a machine"):
            SshTunnel(machine=machine)


def test_an_endpoint_is_read_as_it_is_written(monkeypatch):
    assert Endpoint.written("[::1]:80#abc") == Endpoint("::1", 80, "abc")
    monkeypatch.setenv(SECRET_VARIABLE, "kept")
    assert Endpoint.written("gpu:4000") == Endpoint("gpu", 4000, "kept")
    for wrong in ("gpu", "gpu:", ":80", "gpu:0", "gpu:65536", "gpu:x"):
        with pytest.raises(ValueError, match="HOST:PORT"):
            Endpoint.written(wrong)


def test_the_line_to_paste_hides_the_secret_from_the_list_of_processes():
    line = line_to_paste(Endpoint("127.0.0.1", 4000, "s3cret"), "ada", "gpu")
    assert line == "UNROLLED_SECRET=s3cret unrolled --ssh ada@gpu --connect 127.0.0.1:4000"
    assert "s3cret" not in line.partition(" ")[2]
    assert line_to_paste(Endpoint("0.0.0.0", 4000, "s3cret"), "ada", "gpu").endswith("unrolled --connect gpu:4000")
