"""`unrolled analyze` and the words that change a computation, from outside."""

from __future__ import annotations

import json
from html.parser import HTMLParser

import pytest

from unrolled.models.trace.files import load_trace

ALONE = ("img", "meta", "br", "circle", "rect", "polyline", "link", "input")
ENGLISH = ("--text", "A dog runs.", "--model", "translate-en-fr")


class Reader(HTMLParser):
    """Sees that every element is closed, and keeps what the page asks for."""

    def __init__(self):
        super().__init__()
        self.open, self.sources, self.headings, self._text = [], [], [], []

    def handle_starttag(self, tag, attributes):
        if tag not in ALONE:
            self.open.append(tag)
        self.sources += [value for name, value in attributes if name in ("src", "href", "action", "srcset", "data")]
        assert tag not in ("script", "link", "iframe", "object")
        if tag == "img":
            assert dict(attributes)["alt"]

    def handle_startendtag(self, tag, attributes):
        pass

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] in ("h1", "h2"):
            self.headings.append(data)


@pytest.fixture(scope="module")
def changed(run, dog, tmp_path_factory):
    """A photograph whose caption was changed: its trace and its analysis."""
    folder = tmp_path_factory.mktemp("analysed")
    edits = ("--force", "3=cat", "--clamp", "forget_gate:17=0@2-4")
    for name, verb in (("t.safetensors", "trace"), ("a.json", "analyze")):
        made = run(verb, dog, "-o", folder / name, "--device", "cpu", *edits)
        assert made.returncode == 0, made.stderr
    return folder, load_trace(folder / "t.safetensors"), json.loads((folder / "a.json").read_text(encoding="utf-8"))


def test_the_words_of_the_command_line_are_those_of_the_trace(changed):
    _, trace, analysis = changed
    assert list(trace.words) == [step["word"] for step in analysis["steps"]]
    assert trace.words[3] == "cat"
    assert [edit["kind"] for edit in analysis["edits"]] == ["force", "clamp"]
    assert (trace.column("forget_gate")[2:5, 17] == 0).all()
    assert trace.column("forget_gate")[5, 17] != 0


def test_the_analysis_holds_together(changed):
    _, trace, analysis = changed
    steps = len(trace)
    assert analysis["fidelity"]["agrees"]
    assert analysis["fidelity"]["steps"] == steps
    assert 0 <= analysis["fidelity"]["step"] < steps  # from 0, as all steps in files
    assert analysis["fidelity"]["channel"] in analysis["fidelity"]["by_channel"]
    gradients = analysis["gradients"]
    assert len(gradients["hidden"]) == len(gradients["hidden"][0]) == steps
    assert gradients["hidden"][0][1] == 0  # no word depends on what comes after it
    masked = analysis["occlusion"][0]
    assert len(gradients["places"][0]) == len(masked["drops"]) == len(masked["margin_drops"]) == 100
    assert masked["verdict"]
    assert "counted from 0" in analysis["convention"]
    assert set(analysis["fidelity"]["by_channel"]) == {*trace.channels, "state_gap", "log_probs", "candidate_log_probs"}
    assert len(analysis["occlusion"]) == steps
    for explained in analysis["equations"]:
        for equation in explained["equations"]:
            assert sum(part["value"] for part in equation["parts"]) == pytest.approx(equation["total"], abs=1e-6)
            recorded = float(trace.column(equation["channel"])[explained["step"], explained["unit"]])
            assert equation["value"] == pytest.approx(recorded, abs=1e-6)
    assert sum(analysis["attention"]["coverage"]) == pytest.approx(steps, rel=1e-4)
    forget = next(gate for gate in analysis["gates"] if gate["channel"] == "forget_gate")
    assert forget["shut"][17] >= 3 / steps - 1e-6
    assert len(forget["half_life"]) == 512
    assert forget["steps"] == steps
    told = [life for life in forget["half_life"] if life is not None]
    assert all(life <= steps for life in told)  # a longer one cannot be told from so few steps


