"""A run and its branches, as values."""
