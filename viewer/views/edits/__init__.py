"""Changing the computation."""
