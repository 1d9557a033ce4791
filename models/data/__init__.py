"""Data to train and to judge on: readers, and the cache of encoded photographs."""
