"""The tracks: everything that is recorded over time, on one time axis."""

from unrolled.viewer.views.tracks.tracks import TracksView

__all__ = ["TracksView"]
