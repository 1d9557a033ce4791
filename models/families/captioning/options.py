"""What training can be told."""

from __future__ import annotations

from typing import Literal

import msgspec


class AttentionPenalties(msgspec.Struct, frozen=True, kw_only=True):
    """How attention is shaped.

    Attributes
    ----------
    coverage : float
        Weight of the doubly stochastic term of Xu et al. 2015, each cell's weights over time compared with an even
        share: mean over cells of (L/T · Σ_t α_t,j - 1)².
    entropy : float
        Weight of the entropy (as a fraction of uniform's) above `entropy_target`. It vanishes once maps are sharp.
    change : float
        Weight of the total variation between neighbouring words' maps below `change_target`.
    """

    coverage: float = 0.002
    entropy: float = 1.0
    entropy_target: float = 0.6
    change: float = 0.3
    change_target: float = 0.4


class TrainingOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How a captioner is trained. The defaults are those of the shipped one, whose card tells what differed.

    Attributes
    ----------
    encoder : str
        What reads the pictures; see `unrolled.models.families.captioning.encoder.ENCODERS`.
    epochs : int
        Passes over the captions with the true word before (teacher forcing, cross-entropy).
    pictures_per_batch : int
        Each comes with all its captions.
    learning_rate, weight_decay : float
        Of AdamW; the rate rises over the first half epoch and falls to nearly nothing as a cosine.
    clip_norm : float
        The gradient's longest norm.
    label_smoothing : float
        Probability that is spread evenly over all words.
    average_decay : float
        Of the running average of the weights, which is what is kept.
    words_at_least : int
        A word seen less often in the training captions is unknown.
    cell, hidden, embedding, features, attention, query_word, begin, dropout :
        See `CaptionerConfig`.
    flips : bool
        Mirrored pictures too.
    reward_epochs : float
        Passes of self-critical training afterwards (Rennie et al. 2017).
    reward_learning_rate : float
        Its learning rate, constant at first, falling to a twentieth from the middle on.
    reward_samples : int
        Captions drawn for each picture; the mean reward of the others is each one's baseline.
    reward_temperature : float
        What logits are divided by where captions are drawn to be rewarded; nowhere else.
    reward_cross_entropy : float
        Weight of the true captions' cross-entropy beside the reward, which keeps the probabilities honest and rare words
        in use.
    reward_bleu : float
        Weight of the logarithm of BLEU-4 beside CIDEr-D in the reward.
    reward_dropout, reward_average_decay : float
        Like `dropout` and `average_decay`, in this phase.
    seed : int
        Of weights, order and dropout.
    threads : int
        Of the CPU; 0 leaves PyTorch's own choice.
    half : bool
        Matrices are multiplied in bfloat16 in the first phase; sums stay in float32.
    penalties : AttentionPenalties
        How attention is shaped.
    """

    encoder: str = "efficientnet_lite2_320"
    epochs: int = 8
    pictures_per_batch: int = 16
    learning_rate: float = 8e-4
    weight_decay: float = 1e-2
    clip_norm: float = 2.0
    label_smoothing: float = 0.1
    average_decay: float = 0.998
    words_at_least: int = 5
    cell: str = "lstm"
    hidden: int = 512
    embedding: int = 256
    features: int = 512
    attention: int = 256
    query_word: bool = False
    begin: Literal["mean", "zeros"] = "mean"
    dropout: float = 0.4
    flips: bool = True
    reward_epochs: float = 5.0
    reward_learning_rate: float = 2e-4
    reward_samples: int = 5
    reward_temperature: float = 0.5
    reward_cross_entropy: float = 0.5
    reward_bleu: float = 0.35
    reward_dropout: float = 0.2
    reward_average_decay: float = 0.995
    seed: int = 1
    threads: int = 0
    half: bool = False
    penalties: AttentionPenalties = AttentionPenalties()
