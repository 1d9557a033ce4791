"""`unrolled train`: a training with progress in the terminal."""

import argparse
from contextlib import closing
from typing import Any

import torch

from unrolled.models.adapters.devices import pick
from unrolled.models.adapters.registry import recipes
from unrolled.models.trace.names import printable
from unrolled.models.training.recipe import TrainingRequest
from unrolled.models.verbs.progress import Bar

NO_OPTIONS = ("verb", "debug", "model", "data", "output", "cache", "device", "option", "threads")


def train(arguments: argparse.Namespace) -> int:
    output = arguments.output
    if output.suffix != ".safetensors":
        raise ValueError(f"A checkpoint's name ends in .safetensors, and “{output.name}” does not.")
    if not output.parent.is_dir():
        raise ValueError(f"There is no folder “{output.parent}” to write the checkpoint to.")
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    known = recipes()
    if arguments.model not in known:
        raise ValueError(f"There is no recipe for “{arguments.model}”; there are {', '.join(known)}.")
    request = TrainingRequest(model=arguments.model, data=arguments.data, output=output,
                              cache=arguments.cache or output.parent / "features", device=pick(arguments.device))
    training = known[arguments.model].training(request, _changes(arguments))
    with closing(Bar()) as bar:
        for report in training:
            bar.show(report.phase, report.update, report.updates,
                     unit=" photographs" if report.phase == "encoding" else " updates")
            if report.means:
                bar.tell(report.means)
    print(printable(str(output)))
    return 0


def _changes(arguments: argparse.Namespace) -> dict[str, Any]:
    """The options that were given: those with a flag of their own, and ``--option NAME=VALUE``."""
    changes = {name: value for name, value in vars(arguments).items() if name not in NO_OPTIONS and value is not None}
    for given in arguments.option:
        name, equals, value = given.partition("=")
        if not equals:
            raise ValueError(f"“{given}” is not of the form NAME=VALUE.")
        changes[name.strip().replace("-", "_")] = value.strip()
    return changes
