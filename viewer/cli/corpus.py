"""`unrolled corpus …`: a model run over many documents, and what is asked of the store that comes of it."""

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from unrolled.models.corpus.exporting import export
from unrolled.models.store.layout import StoreError
from unrolled.models.store.store import open_store
from unrolled.models.store.verifying import verify
from unrolled.models.trace.names import printable, text_name
from unrolled.viewer.cli import corpus_search, corpus_units
from unrolled.viewer.cli.telling import FAILURE, SUCCESS, progress, tell
from unrolled.viewer.state.wording import counted


def add(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    corpus = verbs.add_parser("corpus", help="a model run over many documents, into a store that is searched")
    actions = corpus.add_subparsers(title="what to do", metavar="ACTION", required=True)
    actions.add_parser("trace", help="trace a folder or a list; see unrolled corpus trace --help")
    info = _action(actions, "info", "what a store holds", _info)
    info.add_argument("--documents", action="store_true", help="list them")
    _action(actions, "verify", "read every checksum", _verify)
    exported = _action(actions, "export", "write it to a file that other programs read", _export)
    exported.add_argument("-o", "--output", type=Path, required=True, metavar="OUT", help="a file ending in .parquet or .npz")
    exported.add_argument("--document", type=int, action="append", default=[], metavar="N", help="which (default: all)")
    exported.add_argument("--channels", type=_names, default=(), metavar="hidden,…", help="which (default: all)")
    search = _action(actions, "search", "where units are on together, states are like others, or texts match", corpus_search.run)
    corpus_search.add_arguments(search)
    corpus_units.add_arguments(_action(actions, "units", "what each unit does over all documents", corpus_units.run))


def _action(actions: Any, name: str, explained: str, do: Callable[[argparse.Namespace], int]) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = actions.add_parser(name, help=explained)
    parser.add_argument("store", metavar="STORE", help="a folder, or an address such as s3://bucket/name")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--debug", action="store_true", default=argparse.SUPPRESS, help="show the traceback of a failure")
    parser.set_defaults(do=do)
    return parser


def _names(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _info(arguments: argparse.Namespace) -> int:
    store = open_store(arguments.store)
    description = store.description
    rows = [store.documents[number] for number in range(len(store.documents))] if arguments.documents else []
    problems = [*store.problems, *store.documents.problems]
    there = sum(stop - start for start, stop in store.spans())
    steps = int(store.documents.room.sum()) if description.filled else None
    if arguments.json:
        print(json.dumps({
            "store": arguments.store, "model": description.model.name, "weights_hash": description.model.weights_hash,
            "documents": len(store.documents), "steps": steps, "places": description.steps, "places_there": there,
            "parts": description.parts, "parts_there": int(store.written.sum()), "shard": description.shard,
            "dtype": description.dtype, "decoding": description.decoding, "source": description.source,
            "created": description.created, "problems": problems,
            "channels": [{"name": channel.name, "axes": channel.axes, "shape": channel.shape, "low": channel.low,
                          "high": channel.high} for channel in description.channels],
            **({"list": [row._asdict() for row in rows]} if arguments.documents else {})}))
        return SUCCESS
    print(f"{text_name(store.title)}: {counted(len(store.documents), 'document')}, {description.decoding} by "
          f"{text_name(description.model.name)}")
    print(f"  steps     {steps:,}" if steps is not None else f"  places    {description.steps:,}, of which captions fill a part")
    print(f"  channels  {', '.join(f'{own.name} {own.shape}' for own in description.channels)}, as {description.dtype}")
    print(f"  parts     {int(store.written.sum()):,} of {description.parts:,} are there, {description.shard:,} steps a shard")
    print(f"  from      {text_name(description.source)}, {description.created}")
    for row in rows:
        print(f"{row.number:>8}  {row.steps:>10,}  {text_name(row.title)}{'' if row.is_there else '  (not there yet)'}")
    tell(*problems)
    return SUCCESS


def _verify(arguments: argparse.Namespace) -> int:
    try:
        store = open_store(arguments.store)
    except StoreError as error:
        if not arguments.json:
            raise
        print(json.dumps({"store": arguments.store, "problems": [str(error)], "parts_not_there": None}))
        return FAILURE
    found = []
    for sentence in verify(store, progress=progress("Reading checksums")):
        found.append(sentence)
        if not arguments.json:
            print(printable(sentence))
    missing = store.description.parts - int(store.written.sum())
    if arguments.json:
        print(json.dumps({"store": arguments.store, "problems": found, "parts_not_there": missing}))
    elif not found:
        rest = f" {counted(missing, 'part')} {'is' if missing == 1 else 'are'} not there yet." if missing else ""
        print(f"Every checksum is right.{rest}")
    return FAILURE if found else SUCCESS


def _export(arguments: argparse.Namespace) -> int:
    store = open_store(arguments.store)
    steps, documents = export(store, arguments.output, documents=arguments.document, channels=arguments.channels,
                              progress=progress("Writing"))
    tell(*store.documents.problems)
    if arguments.json:
        print(json.dumps({"file": str(arguments.output), "steps": steps, "documents": documents}))
    else:
        print(f"{printable(str(arguments.output))}: {counted(steps, 'step')} of {counted(documents, 'document')}")
    return SUCCESS
