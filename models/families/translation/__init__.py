"""Sequence to sequence with attention: pieces of words, the network, its stepper, translations of many sentences."""
