"""The tracks: everything that is recorded over time, on one time axis."""

from unrolled.viewer.panels.tracks.tracks_panel import TracksPanel

__all__ = ["TracksPanel"]
