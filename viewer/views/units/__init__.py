"""Pinned units, and a step's equations with their numbers."""
