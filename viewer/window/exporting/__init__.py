"""The export dialog: what, how, a preview, and the thread that writes."""
