"""Every plot: the only folder that imports pyqtgraph."""
