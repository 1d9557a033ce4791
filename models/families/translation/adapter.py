"""Translators: opened from their checkpoints, trained and judged on sentence pairs."""

import msgspec
import torch

from unrolled.models.adapters.adapter import CheckpointAdapter
from unrolled.models.checkpoints.checkpoint import Checkpoint
from unrolled.models.data.multi30k import read_pairs
from unrolled.models.evaluation.decoder_figures import BeamSearch, DecoderFigures
from unrolled.models.evaluation.request import Evaluation, EvaluationRequest
from unrolled.models.families.translation.network import LONGEST_SOURCE, Translator, TranslatorConfig, TranslatorStepper
from unrolled.models.families.translation.training import TranslationOptions, padded, train_translator
from unrolled.models.stepping.stepper import AnyStepper
from unrolled.models.tokenizers.subword_tokenizer import SubwordTokenizer
from unrolled.models.training.recipe import Recipe

BATCH = 50
USUAL_BEAM = 4


def evaluate_translator(stepper: TranslatorStepper, request: EvaluationRequest) -> Evaluation:
    """On a folder that `unrolled.models.data.multi30k` reads.

    `sacrebleu` has both sides in lower case, `sacrebleu_cased` leaves them as they are, which a model that writes lower
    case alone cannot do well; both with sacreBLEU's own tokeniser 13a. Perplexity and calibration are those of the
    references' pieces, the entropy that of the greedy translation's.
    """
    import sacrebleu  # it asks for a writable folder for temporary files, which opening a translator does not need

    data, beam = request.needed_data, request.beam or USUAL_BEAM
    pairs = read_pairs(data, request.split, source=stepper.languages[0], target=stepper.languages[1])
    count = request.count(len(pairs.source))
    network, source, target = stepper.network, stepper.source_pieces, stepper.target_pieces
    search = BeamSearch(start=target.start, end=target.end, forbidden=tuple(stepper.suppressed_tokens), width=beam,
                        length_penalty=request.length_penalty, maximum_steps=LONGEST_SOURCE)
    figures = DecoderFigures()
    written = [""] * count
    used: set[int] = set()
    sources = [[*source.encode(sentence)[:LONGEST_SOURCE], source.end] for sentence in pairs.source[:count]]
    order = sorted(range(count), key=lambda place: len(sources[place]))  # those of like lengths are searched together
    for first in range(0, count, BATCH):
        chosen = order[first : first + BATCH]
        own = [sources[place] for place in chosen]
        lengths = torch.tensor([len(one) for one in own])
        with torch.inference_mode():
            memory = network.memory(padded(own, 0).to(stepper.device), lengths.to(stepper.device))
        search = msgspec.structs.replace(search, maximum_steps=min(2 * int(lengths.max()) + 10, LONGEST_SOURCE))
        true = [[[*target.encode(pairs.target[place]), target.end]] for place in chosen]
        best, _ = figures.add(network, memory, search, true)
        for place, tokens in zip(chosen, best, strict=True):
            written[place] = target.decode(tokens)
            used.update(tokens)
        request.say(first + len(chosen), count)
    true_sentences = [list(pairs.target[:count])]
    metrics = {name: sacrebleu.corpus_bleu(written, true_sentences, lowercase=lowered, tokenize="13a").score
               for name, lowered in (("sacrebleu", True), ("sacrebleu_cased", False))}
    metrics |= figures.figures() | {"vocabulary_used": float(len(used - {target.end}))}
    return Evaluation(data=str(data), split=request.split, count=count, beam=beam, tokeniser="sacreBLEU 13a, lower-cased",
                      metrics=metrics)


class BothLanguages(msgspec.Struct, frozen=True):
    """What a header's config holds beside the network's lengths: the languages, and the descriptions of their pieces."""

    source_language: str
    target_language: str
    source_pieces: str
    target_pieces: str


def open_translator(checkpoint: Checkpoint, device: str, reuse: AnyStepper | None) -> TranslatorStepper:
    config, both = checkpoint.config(TranslatorConfig), checkpoint.config(BothLanguages)
    source, target = checkpoint.made(lambda: (SubwordTokenizer(both.source_pieces), SubwordTokenizer(both.target_pieces)))
    checkpoint.check_count(len(source), config.source_vocabulary, of="pieces of the source")
    checkpoint.check_count(len(target), config.vocabulary, of="pieces")
    return TranslatorStepper(checkpoint.network(lambda: Translator(config)), source, target, device=device,
                             languages=(both.source_language, both.target_language), identity=checkpoint.identity("sacrebleu"))


ADAPTER = CheckpointAdapter(
    family="translation", input_kind="sentence", open=open_translator, evaluate=evaluate_translator,
    recipes={
        "translate-en-fr": Recipe(TranslationOptions(target="fr"), train_translator),
        "translate-en-de": Recipe(TranslationOptions(target="de"), train_translator),
    })
