"""Attention of several layers and heads: which of them is looked at, and all of them beside one another."""
