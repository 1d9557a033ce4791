"""Icons, fonts, sample pictures and checkpoints, and where they lie on disk.

This package only finds files. It must not know Qt or torch: the window and the models both use it.
"""

from importlib.resources import files
from pathlib import Path

__all__ = ["path"]


def path(*parts: str) -> Path:
    """Say where an asset lies.

    Parameters
    ----------
    *parts : str
        The folder and the file inside this package, such as ``"icons", "play.svg"``; none for the package's
        own folder.

    Returns
    -------
    pathlib.Path
        The place on disk. It is not checked that anything is there, so a caller can ask for an optional file.

    Notes
    -----
    The package is always installed unpacked, because Qt and safetensors open files by name; it cannot run
    from inside a zip file.

    Examples
    --------
    >>> path("samples", "dog.jpg").name
    'dog.jpg'
    """
    return Path(str(files(__name__))).joinpath(*parts)
