"""A model run over many documents, into a store; and the questions that are asked of one. Torch is imported to trace alone."""
