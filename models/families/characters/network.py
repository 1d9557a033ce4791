"""A character language model with any of the cells: the network, from top to bottom.

The lecture's h_t = f_W(h_{t-1}, x_t) and y_t = W_hy h_t: one function and one set of weights at every step. The
character before is read as a vector (the column of W_xh that it chooses), and y_t scores every next character.
"""

from collections.abc import Collection, Iterator, Sequence

import msgspec
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from unrolled.models.cells import CellState, CellStep, first_state, make_cell, run_sequence, state_of
from unrolled.models.cells.hook import Hook, identity
from unrolled.models.cells.reading import read_tokens
from unrolled.models.families.characters.reference import CharacterReference
from unrolled.models.stepping.layers import cell_channels
from unrolled.models.stepping.network_stepper import OnDevice
from unrolled.models.stepping.stepper import EncodedInput, InputError, StepRecord, Structure
from unrolled.models.tokenizers.plain_signs import known_text
from unrolled.models.tokenizers.symbols import CharTokenizer
from unrolled.models.trace import ModelDescription
from unrolled.models.trace.description import UNTRAINED, Identity

LONGEST_TEXT = 100_000    # characters
WRITTEN_AT_MOST = 2_000   # characters after the text that is given


class CharacterConfig(msgspec.Struct, frozen=True, kw_only=True):
    cell: str             # rnn, lstm, gru
    vocabulary: int       # how many characters there are, V
    # embedding, hidden: the lengths of a character's vector and of the state
    embedding: int = 64
    hidden: int = 512
    dropout: float = 0.1  # while training only


class CharacterModel(nn.Module):
    """Characters before → scores of the next."""

    def __init__(self, config: CharacterConfig) -> None:
        super().__init__()
        self.config = config
        self.embed = nn.Embedding(config.vocabulary, config.embedding)
        self.cell = make_cell(config.cell, config.embedding, config.hidden)
        self.score = nn.Linear(config.hidden, config.vocabulary)

    def start(self, batch: int) -> CellState:
        """The state before the first character, each tensor (batch, hidden)."""
        return first_state(self.cell, batch, device=self.score.weight.device)

    def step(self, characters: Tensor, state: CellState, hook: Hook = identity) -> tuple[CellState, CellStep, Tensor]:
        """Read one character each, (B,), and give the new state, all that was computed, and the scores (B, V)."""
        step = self.cell(hook("word_vector", self.embed(characters)), *state, hook=hook)
        return state_of(self.cell, step), step, hook("logits", self.score(step.hidden))

    def sequence(self, characters: Tensor, state: CellState) -> tuple[Tensor, CellState]:
        """Read many, (T, B), at once: the scores after each, (T, B, V), and the state after the last."""
        hidden, state = run_sequence(self.cell, self.embed(characters), state)
        return self.score(F.dropout(hidden, self.config.dropout, self.training)), state


class CharacterStepper(OnDevice[CharacterModel]):
    """The model on one device. The text that it is given is read first: the step of each of its characters says how probable the
    model found it, before it was read. Then the model writes on.
    """

    def __init__(self, network: CharacterModel, alphabet: CharTokenizer, *, device: str = "cpu",
                 identity: Identity = UNTRAINED) -> None:
        super().__init__(network, device=device, suppressed_tokens=(alphabet.start, alphabet.unknown))
        self.alphabet = alphabet
        self.longest_text = LONGEST_TEXT
        self._tokens = torch.arange(len(alphabet), device=self.device).view(-1, 1)
        self.description = ModelDescription(
            **identity._asdict(), task="characters", channels=cell_channels(network.config.cell, network.config.hidden),
            words=alphabet.words, start_token=alphabet.start, end_token=alphabet.end,
            suppressed_tokens=tuple(self.suppressed_tokens), maximum_steps=WRITTEN_AT_MOST,
            parameters=sum(p.numel() for p in network.parameters()), input_kind="text", detokenization="characters")

    def read(self, given: str) -> EncodedInput[None]:
        """Take a text to read; of a very long one its beginning, which is said. Raises `InputError` when it is empty."""
        if not given:
            raise InputError("There is no text to read.")
        text, notes = known_text(given, self.alphabet.knows, longest=self.longest_text,
                                 otherwise="Never seen in training, and read as unknown")
        tokens = tuple(self.alphabet.encode(text).tolist())
        return EncodedInput(memory=None, prompt_tokens=tokens, characters=text, maximum_steps=len(tokens) + WRITTEN_AT_MOST,
                            notes=notes, given_input=given)

    def start(self, memory: None) -> CellState:
        """The state before the first character, zeros: each tensor (1, 1, hidden)."""
        return tuple(part.unsqueeze(0) for part in self.network.start(1))

    def step(self, memory: None, state: CellState, tokens: Sequence[int],
             hook: Hook = identity) -> tuple[CellState, StepRecord]:
        before = self._tokens[tokens[0]] if len(tokens) == 1 else torch.tensor(tokens, device=self.device)  # (K,)
        state, step, logits = self.network.step(before, tuple(part[0] for part in state), hook)
        packed = torch.cat((torch.log_softmax(logits, dim=-1), *step), dim=-1)                   # (K, V + total)
        return tuple(part.unsqueeze(0) for part in state), StepRecord(packed, len(self.alphabet))

    def read_ahead(self, blocks: Iterator[Tensor], names: Collection[str]) -> Iterator[tuple[Tensor, dict[str, Tensor]]]:
        network = self.network
        for kept in read_tokens(network.cell, network.embed.weight, blocks, {"hidden", *names}):
            yield torch.log_softmax(network.score(kept["hidden"]), dim=-1), kept

    def reference(self) -> CharacterReference:
        return CharacterReference(self.weights())

    @property
    def structure(self) -> Structure:
        return Structure(self.network.cell, (("word", self.network.config.embedding),))

    def differentiable(self, memory: None, rows: int) -> tuple[None, None]:
        return None, None
