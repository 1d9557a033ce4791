"""A picture with the attention over it, and its film strip."""
