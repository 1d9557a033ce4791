"""The views: each draws channels that it chooses by their roles and axes, never by a model's name."""
