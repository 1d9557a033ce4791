"""Painters and geometry that views and exports share."""
