"""The equations of the lecture: cells and attention, each giving every quantity that it computes on the way."""

from unrolled.models.cells.attention import AdditiveAttention, Attended
from unrolled.models.cells.lstm import LSTMCell, LSTMStep

__all__ = ["AdditiveAttention", "Attended", "LSTMCell", "LSTMStep"]
