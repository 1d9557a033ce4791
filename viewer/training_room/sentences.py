"""What the plots show, in one sentence each, made from the numbers. It knows no Qt."""

import math
from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from unrolled.models.trace.numbers import brief
from unrolled.viewer.training_room.history import Decay, GradientMap, History

RECENT = 100        # updates
EARLY = 30          # updates, before which nothing is judged
NEAR_CHANCE = (0.9, 1.1)  # shares of chance level between which a loss is as good as that
NOTHING = 1e-12     # a share that is as good as none
LASTING = (0.94, 1.06)  # a factor a step within which a gradient neither vanishes nor explodes


def number(value: float) -> str:
    """Two figures, or a power of ten where those would be long."""
    if not math.isfinite(value):
        return "∞" if value > 0 else "–"
    if value == 0:
        return "0"
    exponent = math.floor(math.log10(abs(value)))
    return f"{value:,.{max(1 - exponent, 0)}f}" if -3 <= exponent < 4 else brief(value)


def share(value: float) -> str:
    """A share of a whole, in percent where that can be read."""
    if value >= 0.1:
        return f"{value:.0%}"
    if value >= 0.001:
        return f"{100 * value:.2g}%"
    return "nothing" if value < NOTHING else f"1/{number(1 / value)}"


def factor_a_step(decay: Decay) -> tuple[float, int]:
    """By how much the middle gradient changes a step, on average, and how many steps back it can be followed."""
    usable = np.isfinite(decay.middle) & (decay.middle > NOTHING)
    far = int(np.flatnonzero(usable)[-1]) if usable.any() else 0
    if far < 1:
        return math.nan, 0
    return float(decay.middle[far] / decay.middle[0]) ** (1 / far), far


@lru_cache(maxsize=128)
def _followed(shown: GradientMap, of_cell: bool) -> tuple[float, int, float]:
    """`factor_a_step` of a map, and what is left of the gradient there."""
    decay = shown.decay(of_cell)
    factor, far = factor_a_step(decay)
    return factor, far, float(decay.middle[far])


def of_loss(history: History) -> str:
    """Whether it does better than anything without memory can."""
    started = history.started
    if not len(history):
        return started.sentence
    recent = history.column("smooth_loss")[-RECENT:] / started.chance_loss
    loss = float(history.column("smooth_loss")[-1])
    right = float(history.column("smooth_accuracy")[-1])
    low, high = float(recent.min()), float(recent.max())
    if len(recent) < EARLY:
        verdict = "too early to judge"
    elif high < NEAR_CHANCE[0]:
        verdict = "below chance level, so it remembers"
    elif low >= NEAR_CHANCE[1]:
        verdict = "not yet as good as chance"
    elif NEAR_CHANCE[0] <= low <= high < NEAR_CHANCE[1]:
        verdict = "about what chance gives"
    else:
        verdict = f"not settled over the last {len(recent)} updates"
    return (f"Loss {number(loss)}, {verdict} ({number(started.chance_loss)}: {started.chance_note}); "
            f"{share(right)} of the answers are right.")


def of_norms(history: History, threshold: float) -> str:
    """What clipping did of late."""
    if not len(history):
        return "The gradient norm at every update, before and after clipping."
    before, after = history.column("before")[-RECENT:], history.column("after")[-RECENT:]
    cut = before > after * (1 + 1e-9)
    recent = f"the last {len(before)} updates" if len(before) > 1 else "the first update"
    if not cut.any():
        if threshold <= 0:
            return f"Nothing is clipped: the largest norm of {recent} was {number(float(before.max()))}."
        return f"No gradient norm of {recent} exceeded the threshold: the largest was {number(float(before.max()))}."
    most = float((before[cut] / after[cut]).max())
    where = f"{int(cut.sum())} of {recent}" if len(before) > 1 else recent
    return f"Clipping shortened the gradient in {where}, by a factor of up to {number(most)}; its direction is unchanged."


def of_map(maps: Sequence[GradientMap], window: int, *, of_cell: bool) -> str:
    """Whether gradients vanish or explode, where the maps agree on it, the newest last; and what the window cuts off."""
    shown = maps[-1] if maps else None
    if shown is None:
        return "Each row is a loss Lₜ; going left, how much the state hₖ, further and further back, could change it."
    state = "c" if of_cell and shown.cell is not None else "h"
    factor, far, left = _followed(shown, of_cell)
    factors = [found for one in maps if math.isfinite(found := _followed(one, of_cell)[0])]
    back = f"{far} steps back"
    if not math.isfinite(factor):
        sentence = "No step’s gradient can be followed back."
    elif len({np.searchsorted(LASTING, found) for found in factors}) > 1:
        sentence = (f"Not settled: over the last {len(maps)} maps a gradient changed by × {min(factors):.2f} to × "
                    f"{max(factors):.2f} per step.")
    else:
        if factor < LASTING[0]:
            sentence = f"Gradients vanish: {back}, {share(left)} of ∂L/∂{state} is left (× {factor:.2f} per step)."
        elif factor > LASTING[1]:
            sentence = f"Gradients explode: {back}, ∂L/∂{state} is {number(left)} times as large (× {factor:.2f} per step)."
        else:
            sentence = f"Gradients last: {back}, ∂L/∂{state} is still {share(left)} of what it was."
    if 0 < window < shown.steps and shown.cut_away > 0:
        sentence += f" The cut changes the gradient of the weights by {share(shown.cut_away)} of its length."
    return sentence


def of_decay(history: History) -> str:
    """What the bound says, and what was measured."""
    shown = history.latest_map
    if shown is None:
        return "How much of a gradient is left that many steps back, with the bound of Pascanu et al. (2013)."
    if len(shown.norms) > 1:
        radii = ", ".join(f"{gate} {radius:.2f}" for gate, radius in zip(history.started.blocks, shown.radii, strict=True))
        return f"Spectral radius of each gate’s Wₕₕ: {radii}. The bound of Pascanu et al. is for a tanh RNN: none is drawn."
    norm, radius = shown.norms[0], shown.radii[0]
    consequence = "gradients must vanish" if norm < 1 else "gradients may explode, but need not"
    return (f"‖∂hₜ/∂hₖ‖ ≤ ‖Wₕₕ‖ᵗ⁻ᵏ, and ‖Wₕₕ‖ = {norm:.2f}: {consequence} (Pascanu et al. 2013). "
            f"Spectral radius {radius:.2f}.")
