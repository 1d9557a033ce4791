"""A sentence and its translation, and the attention between them."""
