"""`unrolled caption PHOTO…`: a caption a line."""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

from unrolled.models.protocol.client import BackendError
from unrolled.models.trace.pictures import PictureError
from unrolled.viewer.cli.failure import FAILURE, SUCCESS, CommandError
from unrolled.viewer.cli.running import (
    add_decoding_arguments,
    add_model_arguments,
    backend,
    caption_of,
    decoding_of,
    read_input,
    run_trace,
)


def add(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """The verb's words."""
    parser = verbs.add_parser("caption", help="caption photographs, a line each")
    parser.add_argument("photos", nargs="+", type=Path, metavar="PHOTO")
    add_model_arguments(parser)
    add_decoding_arguments(parser)
    parser.add_argument("--json", action="store_true", help="an object a line: file, caption, tokens, logprobs, …")
    parser.set_defaults(do=caption)


def caption(arguments: argparse.Namespace) -> int:
    """Caption each photograph; those that cannot be read are said on standard error, and the others go on."""
    decoding = decoding_of(arguments)
    inputs: list[tuple[Path, bytes]] = []
    status = SUCCESS
    for path in arguments.photos:
        try:
            inputs.append((path, read_input(path)))
        except PictureError as error:
            print(f"unrolled: {error}", file=sys.stderr)
            status = FAILURE
    if not inputs:
        return status
    try:
        with backend(arguments) as (client, loaded):
            description = loaded.description
            end_word = description.words[description.end_token]
            for run, (path, data) in enumerate(inputs):
                started = time.perf_counter()
                trace = run_trace(client, loaded, run=run, path=path, data=data, decoding=decoding)
                text = caption_of(trace, end_word)
                if arguments.json:
                    print(json.dumps({
                        "file": str(path), "caption": text, "tokens": list(trace.words),
                        "logprobs": [float(value) for value in trace.log_probs], "model": description.name,
                        "device": loaded.device, "seconds": round(time.perf_counter() - started, 4)}), flush=True)
                else:
                    print(text if len(arguments.photos) == 1 else f"{path}: {text}", flush=True)
    except BackendError as error:
        raise CommandError(str(error)) from error
    return status
