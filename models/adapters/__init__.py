"""How anybody's model becomes a `Stepper`: the adapter's face and the table of those that there are."""
