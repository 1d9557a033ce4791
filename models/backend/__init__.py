"""The process in which the model lives."""
