"""How good captions are, as the captioning field computes it: BLEU, ROUGE-L, CIDEr, by pycocoevalcap's scorers."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Sequence


def caption_scores(candidates: Sequence[Sequence[str]], references: Sequence[Sequence[Sequence[str]]]) -> dict[str, float]:
    """Scores of captions, one for each picture, against the pictures' true captions.

    Parameters
    ----------
    candidates : sequence
        For each picture the words of its caption.
    references : sequence
        For each picture the words of its true captions.

    Returns
    -------
    dict
        ``bleu_1`` to ``bleu_4`` and ``rouge_l`` in percent; ``cider`` in its usual unit.
    """
    from pycocoevalcap.bleu.bleu import Bleu  # slow to import, and only needed here
    from pycocoevalcap.cider.cider import Cider
    from pycocoevalcap.rouge.rouge import Rouge

    written = {place: [" ".join(words)] for place, words in enumerate(candidates)}
    true = {place: [" ".join(words) for words in own] for place, own in enumerate(references)}
    with contextlib.redirect_stdout(io.StringIO()):  # the scorers print what they do
        bleu = Bleu(4).compute_score(true, written)[0]
        rouge = Rouge().compute_score(true, written)[0]
        cider = Cider().compute_score(true, written)[0]
    scores = {f"bleu_{order + 1}": 100.0 * float(value) for order, value in enumerate(bleu)}
    return scores | {"rouge_l": 100.0 * float(rouge), "cider": float(cider)}
