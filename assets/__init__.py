"""Icons, checkpoints, sample inputs, fonts."""
