"""The equations of the lecture: cells and attention, each giving every quantity that it computes on the way."""

from unrolled.models.cells.attention import AdditiveAttention, Attended, MultiplicativeAttention
from unrolled.models.cells.gru import GRUCell, GRUStep
from unrolled.models.cells.lstm import LSTMCell, LSTMStep, MaxoutLSTMCell
from unrolled.models.cells.recurrent import CELLS, Cell, CellState, CellStep, first_state, make_cell, run_sequence, state_of
from unrolled.models.cells.rnn import RNNCell, RNNStep

__all__ = ["CELLS", "AdditiveAttention", "Attended", "Cell", "CellState", "CellStep", "GRUCell", "GRUStep", "LSTMCell",
           "LSTMStep", "MaxoutLSTMCell", "MultiplicativeAttention", "RNNCell", "RNNStep", "first_state", "make_cell",
           "run_sequence", "state_of"]
