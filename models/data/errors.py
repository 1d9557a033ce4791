"""How data fail."""


class DataError(RuntimeError):
    """Data that cannot be used: one sentence for people."""
