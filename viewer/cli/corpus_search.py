"""`unrolled corpus search`: where units are on together, states are like others, or texts match."""

import argparse
import json
from collections.abc import Iterator, Sequence
from typing import Any

from unrolled.models.corpus.nearest import like_what, nearest_to
from unrolled.models.corpus.search import Hit, search, search_text
from unrolled.models.store.layout import is_searched
from unrolled.models.store.reading_ahead import ahead, at_once
from unrolled.models.store.store import Store, open_store
from unrolled.models.trace.detokenization import shown
from unrolled.models.trace.names import text_name
from unrolled.viewer.cli.telling import SUCCESS, WRONG_USE, CommandError, progress, tell
from unrolled.viewer.state.wording import counted

CONTEXT = 20  # steps before and after a hit that are shown
LONGEST = 200  # steps of a hit that are


def add_arguments(search: argparse.ArgumentParser) -> None:
    search.add_argument("--channel", default="", metavar="NAME", help="(default: the first that is kept by unit)")
    search.add_argument("--on", type=_numbers, default=(), metavar="12,40", help="units that are at least at the threshold")
    search.add_argument("--off", type=_numbers, default=(), metavar="7", help="units that are below it")
    search.add_argument("--threshold", type=float, default=0.5, metavar="T", help="(default: 0.5)")
    search.add_argument("--length", type=int, default=1, metavar="N", help="shorter spans are left out (default: 1)")
    search.add_argument("--like", default="", metavar="TRACE:120-140",
                        help="the states most like those of a trace's steps; 7:120-140 for document 7 of the store, which "
                             "corpus info --documents lists; all are counted from 0")
    search.add_argument("--metric", choices=("cosine", "euclid"), default="cosine", help="of --like (default: cosine)")
    search.add_argument("--exact", action="store_true", help="of --like: compare every state, also above ten million of them")
    search.add_argument("--text", default="", metavar="REGEX", help="where the documents' texts match")
    search.add_argument("--most", type=int, default=50, metavar="N", help="how many are given (default: 50)")


def channel_of(store: Store, name: str) -> str:
    """The channel of this name; without one the first that can be searched. Raises `CommandError`."""
    found = name or next((channel.name for channel in store.description.channels if is_searched(channel)), "")
    if not found:
        raise CommandError(f"“{text_name(store.title)}” keeps no channel by unit.")
    return found


def _numbers(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in text.split(",") if part.strip())
    except ValueError:
        raise argparse.ArgumentTypeError(f"“{text}” is not a list of units, such as 12,40") from None


def run(arguments: argparse.Namespace) -> int:
    asked = [bool(arguments.on or arguments.off), bool(arguments.like), bool(arguments.text)]
    if sum(asked) != 1:
        raise CommandError("Ask one thing: --on and --off, or --like, or --text.", WRONG_USE)
    if arguments.most < 1 or arguments.length < 1:
        raise CommandError("--most and --length are at least 1.", WRONG_USE)
    store = open_store(arguments.store)
    told = progress("Searching")
    if arguments.text:
        found = search_text(store, arguments.text, most=arguments.most, progress=told)
    elif arguments.like:
        channel = channel_of(store, arguments.channel)
        what = like_what(arguments.like)
        if what is None:
            raise CommandError("--like is written as TRACE:120-140 or 7:120-140, with steps counted from 0.", WRONG_USE)
        found = nearest_to(store, channel, what, metric=arguments.metric, most=arguments.most, exact=arguments.exact,
                           progress=told)
    else:
        found = search(store, channel_of(store, arguments.channel), on=arguments.on, off=arguments.off,
                       threshold=arguments.threshold, length=arguments.length, most=arguments.most, progress=told)
    if arguments.json:
        print(json.dumps({"store": arguments.store, "count": found.count, "steps": found.steps, "notes": found.notes,
                          "hits": list(_read(store, found.hits))}))
        return SUCCESS
    many = f"{found.count:,} nearest" if arguments.like else counted(found.count, "place")
    print(f"{many} among {counted(found.steps, 'step')}")
    for hit, line in zip(found.hits, place_lines(store, found.hits), strict=True):
        number = abs(hit.score) if arguments.metric == "euclid" else hit.score  # a distance
        score = f"{number:.4f}  " if arguments.like else ""
        print(f"  {score}{line}")
    tell(*found.notes)
    return SUCCESS


def place_lines(store: Store, hits: Sequence[Hit]) -> Iterator[str]:
    """Where each is, counted from 0, and the text there."""
    between = "" if store.description.has_characters else " "
    for one in _read(store, hits):
        steps = str(one["first"]) if one["first"] == one["last"] else f"{one['first']}-{one['last']}"
        before, words, after = (_readable(store, one[name]) for name in ("before", "words", "after"))
        yield f"{text_name(one['title'])}:{steps}  {before}{between}[{words}]{between}{after}"


def _read(store: Store, hits: Sequence[Hit]) -> Iterator[dict[str, Any]]:
    def read(hit: Hit) -> dict[str, Any]:
        run = store.run(hit.document)
        start, last = max(hit.first - CONTEXT, 0), min(hit.last, hit.first + LONGEST)
        words = run.words(start, last + 1 + CONTEXT)
        after = words[last + 1 - start :] if last == hit.last else run.words(hit.last + 1, hit.last + 1 + CONTEXT)
        return {"document": hit.document, "title": run.title, "first": hit.first, "last": hit.last, "score": hit.score,
                "before": words[: hit.first - start], "words": words[hit.first - start : last + 1 - start], "after": after}

    return (found() for found in ahead(read, hits, at_once(store.location)))


def _readable(store: Store, words: list[str]) -> str:
    kind = store.description.model.detokenization
    between = "" if store.description.has_characters else " "
    return between.join(word if word == " " else shown(word, kind) for word in words)
