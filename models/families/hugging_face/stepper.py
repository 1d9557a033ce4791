"""A model of the library, stepped with its cache: every attention, the residual stream and the logits pass through the hook."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch
from PIL import Image
from torch import Tensor

from unrolled.models.cells.hook import Hook, identity
from unrolled.models.families.hugging_face.adapter import Opened, model_again
from unrolled.models.families.hugging_face.decoder import Decoder, LookedAt, State
from unrolled.models.families.hugging_face.reading import grid_of, kind_of
from unrolled.models.families.hugging_face.record import Lengths
from unrolled.models.families.hugging_face.reference import StateSpaceReference, TransformerReference
from unrolled.models.families.hugging_face.settings import Writing, settings_of
from unrolled.models.families.hugging_face.state_space import StateSpaceDecoder, mixers_of
from unrolled.models.families.hugging_face.words import words_of
from unrolled.models.reference.protocol import Reference, Weights
from unrolled.models.stepping.stepper import EncodedInput, InputError, StepRecord, Structure
from unrolled.models.trace import ModelDescription
from unrolled.models.trace.detokenization import shown
from unrolled.models.trace.names import first_line

WRITTEN_AT_MOST = 256     # tokens, behind a prompt or in all
LARGEST_RECORD = 2**28    # bytes of all channels of a run, which attention over what is written fills by its square


class Memory(NamedTuple):
    """What every step of a run looks at, and the lengths of its record."""

    looked_at: LookedAt
    lengths: Lengths


class Asked(NamedTuple):
    """An input before it is encoded: what the encoder is given, the text's tokens, and what the run's settings are."""

    seen: Tensor | None
    tokens: list[int]
    writing: Writing
    lengths: Lengths


class TransformerStepper:
    """See `unrolled.models.stepping.stepper.Stepper`. Raises `AttentionError` where the model's attention is not understood."""

    def __init__(self, opened: Opened, *, device: str) -> None:
        self.device = torch.device(device)
        self.model, self.tokenizer, self._pictures = opened.model, opened.tokenizer, opened.pictures
        self.kind = kind_of(self.model)
        self.draw: Callable[[int], tuple[bytes, str]] | None = None
        self.weights: Callable[[], Weights] = self.model.state_dict
        self._opened = opened
        config = self.model.config
        self.settings = settings = settings_of(self.model, begins_itself=self.kind.input_kind != "text")
        self.decoding = settings.decoding
        first = max(settings.first, 0)
        self._notes = (" ".join((*opened.notes, *settings.notes)),) if opened.notes or settings.notes else ()
        with torch.inference_mode():
            states = self._first_states()
        self._is_space = bool(mixers_of(self.model))
        part, call = self.kind.decoder(self.model), self.kind.call(self.model)
        self.decoder: Any = StateSpaceDecoder(self.model, part, call) if self._is_space else Decoder(
            self.model, part, call, states, first)
        self.suppressed_tokens: Sequence[int] = settings.suppressed
        self._lengths = self._learned_lengths(states, first)
        heads = f" of {self._lengths.heads} heads" if self._lengths.heads else ""
        size = self._picture_size() if self._pictures is not None else (0, 0)
        words, detokenization = words_of(self.tokenizer, config.get_text_config(decoder=True).vocab_size)
        self.description = ModelDescription(
            name=opened.title, title=f"{type(self.model).__name__} · {opened.title}", task=self.kind.task,
            summary=f"{config.model_type}, {self.decoder.layers} layers{heads}", weights_hash=opened.weights_hash,
            channels=self.decoder.recorded(self._lengths), start_token=settings.first, end_token=settings.end,
            words=words, also_end=settings.ends[1:],
            maximum_steps=self._lengths.longest, input_size=size,
            parameters=sum(own.numel() for own in self.model.parameters()), encoder=self._encoder_name(),
            input_kind=self.kind.input_kind, detokenization=detokenization, suppressed_tokens=settings.suppressed)

    # ── Its lengths, by a first step ──────────────────────────────────────────────────────────────────────────

    def _picture_size(self) -> tuple[int, int]:
        height, width = self._pixels(Image.new("RGB", (64, 64))).shape[-2:]
        return int(height), int(width)

    def _encoder_name(self) -> str:
        if self.kind.input_kind != "picture":
            return ""
        own = getattr(self.model, "encoder", None) or self.model.vision_model
        return type(own).__name__

    def _first_states(self) -> Tensor | None:
        """Of a grey picture, or of three tokens."""
        if self.kind.encode is None:
            return None
        given = self._pixels(Image.new("RGB", (64, 64), "grey")) if self._pictures is not None else torch.tensor(
            [[1, 2, 3]], device=self.device)
        return self.kind.encode(self.model, given)

    @torch.inference_mode()
    def _learned_lengths(self, states: Tensor | None, first: int) -> Lengths:
        _, taken = self.decoder.step(LookedAt(states, first), self.decoder.start(),
                                     torch.tensor([[first]], device=self.device), identity)
        lengths: Lengths = self.decoder.lengths(min(WRITTEN_AT_MOST, self.settings.positions), taken)
        if self.kind.input_kind == "picture":
            rows, columns, before = grid_of(taken.looked_at.shape[-1], *self._picture_size())
            self.decoder.attentions.before = before
            return lengths._replace(places=(rows, columns), before=before)
        return lengths if states is None else lengths._replace(places=(1,))

    # ── Reading ───────────────────────────────────────────────────────────────────────────────────────────────

    def _pixels(self, picture: Image.Image) -> Tensor:
        pixels: Tensor = self._pictures(images=picture.convert("RGB"), return_tensors="pt")["pixel_values"]
        return pixels.to(self.device)

    def tokens_of(self, text: str) -> list[int]:
        """As the model's own tokenizer has them, with what it adds at the ends; a sentence is over before its line's end."""
        tokens: list[int] = self.tokenizer(text.strip() if self.kind.input_kind == "sentence" else text)["input_ids"]
        if self.kind.input_kind == "text" and tokens and tokens[-1] in self.settings.ends:
            tokens = tokens[:-1]  # a text that is over is not gone on with
        return tokens

    @torch.inference_mode()
    def read(self, given: Any) -> EncodedInput[Memory]:
        """Read a photograph, a sentence, or a text. Raises `InputError` where it is empty or too long."""
        asked = self._asked(given)
        words, tokens, first = self.description.words, asked.tokens, self.settings.first
        states, source, notes = None, tuple(words[token] for token in tokens), self._notes
        if self.kind.encode is not None:
            assert asked.seen is not None
            states, tokens = self.kind.encode(self.model, asked.seen), []
        else:
            first, source = tokens[0], source[:1]
            piece = shown(source[0].replace("▁", " ").strip() or source[0], "characters")
            notes = (" ".join((f"The first piece, “{piece}”, is what the first step reads.", *notes)),)
        return EncodedInput(
            memory=Memory(LookedAt(states, first), asked.lengths), channels=self.decoder.recorded(asked.lengths), source=source,
            prompt_tokens=tuple(tokens[1:]), maximum_steps=asked.lengths.longest, ranking=asked.writing.ranked,
            beam=asked.writing.beam, given_input=given, notes=notes)

    def _asked(self, given: Any) -> Asked:
        """Raises `InputError` where it is empty or too long, or where the settings say what cannot be."""
        tokens, seen, source, places, read = [], None, None, self._lengths.places, 1
        if self.kind.input_kind == "picture":
            seen = self._pixels(given)
        else:
            tokens = self.tokens_of(given)
            if not tokens:
                raise InputError("There is no text to read.")
            source = torch.tensor([tokens], device=self.device)
            seen, places, read = (source, (len(tokens),), 1) if self.kind.encode is not None else (None, (), len(tokens))
            if (length := len(tokens) + (seen is None)) > (most := self.settings.positions):
                raise InputError(f"This text has {length:,} pieces, and {most:,} are the most that this model can read.")
        try:
            writing = Writing(self.model, read=read, source=source, words=len(self.description.words))
        except (IndexError, RuntimeError, TypeError, ValueError) as error:
            raise InputError(f"Its settings for writing, generation_config.json, cannot be: {first_line(error)}.") from error
        prompt, own = 0 if read == 1 and seen is not None else read, self._lengths._replace(places=places)
        longest = min(prompt + WRITTEN_AT_MOST, self.settings.positions, writing.most)  # as long as its record may be
        while longest > prompt + 1 and longest * sum(
                channel.size for channel in self.decoder.recorded(own._replace(longest=longest))) * 4 > LARGEST_RECORD:
            longest = max(longest * 9 // 10, prompt + 1)
        return Asked(seen, tokens, writing, own._replace(longest=longest))

    # ── Stepping ──────────────────────────────────────────────────────────────────────────────────────────────

    def start(self, memory: Memory) -> State:
        begun: State = self.decoder.start()
        return begun

    def step(self, memory: Memory, state: State, tokens: Sequence[int],
             hook: Hook = identity) -> tuple[State, StepRecord]:
        looked_at = memory.looked_at
        read = torch.tensor([[looked_at.first_token if token < 0 else token] for token in tokens], device=self.device)
        state, taken = self.decoder.step(looked_at, state, read, hook)
        return state, StepRecord(self.decoder.packed(taken, memory.lengths), taken.logits.shape[-1])

    @property
    def structure(self) -> Structure:
        return Structure(attends=not self._is_space)

    def reference(self) -> Reference:
        made = StateSpaceReference if self._is_space else TransformerReference
        return made(model_again(self._opened), self.kind, layers=self.decoder.layers, before=self._lengths.before,
                    order=() if self._is_space else self.decoder.attentions.order, read=self._given)

    def _given(self, given: Any) -> tuple[Tensor | None, int, int]:
        """What the encoder is given for an input, the token that the first step reads, and how many steps there can be."""
        asked = self._asked(given)
        first = self.description.start_token if self.kind.encode is not None else asked.tokens[0]
        return asked.seen, first, asked.lengths.longest

    def differentiable(self, memory: Memory, rows: int) -> tuple[Memory, Tensor | None]:
        """Gradients are taken by the picture's cells or the sentence's words; there are none where nothing is looked at."""
        states, before = memory.looked_at.states, memory.lengths.before
        if states is None:
            return memory, None
        cells = states[:, before:].expand(rows, -1, -1).clone().requires_grad_()
        whole = torch.cat((states[:, :before].expand(rows, -1, -1).clone(), cells), dim=1)
        return Memory(LookedAt(whole, memory.looked_at.first_token, differentiable=True), memory.lengths), cells

    def select(self, state: State, rows: Tensor) -> State:
        return state.select(rows[0].to(self.device))
