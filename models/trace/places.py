"""What the places that attention looks at are called, where they are words. It knows neither torch nor Qt."""

from __future__ import annotations

from unrolled.models.trace.trace import Trace

START = "START"


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
        first = source[0] if source and trace.provenance.input_kind == "text" else START
        return (first, *trace.words[:-1]) if len(trace) else ()
    return ()
