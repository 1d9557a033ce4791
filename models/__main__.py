"""`python -m unrolled.models VERB`: the process that computes. Torch is imported by the verb that needs it."""

from __future__ import annotations

import argparse
import io
import json
import os
import sys
import traceback

import msgspec

from unrolled.models.trace.names import printable
from unrolled.models.verbs.arguments import parser


def _devices(arguments: argparse.Namespace) -> int:
    from unrolled.models.backend.devices import devices

    found = devices()
    if arguments.json:
        print(json.dumps([{"name": device.name, "title": device.title} for device in found]))
    else:
        for device in found:
            print(f"{device.name:<8} {device.title}")
    return 0


def _families(arguments: argparse.Namespace) -> int:
    from unrolled.models.adapters.registry import families

    found = families()
    if arguments.json:
        print(json.dumps([msgspec.to_builtins(family) for family in found]))
    else:
        for family in found:
            package, error = f" (of {family.package})" if family.package else "", f": {family.error}" if family.error else ""
            print(f"{family.name}{package}{error}")
    return 0


def main(words: list[str] | None = None) -> int:
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # what the terminal has no sign for costs that sign alone
    arguments = parser().parse_args(words)
    try:
        if arguments.verb in ("backend", "serve"):
            from unrolled.models.verbs.serve import serve

            return serve(arguments)
        if arguments.verb == "devices":
            return _devices(arguments)
        if arguments.verb == "families":
            return _families(arguments)
        if arguments.verb == "train":
            from unrolled.models.verbs.train import train

            return train(arguments)
        if arguments.verb == "evaluate":
            from unrolled.models.verbs.evaluate import evaluate

            return evaluate(arguments)
        if arguments.verb == "corpus":
            if arguments.ray:
                from unrolled.models.corpus.addresses import check_address

                check_address(arguments.ray)
            from unrolled.models.verbs.corpus import trace

            return trace(arguments)
        from unrolled.models.verbs.bench import bench

        return bench(arguments)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # whoever read has read enough
        return 0
    except KeyboardInterrupt:
        print("Interrupted.", file=sys.stderr)
        return 130
    except Exception as error:
        if arguments.debug:
            traceback.print_exc()
        reason = str(error).strip() or type(error).__name__
        print(f"unrolled: {printable(reason.splitlines()[0])}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
