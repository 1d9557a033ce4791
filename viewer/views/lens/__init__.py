"""The logit lens: the next word as each layer of a transformer would have it."""
