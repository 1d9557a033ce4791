"""The window opens a model of the hub, which is a server of this test's own: it tells how far it is, and can be given up."""

from __future__ import annotations

import pytest
from hub import hub

from unrolled.models.inputs.inputs import typed
from unrolled.viewer.client.backend_client import BackendProcess
from unrolled.viewer.state import commands as c
from unrolled.viewer.state.recent_models import recent_models
from unrolled.viewer.window.application import make_window
from unrolled.viewer.window.settings import WindowSettings

pytest.importorskip("transformers")


def test_a_model_of_the_hub_comes_is_given_up_and_comes_again(qtbot, tmp_path, monkeypatch):
    from tiny_transformers import save

    with hub() as served:
        served.repositories["me/tiny"] = save("gpt2", tmp_path)
        served.held.clear()
        monkeypatch.setenv("HF_ENDPOINT", served.address)
        monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "cache"))
        backend = BackendProcess()
        window = make_window(WindowSettings(tmp_path / "settings.ini"), backend, model="chars-rnn")
        window.remembers, messages = False, []
        window.controller.voice.said.connect(messages.append)
        backend.start()
        window.show()
        window.do(c.OpenText(typed("the dog")))
        qtbot.waitUntil(lambda: window.controller.run.is_open)
        qtbot.waitUntil(lambda: len(window.session.trace) >= 7 and not window.controller.run.busy)
        steps, status = len(window.session.trace), window.layout_.status
        assert not status.cancel.isVisible()
        window.do(c.LoadModel("me/tiny"))
        qtbot.waitUntil(lambda: "Fetching me/tiny" in status.activity.text() and status.bar.value() > 0)
        assert status.cancel.isVisible()
        status.cancel.click()
        assert not status.cancel.isVisible()
        qtbot.waitUntil(lambda: window.controller.run.is_open)
        assert window.session.description.name == "chars-rnn"
        assert window.controller.choice.model == "chars-rnn"
        assert len(window.session.trace) == steps
        served.held.set()
        window.do(c.LoadModel("me/tiny"))
        qtbot.waitUntil(lambda: window.session.description.name == "me/tiny" and window.controller.run.is_open)
        assert [own.model for own in recent_models()] == ["hf:me/tiny"]
        window.do(c.LoadModel("me/none"))
        qtbot.waitUntil(lambda: any("no “me/none” on the hub" in own.text for own in messages))
        assert window.controller.choice.model == "me/tiny"
        window.close()
        window.deleteLater()
        backend.close()
