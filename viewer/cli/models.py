"""`unrolled models`: what can be opened."""

import argparse
import json

import msgspec

from unrolled.models.protocol.client import BackendClient
from unrolled.models.protocol.loading import Ready
from unrolled.models.trace.names import printable
from unrolled.viewer.cli.telling import SUCCESS
from unrolled.viewer.state.recent_models import recent_models


def add(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = verbs.add_parser("models", help="what can be opened")
    parser.add_argument("--json", action="store_true")
    parser.set_defaults(do=models)


def models(arguments: argparse.Namespace) -> int:
    """List the models that can be named: name, task, size, measured quality, where from; and what else can be opened."""
    with BackendClient() as client:
        ready = client.expect(Ready)
    if arguments.json:
        print(json.dumps([msgspec.to_builtins(listing) for listing in ready.models]))
        return SUCCESS

    def say(line: str) -> None:
        print(printable(line))  # titles are what cards say

    for listing in ready.models:
        say(f"{listing.name}  ·  {listing.title}")
        say(f"    task     {listing.task}")
        say(f"    size     {listing.size_bytes / 1e6:.1f} MB")
        say("    quality  " + (", ".join(f"{name} {value:g}" for name, value in listing.quality.items()) or "not measured"))
        say(f"    from     {listing.source}")
    for family in ready.families:
        if family.is_damaged:
            say(f"{family.name}  ·  cannot be used: {family.error}")
    recent = recent_models()
    if recent:
        say("Opened lately")
        for own in recent:
            say(f"    {own.title}\n        {own.model}")
    say("Opened by their path, or their name on the hub")
    for family in (own for own in ready.families if not own.is_damaged):
        say(f"    {family.name}{f'  ·  of {family.package}' if family.package else ''}"
              f"{f'  ·  cannot be used: {family.error}' if family.error else ''}")
    return SUCCESS
