"""Talks to the backend process from Qt's event loop."""
