"""Numbers and words for people: how a value, an equation, a token and a step are written on screen. It knows no Qt."""

import math
from collections.abc import Callable, Sequence
from itertools import islice

from unrolled.models.inputs.inputs import Input
from unrolled.models.inputs.kinds import kind_named
from unrolled.models.protocol.questions import Equation
from unrolled.models.trace import STEP_CONVENTION, Channel, ModelDescription, Provenance, Trace
from unrolled.models.trace.detokenization import shown as sign
from unrolled.models.trace.detokenization import text_of
from unrolled.models.trace.names import text_name
from unrolled.models.trace.numbers import MINUS

SHOWN_CHARACTERS, LOOKED_AT = 44, 400  # of what was written, and the words they are taken from
END_TEXT = "END"
UNKNOWN_SIGN, END_SIGN = "\N{REPLACEMENT CHARACTER}", "␄"
LABELS = ("labels", "last label")  # what detokenizations of classifiers are called: their answers may last for many steps
NOUNS = {"words": "word", "pieces": "piece", "continued pieces": "piece", "characters": "character", "labels": "label",
         "last label": "label"}

# ── Numbers ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def percent(probability: float) -> str:
    """A probability in at most six characters, never rounded to certainty: ``"62%"``, ``"3.1%"``, ``"<0.1%"``, ``">99.9%"``."""
    if not math.isfinite(probability):
        return "–"
    if probability < 0.0005:
        return "<0.1%"
    if 0.9995 <= probability < 1.0:
        return ">99.9%"
    return f"{probability * 100:.{0 if 0.0995 <= probability < 0.995 or probability >= 1.0 else 1}f}%"


def spoken_percent(probability: float) -> str:
    """The same for a screen reader."""
    return percent(probability).replace("%", " percent").replace("<", "below ").replace(">", "over ")


def weight_percent(weight: float) -> str:
    """A share that may be far below one percent, to two or three figures: ``"0.51%"``, ``"4.1%"``."""
    if not math.isfinite(weight):
        return "–"
    hundredths = weight * 100
    return f"{hundredths:.{0 if hundredths >= 99.5 else 1 if hundredths >= 0.995 else 2}f}%"


def counted(number: int, noun: str, plural: str = "") -> str:
    """A number with its noun: ``"1 step"``, ``"1,024 steps"``."""
    return f"{number:,} {noun if number == 1 else plural or f'{noun}s'}"


def few(sentences: Sequence[str], most: int = 3) -> tuple[str, ...]:
    """The first of them, and how many more there are."""
    return (*sentences[:most], *((f"… and {len(sentences) - most:,} more.",) if len(sentences) > most else ()))


def finite(text: str) -> float | None:
    """The number that a person typed, with a true minus sign or not; None for anything else."""
    try:
        value = float(text.strip().replace(MINUS, "-"))
    except ValueError:
        return None
    return value if math.isfinite(value) else None


# ── Equations ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def right_sides(equation: Equation, symbol: Callable[[str], str], number: Callable[[float], str], *, dot: str = " · ",
                function: str | None = None) -> tuple[str, str]:
    """What an equation's value is equal to, in symbols and in numbers; `function` stands in place of its own name for it."""
    name = equation.function if function is None else function

    def side(factors: list[str], parts: list[str]) -> str:
        inner = " + ".join(parts)
        return dot.join((*factors, f"{name}({inner})" if name else inner))

    return (side([symbol(factor) for factor, _ in equation.outside], [symbol(part.symbol) for part in equation.parts]),
            side([number(value) for _, value in equation.outside], [number(part.value) for part in equation.parts]))


# ── Tokens and steps ──────────────────────────────────────────────────────────────────────────────────────────────────


def is_end(word: str) -> bool:
    """Whether a word is the END token's: a mark such as ``<end>`` or ``</s>``, no word of a language."""
    return word == "</s>" or (word[:1] in ("<", "[") and word.strip("</>[]").lower() in ("end", "eos"))


def sign_of(character: str) -> str:
    """A character as it stands in a text: what the model does not know, what cannot be printed, and its END, as one sign."""
    if len(character) == 1:
        return character if character.isprintable() or character in "\n\t" else UNKNOWN_SIGN
    return UNKNOWN_SIGN if "unk" in character else END_SIGN


def shown(word: str, detokenization: str = "words") -> str:
    """The word as people know it, or END for the END token; see `unrolled.models.trace.detokenization.shown`."""
    return END_TEXT if is_end(word) else sign(word, detokenization)


def step_noun(provenance: Provenance | ModelDescription) -> str:
    """What one step brings: a word, a piece, a character, a frame."""
    noun = kind_named(provenance.input_kind).step_noun
    return NOUNS.get(provenance.detokenization, noun) if noun in NOUNS.values() else noun


def channel_title(channel: Channel) -> str:
    """Its title, with the layer where there are several."""
    return channel.title if channel.layer == 0 or "layer" in channel.title else f"{channel.title} · layer {channel.layer + 1}"


def place_name(place: int, channel: Channel | None) -> str:
    """A place that attention weighs, counted from 1: by row and column where it is one of a picture."""
    return f"place {place + 1}" if channel is None else channel.place(place)


def what_a_step_is(provenance: Provenance) -> str:
    """A run's convention, in the words of a person who counts from 1."""
    what, _, _ = (provenance.convention or STEP_CONVENTION).partition(". ")
    plain = what.rstrip(".").replace("token", step_noun(provenance)).replace(" - ", f" {MINUS} ")
    return f"{plain}.\nSteps, layers and heads are counted from 1 here, and from 0 in files and on the command line."


def title_of(trace: Trace, given: Input | None) -> str:
    """A run's input, what was written, and by which model, on one line."""
    provenance = trace.provenance
    words = (word for word in islice(trace.words, LOOKED_AT) if not is_end(word))
    text = " ".join(text_of(words, provenance.detokenization).split())
    short = text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS - 1].rstrip()}…"
    return text_name(f"{given.name if given is not None else provenance.input_name}: “{short}” ({provenance.model})")
