"""PyTorch and NumPy: models, stepping, traces, decoding, evaluation, training, checkpoints, and the backend process.

Nothing in this package imports Qt.
"""
