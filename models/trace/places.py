"""What the places that attention looks at are called, where they are words."""

from unrolled.models.trace.detokenization import WORD_BEGINS
from unrolled.models.trace.trace import Trace

START = "START"


def first_read(trace: Trace) -> str:
    """What the first step read: a text's own first word, or START; of pieces one that begins a word, as the first of all does."""
    source, begins = trace.provenance.source, WORD_BEGINS if trace.provenance.detokenization == "pieces" else ""
    return begins + (source[0] if source and trace.provenance.input_kind == "text" else START).removeprefix(begins)


def place_words(trace: Trace, axes: tuple[str, ...]) -> tuple[str, ...]:
    """As they were written: of ``source`` the words that were read, of ``key`` those that the steps so far have read, the first
    of them a text's own or START. Empty where the places are no words.
    """
    source = tuple(trace.provenance.source)
    if axes == ("source",):
        return source
    if axes == ("key",) and not trace.provenance.words_chosen:  # each step's own word was read with it
        return tuple(trace.words)
    if axes == ("key",):
        return (first_read(trace), *trace.words[:-1]) if len(trace) else ()
    return ()
