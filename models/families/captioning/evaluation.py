"""Judge a captioner on photographs with true captions, from their files to the figures."""

from __future__ import annotations

from statistics import fmean as mean

import msgspec
import torch

from unrolled.models.data.flickr8k import read_split
from unrolled.models.evaluation.attention_statistics import AttentionStatistics
from unrolled.models.evaluation.probabilities import ReferenceStatistics
from unrolled.models.evaluation.references import judge_references, next_word_entropies
from unrolled.models.evaluation.request import Evaluation, EvaluationRequest
from unrolled.models.families.captioning.features import encode_photographs
from unrolled.models.families.captioning.grounding import Grounding
from unrolled.models.families.captioning.metrics import caption_scores
from unrolled.models.families.captioning.person_masks import read_masks
from unrolled.models.families.captioning.stepper import CaptionerStepper
from unrolled.models.stepping.search import Search
from unrolled.models.tokenizers.word_tokenizer import TOKENISER

BATCH = 32
USUAL_BEAM = 3


def evaluate_captioner(stepper: CaptionerStepper, request: EvaluationRequest) -> Evaluation:
    """On a folder that `unrolled.models.data.flickr8k` reads."""
    data, beam = request.needed_data, request.beam or USUAL_BEAM
    photographs = read_split(data, request.split)
    count = request.count(len(photographs.photographs))
    network, vocabulary = stepper.network, stepper.vocabulary
    search = Search(start=vocabulary.start, end=vocabulary.end, forbidden=tuple(stepper.suppressed_tokens), width=beam,
                    maximum_steps=stepper.description.maximum_steps, length_penalty=request.length_penalty)
    statistics, references, grounding = AttentionStatistics(), ReferenceStatistics(), Grounding(read_masks(data, request.split))
    entropies: list[float] = []
    written: list[list[str]] = []
    for first in range(0, count, BATCH):
        places = range(first, min(first + BATCH, count))
        chosen = photographs.photographs[places.start : places.stop]
        with torch.inference_mode():
            memory = network.memory(encode_photographs(stepper.encoder, chosen, device=str(stepper.device)))
        best = [hypotheses[0].tokens for hypotheses in search(network, memory)]
        written += [vocabulary.decode(tokens) for tokens in best]
        true = [[vocabulary.encode(words) for words in photographs.captions[place]] for place in places]
        judge_references(network, memory, true, start=vocabulary.start, statistics=references)
        greedy = [[own[0].tokens] for own in msgspec.structs.replace(search, width=1)(network, memory)]
        entropies += next_word_entropies(network, memory, greedy, start=vocabulary.start)
        if network.attend is not None:
            maps = statistics.add(network, memory, best, start=vocabulary.start)
            side = stepper.encoder.kind.side
            for photograph, tokens, own in zip(chosen, best, maps, strict=True):
                grounding.add(photograph.name, [vocabulary.words[token] for token in tokens], own.view(-1, side, side).numpy())
        request.say(len(written), count)
    metrics = caption_scores(written, photographs.captions[:count]) | references.figures()
    metrics |= {"entropy": mean(entropies), "vocabulary_used": float(len({word for words in written for word in words}))}
    if network.attend is not None:
        metrics |= statistics.figures() | grounding.figures()
    return Evaluation(data=str(data), split=request.split, count=count, beam=beam, tokeniser=TOKENISER, metrics=metrics)
