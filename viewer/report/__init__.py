"""Everything that can be said about a run, as one object for scripts and as a page for people."""
