"""`unrolled corpus units`: what each unit does over all documents."""

import argparse
import json

from unrolled.models.corpus.units import UnitsFound, UnitStatistics, property_named, unit_statistics
from unrolled.models.store.store import open_store
from unrolled.viewer.cli.corpus_search import channel_of
from unrolled.viewer.cli.telling import SUCCESS, progress, tell

SHOWN = 20


def add_arguments(units: argparse.ArgumentParser) -> None:
    units.add_argument("--channel", default="", metavar="NAME", help="(default: the first that is kept by unit)")
    units.add_argument("--unit", type=int, action="append", default=[], metavar="N", help="which (default: all)")
    units.add_argument("--property", default="", metavar="NAME",
                       help="of the text, such as inside-string: how closely each unit follows it")


def run(arguments: argparse.Namespace) -> int:
    store = open_store(arguments.store)
    follows = property_named(arguments.property) if arguments.property else ""
    found = unit_statistics(store, channel_of(store, arguments.channel), units=tuple(arguments.unit), follows=follows,
                            progress=progress("Going through all units"))
    if arguments.json:
        print(json.dumps({"store": arguments.store, "steps": found.steps, "property": follows or None, "notes": found.notes,
                          "units": [_as_json(one) for one in found.units]}))
        return SUCCESS
    _print(found, follows)
    tell(*found.notes)
    return SUCCESS


def _as_json(one: UnitStatistics) -> dict[str, object]:
    return {"unit": one.unit, "histogram": one.histogram.tolist(), "mean": one.mean, "deviation": one.deviation,
            "greatest": [place._asdict() for place in one.greatest], "least": [place._asdict() for place in one.least],
            "steps_above": one.above, "steps_below": one.below, "correlation": _number(one.correlation),
            "area": _number(one.area)}


def _print(found: UnitsFound, follows: str) -> None:
    order = f"those that follow “{follows}” most closely first" if follows else "those that keep a value longest first"
    print(f"{len(found.units)} units over {found.steps:,} steps, {order}")
    head = f"{'unit':>6} {'mean':>8} {'deviation':>9} {'above':>8} {'below':>8}"
    print(head + (f" {'follows':>8} {'area':>6}" if follows else ""))
    for one in sorted(found.units, key=lambda one: -abs(one.correlation) if follows else -max(one.above, one.below))[:SHOWN]:
        line = f"{one.unit:>6} {one.mean:>8.3f} {one.deviation:>9.3f} {one.above:>8.1f} {one.below:>8.1f}"
        print(line + (f" {one.correlation:>8.3f} {one.area:>6.3f}" if follows else ""))


def _number(value: float) -> float | None:
    return value if value == value else None


