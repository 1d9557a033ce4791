"""`python -m unrolled.models VERB`: the process that computes. Torch is imported by the verb that needs it."""

import argparse
import json
import os
import sys
import tempfile
import traceback
from collections.abc import Callable
from pathlib import Path
from pkgutil import resolve_name

import msgspec

from unrolled.models.runs.errors import out_of_memory
from unrolled.models.trace.names import printable
from unrolled.models.trace.streams import INTERRUPTED, ending_at_once, printing, tell_doing, tell_errors
from unrolled.models.verbs.arguments import parser


def _devices(arguments: argparse.Namespace) -> int:
    from unrolled.models.adapters.devices import devices

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


def _do_without_temporary_folder() -> None:
    """Torch's compiler, which torchvision imports and nothing here uses, wants a folder as soon as it is imported."""
    try:
        tempfile.gettempdir()
    except FileNotFoundError:
        os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", str(Path(__file__).parent))  # one that is there; nothing is put into it


Act = Callable[[argparse.Namespace], int]
ACTS: dict[str, Act] = {"devices": _devices, "families": _families}
IMPORTED = {"backend": "serve:serve", "serve": "serve:serve", "train": "train:train", "evaluate": "evaluate:evaluate",
            "corpus": "corpus:trace", "bench": "bench:bench"}


def _verb(arguments: argparse.Namespace) -> Act:
    """What does it, and all that it imports."""
    if arguments.verb == "corpus":
        if arguments.ray:
            from unrolled.models.corpus.crew import check_address

            check_address(arguments.ray)
        tell_doing("Loading")
    return ACTS.get(arguments.verb) or resolve_name(f"unrolled.models.verbs.{IMPORTED[arguments.verb]}")


def main(words: list[str] | None = None) -> int:
    return printing(lambda: _act(words))


def _act(words: list[str] | None) -> int:
    arguments = parser().parse_args(words)
    _do_without_temporary_folder()
    try:
        with ending_at_once():
            act = _verb(arguments)
        return act(arguments)
    except BrokenPipeError:
        raise
    except KeyboardInterrupt:
        tell_errors("Interrupted.")
        return INTERRUPTED
    except Exception as error:
        if arguments.debug:
            traceback.print_exc()
        reason = out_of_memory(error) or str(error).strip() or type(error).__name__
        tell_errors(f"unrolled: {printable(reason.splitlines()[0])}")
        return 1


if __name__ == "__main__":
    sys.exit(main())
