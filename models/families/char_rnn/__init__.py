"""Character models of *char-rnn.pytorch* (S. Robertson): a pickled module, over Python's printable characters."""
