"""A live model of somebody's own step function; this process is its backend, and the window connects to it."""

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from unrolled.models.adapters import registry
from unrolled.models.backend.run_service import RunService
from unrolled.models.notebook.connecting import WithWindow, has_screen
from unrolled.models.notebook.drawing import trace_as_html
from unrolled.models.notebook.given_input import GivenInput, given_input
from unrolled.models.notebook.opening import loaded_by, text_in, written
from unrolled.models.notebook.own_reference import NextToken
from unrolled.models.notebook.step_function import FunctionStepper
from unrolled.models.protocol.decoding import Decoding
from unrolled.models.protocol.loading import Device, Family
from unrolled.models.stepping.stepper import AnyStepper
from unrolled.models.tokenizers.symbols import END, START
from unrolled.models.trace import ModelDescription, ModelListing, Trace
from unrolled.models.trace.edits import Edit

STARTS = (START, "<bos>", "<sos>", "<s>", "[BOS]", "[CLS]", "SOS")  # as the first token is called in most vocabularies
ENDS = (END, "<eos>", "</s>", "[EOS]", "[SEP]", "EOS")
GREEDY = Decoding()


class SteppedModel(WithWindow):
    """A step function that can be stepped, traced, branched and changed; made by `step`.

    Attributes
    ----------
    description : ModelDescription
        What it records, its words, what can be changed.
    notes : tuple of str
        What cannot be seen or changed, a sentence each.
    fidelity : float
        The largest difference of the first step's logits between the function itself and the one whose modules are looked into.
    """

    def __init__(self, stepper: FunctionStepper, given: GivenInput) -> None:
        super().__init__(lambda: RunService(self))
        self._stepper, self._given = stepper, given
        self.description: ModelDescription = stepper.description
        self.notes, self.fidelity = stepper.notes, stepper.fidelity
        self._file: Path | None = None

    def __repr__(self) -> str:
        return f"<unrolled.SteppedModel {self.description.name}, {len(self.description.words):,} words>"

    def _repr_html_(self) -> str:
        """What Jupyter draws: what it writes, and what its units do meanwhile."""
        return trace_as_html(self.trace())

    # ── In this process ───────────────────────────────────────────────────────────────────────────────────────

    def trace(self, *, decoding: Decoding = GREEDY, edits: Sequence[Edit] = (), steps: int | None = None) -> Trace:
        """Let it write, with everything recorded.

        Parameters
        ----------
        decoding : Decoding
            How words are chosen.
        edits : sequence of Edit
            Words that are forced, units and gates that are changed.
        steps : int, optional
            At most so many; without it until END, or the longest length.

        Raises
        ------
        EngineError
            When the function raises, or a step is not as it should be: one sentence.

        Examples
        --------
        >>> import torch, unrolled
        >>> cell, words = torch.nn.GRUCell(3, 4), ["<start>", "a", "b"]
        >>> embed, out = torch.nn.Embedding(3, 3), torch.nn.Linear(4, 3)
        >>> def next_token(token, h):
        ...     h = cell(embed(torch.tensor([token])), h)
        ...     return out(h), h
        >>> model = unrolled.step(next_token, torch.zeros(1, 4), vocabulary=words, window=False)
        >>> model.trace(steps=5).column("reset_gate").shape
        (5, 4)
        """
        service, own = RunService(self), self._given
        return written(service, loaded_by(service, self.description.name), own.name, own.data, decoding=decoding,
                       edits=tuple(edits), steps=steps)

    def caption(self, *, decoding: Decoding = GREEDY, edits: Sequence[Edit] = (), steps: int | None = None) -> str:
        """What it writes, without END; see `trace`."""
        return text_in(self.trace(decoding=decoding, edits=edits, steps=steps), self.description)

    # ── The window ────────────────────────────────────────────────────────────────────────────────────────────

    def _words(self) -> Sequence[str]:
        words = ("--model", self.description.name)
        if not self._given.data:
            return (*words, "--empty")
        if self._file is None:
            self._file = Path(tempfile.mkdtemp(prefix="unrolled-")) / self._given.name
            self._file.write_bytes(self._given.data)
        return (str(self._file), *words)

    def close(self) -> None:
        """Close the window and serve no more; it can still be traced here."""
        super().close()
        if self._file is not None:
            self._file.unlink(missing_ok=True)
            self._file.parent.rmdir()
        self._file = None

    # ── What there is to load, for the backend ────────────────────────────────────────────────────────────────

    def listings(self) -> tuple[ModelListing, ...]:
        """Itself, and what the registry knows: to be compared with, and for what it does not take."""
        own = self.description
        return (ModelListing(name=own.name, title=own.title, task=own.task, size_bytes=0, path="", quality={}, source="",
                             input_kind=own.input_kind), *(other for other in registry.listings() if other.name != own.name))

    def families(self) -> tuple[Family, ...]:
        return registry.families()

    def devices(self) -> tuple[Device, ...]:
        name = str(self._stepper.device)
        return (Device(name, name.upper()),)

    def load(self, model: str, *, device: str, reuse: AnyStepper | None) -> AnyStepper:
        """The function, or another model in this process."""
        if model != self.description.name:
            return registry.load(model, device="auto" if device == str(self._stepper.device) else device, reuse=reuse)
        if device not in ("auto", str(self._stepper.device)):
            raise ValueError(f"{self.description.name} computes where its tensors are, on {self._stepper.device}.")
        return self._stepper


