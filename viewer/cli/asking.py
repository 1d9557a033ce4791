"""Ask a model about a run from the command line: what analyze and export share."""

from collections.abc import Iterator

from unrolled import assets
from unrolled.models.protocol.client import BackendClient, BackendError
from unrolled.models.protocol.loading import Loaded
from unrolled.models.protocol.questions import Answer, AnswerPart, Ask, Question
from unrolled.models.protocol.stepping import Fork, Forked
from unrolled.models.trace import Trace
from unrolled.viewer.cli.running import CHANGED


def is_shipped(model: str) -> bool:
    """Whether a name is one of the models that come along: what a file names is no path to open."""
    return model in {path.stem for path in assets.path("checkpoints").glob("*.safetensors")}


def taken_up(client: BackendClient, loaded: Loaded, trace: Trace) -> str:
    """Have the model take up a recorded run, so that it can be asked about; why it cannot, or nothing."""
    provenance = trace.provenance
    if provenance.weights_hash and provenance.weights_hash != loaded.description.weights_hash:
        return "the trace was recorded with other weights than are installed."
    if not trace.input_bytes:
        return "the trace does not hold its input."
    try:
        client.open(0, trace.input_bytes, provenance.input_name)
        client.send(Fork(0, -1, 0, provenance.edits, tuple(trace.tokens), branch=CHANGED))
        client.expect(Forked)
    except BackendError as error:
        return str(error)
    return ""


class Asking:
    """Asks a backend, one question after the other."""

    def __init__(self, client: BackendClient, branch: int) -> None:
        self._client, self._branch, self._asked = client, branch, 0

    def __call__(self, question: Question) -> Iterator[AnswerPart]:
        self._asked += 1
        self._client.send(Ask(0, self._asked, question, branch=self._branch))
        while True:
            answer = self._client.expect(Answer)
            yield answer.part
            if answer.done:
                return
