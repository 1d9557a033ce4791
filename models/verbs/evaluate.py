"""`unrolled evaluate`: a model's figures on data with the truth beside it."""

import argparse
import json
import time
from contextlib import closing
from functools import partial

from unrolled.models.adapters.registry import opened
from unrolled.models.evaluation.request import EvaluationRequest
from unrolled.models.trace.names import printable
from unrolled.models.verbs.progress import Bar


def evaluate(arguments: argparse.Namespace) -> int:
    if arguments.beam is not None and arguments.beam < 1:
        raise ValueError("A beam is at least 1 wide.")
    adapter, stepper = opened(arguments.model, device=arguments.device)
    if adapter.evaluate is None:
        raise ValueError(f"Nothing here judges models of the family {adapter.family}.")
    started = time.perf_counter()
    with closing(Bar()) as bar:
        bar.show(stepper.description.task, 0, 0)  # of how many is said with the first
        given = {name: value for name in ("data", "split", "beam", "length_penalty", "limit", "compare")
                 if (value := getattr(arguments, name)) is not None}
        found = adapter.evaluate(stepper, EvaluationRequest(**given, say=partial(bar.show, stepper.description.task)))
    seconds = time.perf_counter() - started
    if arguments.json:
        beam = {} if found.beam is None else {"beam": found.beam}
        print(json.dumps({"model": stepper.description.name, "data": found.data, "split": found.split, "count": found.count,
                          **beam, **found.more, "tokeniser": found.tokeniser, "device": str(stepper.device),
                          "seconds": round(seconds, 2), "metrics": found.metrics}))
        return 0
    split, searched = f" ({found.split})" if found.split else "", "" if found.beam is None else f", beam {found.beam}"
    print(f"{printable(stepper.description.name)} on {found.count} of {found.data}{split}{searched}, {seconds:.0f} s; "
          f"tokeniser: {found.tokeniser}")
    for name, value in found.metrics.items():
        print(f"  {name:<22} {value:9.3f}")
    return 0
