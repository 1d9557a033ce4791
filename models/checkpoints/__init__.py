"""Trained models in files: reading, writing, and what there is."""
