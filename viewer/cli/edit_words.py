"""Changes to the computation in the words of the command line: what the window can change, a script can too."""

import argparse
import hashlib
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import msgspec

from unrolled.models.trace import Channel, ModelDescription
from unrolled.models.trace.edits import (
    TO_THE_END,
    AddNoise,
    ClampUnits,
    Edit,
    EditError,
    ForceToken,
    MaskAttention,
    ScaleUnits,
    SetAttention,
    SwapInput,
    SwitchHeadsOff,
    UniformAttention,
    attention_of,
    check,
    places_in,
)
from unrolled.viewer.cli.telling import FAILURE, WRONG_USE, CommandError
from unrolled.viewer.state.edit_text import token_of, units_of

EXPLAINED = """steps are counted from 0, the first word; without @STEPS a change holds at every step. STEPS: 4, 4-7 or 4- (to the
end). UNITS: 17, or 3,5,20-25, or all. Examples: --force 3=dog   --clamp forget_gate:17=0   --clamp cell:all=0@5-
--mask 0.2,0.1,0.6,0.8   --attention even@2-4"""
GATE_VALUES = {"off": 0.0, "open": 1.0}
FLAGS = ("force", "clamp", "multiply", "zero", "gate", "noise", "mask", "attention", "heads_off", "swap")


