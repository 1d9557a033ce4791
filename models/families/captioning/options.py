"""What training can be told."""

from typing import Literal

import msgspec


class AttentionPenalties(msgspec.Struct, frozen=True, kw_only=True):
    # weight of the doubly stochastic term of Xu et al. 2015, each cell's weights over time compared with an even share: mean
    # over cells of (L/T · Σ_t α_t,j - 1)²
    coverage: float = 0.002
    # weight of the entropy (as a fraction of uniform's) above `entropy_target`. It vanishes once maps are sharp.
    entropy: float = 1.0
    entropy_target: float = 0.6
    change: float = 0.3  # weight of the total variation between neighbouring words' maps below `change_target`
    change_target: float = 0.4


class TrainingOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How a captioner is trained. The defaults are those of the shipped one, whose card tells what differed."""

    encoder: str = "efficientnet_lite2_320"  # what reads the pictures; see `unrolled.models.families.captioning.encoder.ENCODERS`
    epochs: int = 8  # passes over the captions with the true word before (teacher forcing, cross-entropy)
    pictures_per_batch: int = 16  # each comes with all its captions
    # learning_rate, weight_decay: of AdamW; the rate rises over the first half epoch and falls to nearly nothing as a cosine
    learning_rate: float = 8e-4
    weight_decay: float = 1e-2
    clip_norm: float = 2.0  # the gradient's longest norm
    label_smoothing: float = 0.1  # probability that is spread evenly over all words
    average_decay: float = 0.998  # of the running average of the weights, which is what is kept
    words_at_least: int = 5  # a word seen less often in the training captions is unknown
    # cell, hidden, embedding, features, attention, query_word, begin, dropout: see `CaptionerConfig`
    cell: str = "lstm"
    hidden: int = 512
    embedding: int = 256
    features: int = 512
    attention: int = 256
    query_word: bool = False
    begin: Literal["mean", "zeros"] = "mean"
    dropout: float = 0.4
    flips: bool = True  # mirrored pictures too
    reward_epochs: float = 5.0  # passes of self-critical training afterwards (Rennie et al. 2017)
    reward_learning_rate: float = 2e-4  # its learning rate, constant at first, falling to a twentieth from the middle on
    reward_samples: int = 5  # captions drawn for each picture; the mean reward of the others is each one's baseline
    reward_temperature: float = 0.5  # what logits are divided by where captions are drawn to be rewarded; nowhere else
    # weight of the true captions' cross-entropy beside the reward, which keeps the probabilities honest and rare words in
    # use
    reward_cross_entropy: float = 0.5
    reward_bleu: float = 0.35  # weight of the logarithm of BLEU-4 beside CIDEr-D in the reward
    # reward_dropout, reward_average_decay: like `dropout` and `average_decay`, in this phase
    reward_dropout: float = 0.2
    reward_average_decay: float = 0.995
    seed: int = 1  # of weights, order and dropout
    threads: int = 0  # of the CPU; 0 leaves PyTorch's own choice
    half: bool = False  # matrices are multiplied in bfloat16 in the first phase; sums stay in float32
    penalties: AttentionPenalties = AttentionPenalties()  # how attention is shaped
