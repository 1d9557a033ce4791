"""`unrolled caption INPUT…`: a caption a line; a translation, a continuation, labels, if the model makes those."""

import argparse
import json
import time
from pathlib import Path

import msgspec

from unrolled.models.inputs.files import ReadingError
from unrolled.models.inputs.inputs import TYPED, InputText, sentences_of
from unrolled.models.inputs.texts import read_text
from unrolled.models.protocol.client import BackendError
from unrolled.models.trace.names import file_name, printable, text_name
from unrolled.viewer.cli.edit_words import edit_words
from unrolled.viewer.cli.running import (
    DEFAULT_KIND,
    DEFAULT_MODEL,
    add_running_arguments,
    backend,
    decoding_of,
    read_input,
    run_trace,
    text_written,
    typed_input,
    written_words,
)
from unrolled.viewer.cli.telling import FAILURE, SUCCESS, WRONG_USE, CommandError, tell

WRITTEN_USUALLY = 200


def add(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = verbs.add_parser("caption", help="caption photographs, a line each; translate, write on, label, by the model")
    parser.add_argument("inputs", nargs="*", type=Path, metavar="INPUT", help="a photograph; a text or a clip, if the model "
                                                                              "takes one")
    parser.add_argument("--text", action="append", default=[], metavar="TEXT", help="a sentence or a prompt, in place of a file")
    add_running_arguments(parser, written=WRITTEN_USUALLY)
    parser.add_argument("--json", action="store_true", help="an object a line: file, caption, tokens, logprobs, …")
    parser.set_defaults(do=caption)


def caption(arguments: argparse.Namespace) -> int:
    """Run each input; those that cannot be read are said on standard error, and the others go on."""
    decoding_of(arguments)  # what is wrong with it is said before anything slow is begun
    if not arguments.inputs and not arguments.text:
        raise CommandError("usage: unrolled caption INPUT… or --text TEXT: name an input, or give a text.", WRONG_USE)
    early: list[tuple[str, bytes]] | None = None
    status = SUCCESS
    if arguments.model == DEFAULT_MODEL:  # what it takes is known: nothing is started for what cannot be read
        early, status = _read_all(arguments, DEFAULT_KIND)
        if not early:
            return status
    with backend(arguments) as (client, loaded):
        description, decoding = loaded.description, decoding_of(arguments, loaded.decoding)
        inputs, status = (early, status) if early is not None else _read_all(arguments, description.input_kind)
        edits = edit_words(arguments, lambda path: read_input(path, description.input_kind))
        end_word = description.words[description.end_token] if description.end_token >= 0 else ""
        alone = len(inputs) == 1 == len(arguments.inputs) + len(arguments.text)
        for run, (name, data) in enumerate(inputs):
            started = time.perf_counter()
            try:
                trace = run_trace(client, loaded, run=run, name=file_name(Path(name)), data=data, decoding=decoding,
                                  write=arguments.write, edits=edits)
            except BackendError as error:  # the others go on
                tell(f"{text_name(name)}: {error}")
                status = FAILURE
                continue
            text = text_written(trace, end_word)
            if arguments.json:
                changed = {"edits": msgspec.to_builtins(trace.provenance.edits)} if edits else {}
                print(json.dumps({
                    "file": text_name(name), "caption": text, "tokens": written_words(trace),
                    "logprobs": [float(value) for value in trace.log_probs[trace.provenance.prompt_tokens :]],
                    **changed, "model": description.name, "device": loaded.device,
                    "seconds": round(time.perf_counter() - started, 4)}), flush=True)
            else:
                print(printable(text if alone else f"{text_name(name)}: {text}"), flush=True)
    return status


def _read_all(arguments: argparse.Namespace, input_kind: str) -> tuple[list[tuple[str, bytes]], int]:
    """The inputs that can be read, and the exit status so far."""
    found: list[tuple[str, bytes]] = []
    status = SUCCESS
    for given in (*arguments.inputs, *arguments.text):
        try:
            if isinstance(given, Path):
                found.append((str(given), read_input(given, input_kind, arguments.encoding)))
            else:
                found.append((TYPED, typed_input(given, input_kind)))
        except (CommandError, ReadingError) as error:
            tell(str(error))
            status = FAILURE
    if input_kind == "sentence":
        found = [(one.name, one.data) for name, data in found
                 for one in sentences_of(InputText(name, data, read_text(data, name).text))]
    return found, status
