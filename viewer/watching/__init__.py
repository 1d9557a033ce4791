"""A page on somebody's own training: what its process tells of every so many updates."""
