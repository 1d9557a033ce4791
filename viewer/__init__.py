"""The window, its panels, the export of pictures, and the command line. Nothing in this package imports torch."""
