"""Branches of a run, and beams of a search, as trees."""
