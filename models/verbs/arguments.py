"""The words of the command line of `python -m unrolled.models`. Importing it imports no torch."""

import argparse
from pathlib import Path

from unrolled.models.trace.names import PlainParser


def parser() -> argparse.ArgumentParser:
    top = PlainParser(prog="unrolled", description="The part of Unrolled that computes.")
    verbs = top.add_subparsers(dest="verb", required=True)
    verbs.add_parser("backend", help="serve the one window that started this process").set_defaults(
        host="127.0.0.1", port=0, once=True, json=True)
    serve = verbs.add_parser("serve", help="serve windows on other machines; prints the line to paste there")
    serve.add_argument("--port", type=_port, default=0, help="0, the default, takes a free one")
    serve.add_argument("--host", default="127.0.0.1", help="where to listen (default: this machine alone, which ssh reaches)")
    serve.add_argument("--once", action="store_true", help="leave with the first window")
    serve.add_argument("--json", action="store_true", help="print where it listens as JSON, for a program")
    _train(verbs.add_parser("train", help="train a model; the same command again goes on where it was interrupted"))
    _evaluate(verbs.add_parser("evaluate", help="judge a model by its task's own metrics"))
    _corpus(verbs.add_parser("corpus", help="a model run over many documents"))
    bench = verbs.add_parser("bench", help="the figures that need torch")
    bench.add_argument("--json", action="store_true")
    bench.add_argument("--corpus", action="store_true", help="those of tracing many documents alone")
    devices = verbs.add_parser("devices", help="what a model can run on")
    devices.add_argument("--json", action="store_true")
    families = verbs.add_parser("families", help="whose checkpoints can be opened, of other packages too")
    families.add_argument("--json", action="store_true")
    for verb in verbs.choices.values():
        verb.add_argument("--debug", action="store_true", help="show the traceback of a failure")
    return top


def _port(text: str) -> int:
    if not (text.isdigit() and int(text) < 65536):
        raise argparse.ArgumentTypeError(f"“{text}” is not a port; write a number up to 65535, or 0 for a free one")
    return int(text)


def _workers(text: str) -> int:
    if not text.isdigit():
        raise argparse.ArgumentTypeError(f"“{text}” is not a number of workers")
    return int(text)


def _train(train: argparse.ArgumentParser) -> None:
    train.add_argument("model", metavar="MODEL", help="the name of a shipped model, or of one that another package brings; see "
                                                       "unrolled models")
    train.add_argument("--data", type=Path, metavar="DIR",
                       help="captions: a folder with Flickr8k, in either layout; translation: one with Multi30k; characters: "
                            "one with any texts, or stdlib for Python's standard library; what is drawn by code needs none")
    train.add_argument("-o", "--output", type=Path, required=True, metavar="CHECKPOINT", help="a .safetensors file")
    train.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:1, mps, xpu (default: auto)")
    train.add_argument("--cache", type=Path, help="where encoded photographs are kept (default: beside the checkpoint)")
    train.add_argument("--threads", type=int, help="of the CPU")
    options = train.add_argument_group("how it is trained (the defaults made the shipped model)")
    options.add_argument("--option", action="append", default=[], metavar="NAME=VALUE",
                         help="any option of the model's training; a wrong name is answered with those that there are")
    options.add_argument("--updates", type=int, help="batches, for all but the captioners")
    options.add_argument("--encoder", help="efficientnet_lite0_224, …_lite0_320, …_lite2_320, resnet50_320, resnet101_320")
    options.add_argument("--epochs", type=int, help="passes over the captions, for the captioners")
    options.add_argument("--reward-epochs", type=float, help="passes of self-critical training afterwards; 0 for none")
    options.add_argument("--pictures-per-batch", type=int)
    options.add_argument("--learning-rate", type=float)
    options.add_argument("--reward-learning-rate", type=float)
    options.add_argument("--hidden", type=int, help="units of the state")
    options.add_argument("--embedding", type=int, help="length of a word's or a character's vector")
    options.add_argument("--attention", type=int, help="units of the attention's hidden layer")
    options.add_argument("--words-at-least", type=int, help="how often a word must be seen to be known")
    options.add_argument("--no-flips", dest="flips", action="store_const", const=False, help="no mirrored photographs")
    options.add_argument("--seed", type=int)


def _corpus(corpus: argparse.ArgumentParser) -> None:
    trace = corpus.add_subparsers(dest="action", required=True).add_parser(
        "trace", prog="unrolled corpus trace", help="into a store; the same call again goes on where it was interrupted")
    trace.add_argument("corpus", type=Path, metavar="FOLDER-or-LIST", help="a folder of documents, or a text with a path a line")
    trace.add_argument("-o", "--output", required=True, metavar="STORE", help="a folder, or an address such as s3://bucket/name")
    trace.add_argument("--model", default="", help="a name or a checkpoint (default: chars-lstm; for a folder of photographs "
                                                   "caption-attend-lstm)")
    trace.add_argument("--channels", default="", metavar="hidden,cell,…", help="what is kept (default: the hidden state)")
    trace.add_argument("--dtype", default="uint8", choices=("uint8", "float16", "float32"),
                       help="how: a byte on the channel's fixed range, or a number (default: uint8)")
    trace.add_argument("--workers", type=_workers, default=0, metavar="N",
                       help="processes, or actors (default: as many as cores)")
    trace.add_argument("--ray", default="", metavar="ADDRESS|local", help="on a Ray cluster; local starts one here")
    trace.add_argument("--device", default="cpu", help="of every worker: auto, cpu, cuda, cuda:1, mps, xpu (default: cpu)")
    trace.add_argument("--progress", choices=("bar", "lines"), default="bar", help="lines: JSON, for programs (default: bar)")
    trace.add_argument("--json", action="store_true", help="say what was done as JSON")
    trace.add_argument("--debug", action="store_true", help="show the traceback of a failure")


def _evaluate(evaluate: argparse.ArgumentParser) -> None:
    evaluate.add_argument("model", metavar="MODEL", help="a shipped model's name or a checkpoint")
    evaluate.add_argument("--data", type=Path, metavar="DIR", help="as for training; what is drawn by code needs none")
    evaluate.add_argument("--split", default="dev", choices=("train", "dev", "test"), help="(default: dev)")
    evaluate.add_argument("--beam", type=int, metavar="N",
                          help="hypotheses; 1 is greedy (default: 3, for translation 4)")
    evaluate.add_argument("--length-penalty", type=float)
    evaluate.add_argument("--limit", type=int, default=0, metavar="N",
                          help="only the first N photographs, sentences, files or scenes")
    evaluate.add_argument("--compare", action="store_true",
                          help="characters: with the best n-gram model, fitted to the standard library, on the same data")
    evaluate.add_argument("--device", default="auto")
    evaluate.add_argument("--json", action="store_true")
