"""Scenes drawn by code, put into words with attention: the network and its stepper."""
