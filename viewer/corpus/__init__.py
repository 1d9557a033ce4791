"""The page of a store: its documents, what is searched in all of them, a unit over all of them, a map of their states."""