def step(next_token: NextToken, state: Any, *, vocabulary: Sequence[str] | Mapping[str, int], input: Any = None,
         start: str | int | None = None, end: str | int | None = None, maximum_steps: int = 50,
         source: Sequence[object] = (), grid: tuple[int, int] | None = None, window: bool | None = None,
         options: Sequence[str] = ()) -> SteppedModel:
    """Make a live model of a step function, and open the window on it.

    Branches, beams, forced words and comparison work at once. Where the function calls RNN, LSTM or GRU of torch.nn, their cells,
    MultiheadAttention, or the functions ``torch.lstm_cell`` and its like and ``F.scaled_dot_product_attention``, all that they
    compute is recorded and can be changed inside them; of everything else the state is seen.
    Attention is changed in all heads of the first such module.

    Parameters
    ----------
    next_token : callable
        ``next_token(token, state) -> (logits, state)``: the token before, an int, and the state → the logits of the next word, as
        many as there are words, and the new state. It is called in a thread of this process, without gradients, always with
        a copy of a state, and any step is taken again from any state: the function keeps nothing else.
    state : Tensor, or tuples, lists and dicts of tensors
        Before the first step.
    vocabulary : sequence of str, or mapping of str to int
        The words by their tokens.
    input : optional
        What is shown beside: a path, a text, a file's bytes, a picture of PIL or of uint8 pixels (height, width, 3).
    start, end : str or int, optional
        The token that the first step reads, and the one that ends the run; without them those that are called as usual, as
        ``<start>`` and ``<end>``. Where there is no start, it is token 0; where there is no end, `maximum_steps` is.
    source : sequence, optional
        What attention looks at, one a place; of a text its words.
    grid : (rows, columns), optional
        The places of a picture that attention looks at.
    window : bool, optional
        Whether a window is opened; without it where there is a screen.
    options : sequence of str
        Further words of the window's command line, such as ``"--theme", "dark"``.

    Raises
    ------
    EngineError
        When the first steps show that it cannot be: the function raises, gives what is no (logits, state) or not finite, changes
        its state in place, or answers otherwise when the same step is taken again.
    ValueError
        When a token is none of the words, or the input cannot be shown.

    Examples
    --------
    >>> import torch, unrolled
    >>> words = ["<start>", "<end>", "a", "dog", "runs"]
    >>> embed, cell, out = torch.nn.Embedding(5, 8), torch.nn.LSTMCell(8, 16), torch.nn.Linear(16, 5)
    >>> def next_token(token, state):
    ...     h, c = cell(embed(torch.tensor([token])), state)
    ...     return out(h), (h, c)
    >>> state = torch.zeros(1, 16), torch.zeros(1, 16)
    >>> model = unrolled.step(next_token, state, vocabulary=words, window=False)
    >>> [channel.name for channel in model.description.channels][:3]
    ['hidden', 'cell', 'input_gate']
    >>> from unrolled.models.trace.edits import ClampUnits, ForceToken
    >>> trace = model.trace(edits=[ForceToken(first=0, token=3), ClampUnits(channel="forget_gate", value=0.0)], steps=4)
    >>> trace.words[0], float(trace.column("forget_gate").max())
    ('dog', 0.0)
    """
    words = _words(vocabulary)
    given = given_input(input, source, grid)
    first, last = _token(start, words, STARTS, "start"), _token(end, words, ENDS, "end")
    stepper = FunctionStepper(next_token, state, words, given, start=max(first, 0), end=last, maximum_steps=maximum_steps)
    model = SteppedModel(stepper, given)
    return model.show(options=options) if window or (window is None and has_screen()) else model


def _words(vocabulary: Sequence[str] | Mapping[str, int]) -> tuple[str, ...]:
    if isinstance(vocabulary, Mapping):
        by_token = {int(token): str(word) for word, token in vocabulary.items()}
        return tuple(by_token.get(token, f"<{token}>") for token in range(max(by_token, default=-1) + 1))
    return tuple(str(word) for word in vocabulary)


def _token(wanted: str | int | None, words: tuple[str, ...], usual: Sequence[str], which: str) -> int:
    """The token that is meant, or that has a usual name; -1 for none. Raises `ValueError`."""
    if wanted is None:
        return next((words.index(name) for name in usual if name in words), -1)
    if isinstance(wanted, str) and wanted in words:
        return words.index(wanted)
    if isinstance(wanted, int) and 0 <= wanted < len(words):
        return wanted
    raise ValueError(f"{which}={wanted!r} is not one of the {len(words):,} words.")
