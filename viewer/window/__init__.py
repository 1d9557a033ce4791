"""The window: what holds the panels together, and the one object that writes to the session."""
