"""Judge a translator on sentences with a translation beside each."""

from __future__ import annotations

import msgspec
import torch

from unrolled.models.data.multi30k import read_pairs
from unrolled.models.evaluation.decoder_figures import DecoderFigures
from unrolled.models.evaluation.request import Evaluation, EvaluationRequest
from unrolled.models.families.translation.stepper import LONGEST_SOURCE, TranslatorStepper
from unrolled.models.families.translation.training import padded
from unrolled.models.stepping.search import Search

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
    search = Search(start=target.start, end=target.end, forbidden=tuple(stepper.suppressed_tokens), width=beam,
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
