"""Small stores whose every number is known: drawn texts and waves, written as tracing writes them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from unrolled.models.store.layout import StoreDescription, shard_steps, stored
from unrolled.models.store.location import Location
from unrolled.models.store.making import Packing, make_store, pack
from unrolled.models.store.writing import Part, PartWriter
from unrolled.models.trace import Channel, ModelDescription

HIDDEN = Channel(name="hidden", role="hidden", symbol="h", axes=("unit",), shape=(6,), low=-1.0, high=1.0)
CELL = Channel(name="cell", role="cell", symbol="c", axes=("unit",), shape=(6,), low=-3.0, high=3.0)
ENTROPY = Channel(name="attention_entropy", role="attention_entropy", symbol="H", axes=(), shape=(), low=0.0, high=1.0)
ATTENTION = Channel(name="attention", role="attention", symbol="α", axes=("row", "column"), shape=(2, 3), low=0.0, high=1.0)
CHANNELS = (HIDDEN, CELL, ENTROPY, ATTENTION)
SIGNS = 'ab("é#\n 1'


@dataclass
class Drawn:
    """What a store was made of.

    Attributes
    ----------
    values : list of dict
        For every document and channel its values as the model would have given them, (steps, …).
    """

    location: Location
    description: StoreDescription
    packing: Packing
    titles: list[str]
    texts: list[str]
    tokens: list[npt.NDArray[np.int32]]
    log_probs: list[npt.NDArray[np.float32]]
    values: list[dict[str, npt.NDArray[np.float32]]]

    def part(self, number: int) -> Part:
        """What is to be written of a part."""
        shards = [*self.packing.part_shards.tolist(), self.packing.shards]
        begin, shard = shards[number] * self.description.shard, self.description.shard
        made = Part.empty(self.description, shards[number + 1] - shards[number])
        for document, place in enumerate(self.packing.begin.tolist()):
            if begin <= place < begin + len(made.tokens):
                own = slice(place - begin, place - begin + len(self.tokens[document]))
                made.tokens[own], made.log_probs[own] = self.tokens[document], self.log_probs[document]
                if made.characters is not None:
                    made.characters[own] = [ord(sign) for sign in self.texts[document]]
                for channel in self.description.channels:
                    made.values[channel.name][own] = stored(self.values[document][channel.name], channel, self.description.dtype)
        assert shard * (shards[number + 1] - shards[number]) == len(made.tokens)
        return made

    def write(self, *parts: int) -> None:
        """Those parts; all without any."""
        writer = PartWriter(self.location, self.description)
        for number in parts or range(self.description.parts):
            writer.write(number, int(self.packing.part_shards[number]), self.part(number))


def drawn(address: str | Path, lengths: list[int], *, dtype: str = "uint8", channels: tuple[Channel, ...] = CHANNELS,
          seed: int = 0, shard: int = 0, room: int = 0, model: ModelDescription | None = None) -> Drawn:
    """A store without its parts, of documents of such lengths; with `room`, of captions that may have so many words; with
    `model`, of one that reads characters.
    """
    chosen = np.random.default_rng(seed)
    model = model or ModelDescription(
        name="drawn", title="Drawn", task="characters", channels=channels, words=tuple(SIGNS), start_token=-1, end_token=-1,
        input_kind="text", detokenization="words" if room else "characters")
    signs = [sign for sign in model.words if len(sign) == 1]
    rooms = np.array([room or length for length in lengths], np.int64)
    shard = shard or shard_steps(channels, dtype, int(rooms.sum()))
    packing = pack(rooms, shard)
    description = StoreDescription(model=model, channels=channels, dtype=dtype, documents=len(lengths), filled=not room,  # type: ignore[arg-type]
                                   parts=len(packing.part_shards), steps=packing.shards * shard, shard=shard, source="drawn")
    tokens = [chosen.integers(0, len(signs), length).astype(np.int32) for length in lengths]
    values = []
    for length in lengths:
        own = {}
        for channel in channels:
            wave = np.sin(np.arange(length)[:, None] / chosen.uniform(1, 50, channel.size))
            middle, reach = (channel.high + channel.low) / 2, (channel.high - channel.low) / 2
            own[channel.name] = (middle + reach * wave).astype(np.float32).reshape(length, *channel.shape)
        values.append(own)
    made = Drawn(Location(address), description, packing, [f"folder/{number:04d}.py" for number in range(len(lengths))],
                 ["".join(signs[token] for token in own) for own in tokens], tokens,
                 [-chosen.random(length).astype(np.float32) for length in lengths], values)
    make_store(made.location, description, made.titles, rooms, packing)
    return made