def test_a_folder_s_gates_are_counted_over_all_its_runs(changed, run):
    folder, trace, _ = changed
    runs = folder / "runs"
    runs.mkdir()
    for name in ("one.safetensors", "two.safetensors"):
        (runs / name).write_bytes((folder / "t.safetensors").read_bytes())
    (runs / "broken.npz").write_bytes(b"nothing")
    made = run("analyze", runs, "-o", folder / "folder.json")
    assert made.returncode == 1, made.stderr
    assert "broken.npz" in made.stderr
    found = json.loads((folder / "folder.json").read_text(encoding="utf-8"))
    assert found["files"] == ["one.safetensors", "two.safetensors"]
    assert found["steps"] == 2 * len(trace)
    forget = next(gate for gate in found["gates"] if gate["channel"] == "forget_gate")
    assert forget["shut"] == pytest.approx((trace.column("forget_gate") < 0.1).mean(axis=0), abs=1e-6)
    assert "broken.npz" in found["notes"][0]
    (runs / "broken.npz").unlink()
    (runs / "photo.jpg").write_bytes(b"beside them")
    said = run("analyze", runs, "-o", folder / "folder.json")
    assert (said.returncode, "passed over: photo.jpg." in said.stderr) == (0, True), said.stderr
    assert "photo.jpg" in json.loads((folder / "folder.json").read_text(encoding="utf-8"))["notes"][0]
    refused = run("analyze", runs, "-o", folder / "folder.html")
    assert (refused.returncode, "JSON" in refused.stderr) == (2, True)


def test_a_page_stands_alone_and_says_the_same_of_the_trace(changed, run):
    folder, trace, _ = changed
    made = run("analyze", folder / "t.safetensors", "-o", folder / "page.html", "--unit", 17, "--step", 3, "--device", "cpu")
    assert made.returncode == 0, made.stderr
    text = (folder / "page.html").read_text(encoding="utf-8")
    reader = Reader()
    reader.feed(text)
    assert not reader.open
    assert reader.sources
    assert all(source.startswith("data:image/png;base64,") for source in reader.sources)
    assert "http" not in text
    headings = "".join(reader.headings)
    for part in ("Words", "Fidelity", "Gradients", "Is the attention an explanation?", "Equations at step 4", "Gates", "Similar"):
        assert part in headings
    assert "edited" in text
    assert "every channel was compared" in text
    assert f"{float(trace.column('forget_gate')[3, 17]):.4f}" in text


def test_without_the_weights_that_recorded_it_the_rest_is_said(changed, run, tmp_path):
    import msgspec

    from unrolled.models.trace.files import save_trace

    _, trace, _ = changed
    other = trace.truncated(5)
    other.provenance = msgspec.structs.replace(trace.provenance, weights_hash="0" * 64)
    save_trace(other, tmp_path / "other.npz")
    made = run("analyze", tmp_path / "other.npz", "-o", tmp_path / "a.json")
    assert made.returncode == 0
    assert "other weights" in made.stderr
    analysis = json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))
    assert analysis["fidelity"] is None
    assert analysis["equations"] == []
    assert analysis["gates"]
    assert "other weights" in analysis["notes"][0]


@pytest.mark.parametrize(("words", "status", "sentence"), [
    (("analyze", "{dog}", "-o", "{out}.txt"), 2, "should end in"),
    (("analyze", "{dog}", "-o", "{out}.json", "--unit", "-3"), 2, ""),
    (("analyze", "nothing.jpg", "-o", "{out}.json"), 1, "There is no file"),
    (("caption", *ENGLISH, "--force", "40=chien"), 1, "Step 40 is not there"),
    (("caption", *ENGLISH, "--multiply", "hidden:all=1e30"), 1, "not finite")])
def test_what_cannot_be_done_is_one_sentence(words, status, sentence, run, dog, tmp_path):
    said = run(*(word.format(dog=dog, out=tmp_path / "out") for word in words), "--device", "cpu")
    assert said.returncode == status
    assert sentence in said.stderr
    assert "Traceback" not in said.stderr
    assert not list(tmp_path.iterdir())
