"""What the two processes say to each other, and how. The window imports this package: no torch in here."""
