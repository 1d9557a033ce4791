"""Where else the same units are active."""
