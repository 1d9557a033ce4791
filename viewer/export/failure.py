"""How an export fails."""


class ExportError(ValueError):
    """Something cannot be exported: one sentence for people."""


class Cancelled(Exception):
    """The person changed their mind; nothing is left behind."""
