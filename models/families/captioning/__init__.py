"""Captioning with attention: encoder, vocabulary, network, and the stepper that records it."""
