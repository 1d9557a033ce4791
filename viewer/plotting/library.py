"""pyqtgraph as this program sets it up. Its import creates nothing that draws, so it may happen in a thread."""

import pyqtgraph as pg

# Lines are antialiased where they are few (see `plot`); images are addressed by row and column, as arrays are here.
pg.setConfigOptions(antialias=True, imageAxisOrder="row-major")

__all__ = ["pg"]
