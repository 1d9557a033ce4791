"""`unrolled corpus units`: what each unit does over all documents."""

import argparse
import json

import numpy as np

from unrolled.models.corpus.search import Hit
from unrolled.models.corpus.units import Counts, Follows, UnitsFound, UnitStatistics, property_named, unit_statistics
from unrolled.models.store.store import Store, open_store
from unrolled.models.trace.names import text_name
from unrolled.viewer.cli.corpus_search import channel_of, place_lines
from unrolled.viewer.cli.telling import SUCCESS, progress, tell
from unrolled.viewer.state.wording import counted

SHOWN = 20
BARS = 15  # of a histogram
NO_PROPERTY = Follows(float("nan"), float("nan"))
HEIGHTS = " ▁▂▃▄▅▆▇█"


def add_arguments(units: argparse.ArgumentParser) -> None:
    units.add_argument("--channel", default="", metavar="NAME", help="(default: the first that is kept by unit)")
    units.add_argument("--unit", type=int, action="append", default=[], metavar="N", help="which (default: all)")
    units.add_argument("--property", default="", metavar="NAME",
                       help="of the text, such as inside-string: how closely each unit follows it")


def run(arguments: argparse.Namespace) -> int:
    store = open_store(arguments.store)
    follows = property_named(arguments.property) if arguments.property else ""
    found = unit_statistics(store, channel_of(store, arguments.channel), units=tuple(arguments.unit),
                            properties=(follows,) if follows else (),
                            progress=progress("Going through all units"))
    if arguments.json:
        print(json.dumps({"store": arguments.store, "steps": found.steps, "property": follows or None, "notes": found.notes,
                          "units": [_as_json(one, follows) for one in found.units]}))
        return SUCCESS
    _print(store, found, follows, are_named=bool(arguments.unit))
    tell(*found.notes)
    return SUCCESS


def _as_json(one: UnitStatistics, follows: str) -> dict[str, object]:
    own = one.follows.get(follows, NO_PROPERTY)
    return {"unit": one.unit, "histogram": one.histogram.tolist(), "mean": one.mean, "deviation": one.deviation,
            "greatest": [place._asdict() for place in one.greatest], "least": [place._asdict() for place in one.least],
            "steps_above": one.above, "steps_below": one.below, "correlation": _number(own.correlation),
            "area": _number(own.area)}


def _print(store: Store, found: UnitsFound, follows: str, *, are_named: bool) -> None:
    order = f"those that follow “{follows}” most closely first" if follows else "those that keep a value longest first"
    print(f"{counted(len(found.units), 'unit')} over {counted(found.steps, 'step')}, {order}; above, below: "
          "for how many each stays on either side of its range’s middle")
    head = f"{'unit':>6} {'mean':>8} {'deviation':>9} {'above':>8} {'below':>8}"
    print(head + (f" {'follows':>8} {'area':>6}" if follows else "") + f"  {'histogram':<{BARS}}  greatest, least")
    every = sorted(found.units, key=lambda one: -abs(one.follows[follows].correlation) if follows else -max(one.above, one.below))
    for one in every[: len(every) if are_named else SHOWN]:
        line = f"{one.unit:>6} {one.mean:>8.3f} {one.deviation:>9.3f} {one.above:>8.1f} {one.below:>8.1f}"
        line += f" {one.follows[follows].correlation:>8.3f} {one.follows[follows].area:>6.3f}" if follows else ""
        ends = (f"{text_name(store.documents[place.document].title)}:{place.step}"
                for place in (*one.greatest[:1], *one.least[:1]))
        print(f"{line}  {_bars(one.histogram)}  {', '.join(ends)}")
        for name, places in (("greatest", one.greatest), ("least", one.least)) if are_named else ():
            lines = place_lines(store, [Hit(place.document, place.step, place.step, place.value) for place in places])
            for place, line in zip(places, lines, strict=True):
                print(f"  {name:>8} {place.value:>7.3f}  {line}")
    if not are_named and len(every) > SHOWN:
        print(f"The first {SHOWN} are listed; --unit N shows one with its places, --json all of them.")


def _bars(histogram: Counts) -> str:
    """From the least value of its range to the greatest; a bar for each fifteenth."""
    counts = histogram.reshape(BARS, -1).sum(axis=1)
    heights = np.ceil(counts / max(counts.max(), 1) * (len(HEIGHTS) - 1)).astype(int)
    return "".join(HEIGHTS[height] for height in heights)


def _number(value: float) -> float | None:
    return value if value == value else None