def add_edit_arguments(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("changes to the computation", EXPLAINED)

    def add(name: str, form: str, text: str) -> None:
        group.add_argument(f"--{name}", action="append", default=[], metavar=form, help=text)

    add("force", "STEP=WORD", "write this word at a step, whatever the model prefers")
    add("clamp", "CHANNEL:UNITS=VALUE[@STEPS]", "set units of h, c or a gate to a value")
    add("multiply", "CHANNEL:UNITS=FACTOR[@STEPS]", "multiply units")
    add("zero", "CHANNEL:UNITS[@STEPS]", "set units to 0")
    add("gate", "GATE=off|open[@STEPS]", "switch a gate off or open for all units")
    add("noise", "CHANNEL:UNITS=DEVIATION[@STEPS]", "add normal noise")
    add("mask", "X0,Y0,X1,Y1[@STEPS]", "let attention not look into a region of the picture, given as fractions; of a sentence: "
                                       "PLACE,…, counted from 0")
    add("attention", "even|PLACE=WEIGHT,…[@STEPS]", "set the attention: everywhere alike, or to these places, counted row after "
                                                    "row from 0")
    add("heads-off", "CHANNEL:LAYER:HEADS[@STEPS]", "switch heads of an attention off: cross_attention:2:0,3, or :all")
    add("swap", "STEP=FILE", "let the steps from here on look at another picture")
    group.add_argument("--noise-seed", type=int, default=0, metavar="N", help="of --noise (default: 0)")
    group.add_argument("--edits", type=Path, metavar="FILE", help="more changes, a JSON list as traces hold them")


@dataclass(frozen=True, slots=True)
class EditWords:
    """What was asked for; made into edits when it is known what the model records."""

    arguments: argparse.Namespace
    inputs: dict[str, tuple[bytes, str]]  # by hash, the files that --swap names, and their names
    hashes: dict[str, str]  # of each, by the words that name it

    def __bool__(self) -> bool:
        return self.arguments.edits is not None or any(getattr(self.arguments, name) for name in FLAGS)

    def edits(self, channels: Sequence[Channel], description: ModelDescription) -> tuple[Edit, ...]:
        """The edits, checked. Raises `CommandError` with a sentence about the first that cannot be made."""
        arguments, made = self.arguments, list[Edit]()
        readers: tuple[tuple[str, Callable[[str], Edit]], ...] = (
            ("force", lambda text: _force(text, description)),
            ("clamp", lambda text: _of_units(text, ClampUnits, "value")),
            ("multiply", lambda text: _of_units(text, ScaleUnits, "factor")),
            ("zero", _zero),
            ("gate", _gate),
            ("noise", lambda text: _of_units(text, partial(AddNoise, seed=arguments.noise_seed), "deviation")),
            ("mask", lambda text: _mask(text, channels)),
            ("attention", lambda text: _attention(text, channels)),
            ("heads_off", _heads_off),
            ("swap", self._swap),
        )
        for name, read in readers:
            for text in getattr(arguments, name):
                try:
                    edit = read(text)
                    check(edit, channels, description.words)
                except EditError as error:
                    raise CommandError(f"--{name.replace('_', '-')} {text}: {error}", WRONG_USE) from error
                made.append(edit)
        made += self._of_file(channels, description)
        return tuple(made)

    def _swap(self, text: str) -> Edit:
        step, file = _halves(text, "STEP=FILE")
        return SwapInput(first=_number(step), name=Path(file).name, input_hash=self.hashes[file])

    def _of_file(self, channels: Sequence[Channel], description: ModelDescription) -> tuple[Edit, ...]:
        path: Path | None = self.arguments.edits
        if path is None:
            return ()
        try:
            found = msgspec.json.decode(path.read_bytes(), type=tuple[Edit, ...])
            for edit in found:
                check(edit, channels, description.words)
        except OSError as error:
            raise CommandError(f"“{path}” cannot be read: {error.strerror or error}.", FAILURE) from error
        except (msgspec.DecodeError, EditError, ValueError, RecursionError) as error:
            raise CommandError(f"“{path.name}” is not a list of edits for this model: {error}", FAILURE) from error
        return found


def edit_words(arguments: argparse.Namespace, read: Callable[[Path], bytes]) -> EditWords:
    """What was asked for, the files of --swap read.

    Parameters
    ----------
    read : callable
        Reads an input's bytes; raises `ValueError` with a sentence for people.
    """
    inputs: dict[str, tuple[bytes, str]] = {}
    hashes: dict[str, str] = {}
    for text in arguments.swap:
        try:
            _, file = _halves(text, "STEP=FILE")
        except EditError as error:
            raise CommandError(f"--swap {text}: {error}", WRONG_USE) from error
        data = read(Path(file))
        hashes[file] = hashlib.sha256(data).hexdigest()
        inputs[hashes[file]] = (data, Path(file).name)
    return EditWords(arguments, inputs, hashes)


def _halves(text: str, form: str, *, last: bool = False) -> tuple[str, str]:
    """What stands before and behind the first =, or the last: ``residual_stream[layer=2]:17=0`` has several."""
    left, equals, right = text.rpartition("=") if last else text.partition("=")
    if not equals or not left.strip() or not right:
        raise EditError(f"this should be {form}.")
    return left.strip(), right


def _timed(text: str) -> tuple[str, int, int]:
    """What stands before @STEPS, and the first and the last step."""
    what, _, steps = text.partition("@")
    if not steps:
        return what, 0, TO_THE_END
    first, dash, last = steps.partition("-")
    begin = _number(first)
    return what, begin, (_number(last) if last.strip() else TO_THE_END) if dash else begin


def _number(text: str) -> int:
    if not text.strip().isdecimal():
        raise EditError(f"“{text}” is not a number from 0.")
    return int(text)


def _decimal(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if math.isnan(number):
        raise EditError(f"“{text}” is not a number.")
    return number


def _channel_and_units(text: str) -> tuple[str, tuple[int, ...]]:
    channel, _, units = text.partition(":")
    return channel.strip().replace(" ", "_"), units_of(units)


def _of_units(text: str, make: Callable[..., Edit], number: str) -> Edit:
    """The edit that `make` makes of units and a number, which it takes by this name."""
    what, first, last = _timed(text)
    place, value = _halves(what, f"CHANNEL:UNITS={number.upper()}[@STEPS]", last=True)
    channel, units = _channel_and_units(place)
    return _checked(make(channel=channel, units=units, first=first, last=last, **{number: _decimal(value)}))


def _force(text: str, description: ModelDescription) -> Edit:
    step, word = _halves(text, "STEP=WORD")
    token, first = token_of(word, description), _number(step)
    return ForceToken(first=first, last=first, token=token, word=description.words[token])


def _zero(text: str) -> Edit:
    what, first, last = _timed(text)
    channel, units = _channel_and_units(what)
    return ClampUnits(channel=channel, units=units, value=0.0, first=first, last=last)


def _gate(text: str) -> Edit:
    what, first, last = _timed(text)
    gate, state = _halves(what, "GATE=off|open[@STEPS]")
    if state not in GATE_VALUES:
        raise EditError(f"a gate is off or open, not “{state}”.")
    return ClampUnits(channel=gate.replace(" ", "_"), value=GATE_VALUES[state], first=first, last=last)


def _heads_off(text: str) -> Edit:
    what, first, last = _timed(text)
    channel, _, rest = what.partition(":")
    layer, colon, heads = rest.partition(":")
    if not colon:
        raise EditError("this should be CHANNEL:LAYER:HEADS[@STEPS].")
    return SwitchHeadsOff(channel=channel.strip().replace(" ", "_"), layer=_number(layer), heads=units_of(heads), first=first,
                          last=last)


def _mask(text: str, channels: Sequence[Channel]) -> Edit:
    what, first, last = _timed(text)
    channel = attention_of(channels)
    numbers = [_decimal(number) for number in what.split(",")]
    if channel is None:
        places: tuple[int, ...] = (0,)  # what is wrong is said by the check
    elif channel.axes == ("row", "column"):
        if len(numbers) != 4:
            raise EditError("a region is X0,Y0,X1,Y1, as fractions from 0 to 1.")
        region = (numbers[0], numbers[1], numbers[2], numbers[3])
        places = places_in(region, (channel.shape[0], channel.shape[1]))
    else:
        places = tuple(_number(number) for number in what.split(","))
    return MaskAttention(places=places, first=first, last=last)


def _attention(text: str, channels: Sequence[Channel]) -> Edit:
    what, first, last = _timed(text)
    if what.strip() in ("even", "uniform"):
        return UniformAttention(first=first, last=last)
    channel = attention_of(channels)
    weights = [0.0] * (channel.size if channel is not None else 1)
    for part in what.split(","):
        place, weight = _halves(part, "even, or PLACE=WEIGHT,…")
        if channel is not None and _number(place) >= channel.size:
            raise EditError(f"there is no place {place}: attention has {channel.size:,}, counted from 0.")
        weights[min(_number(place), len(weights) - 1)] = _decimal(weight)
    return _checked(SetAttention(weights=tuple(weights), first=first, last=last))


def _checked(edit: Edit) -> Edit:
    """The same edit; numbers that no edit can have are refused with msgspec's words."""
    try:
        checked: Edit = msgspec.convert(msgspec.to_builtins(edit), type=Edit)
    except msgspec.ValidationError as error:
        sentence = "a number is out of range: values lie between −1e30 and 1e30, weights and deviations from 0 on."
        raise EditError(sentence) from error
    return checked
