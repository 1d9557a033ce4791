"""How often gates are shut and open, and how long units remember."""
