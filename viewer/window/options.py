"""What the window is started with. It knows no Qt."""

from dataclasses import dataclass
from pathlib import Path

from unrolled.models.protocol.client import Endpoint
from unrolled.viewer.client.ssh import SshTunnel


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowOptions:
    """The command line's words for the window; see `unrolled --help`.

    Attributes
    ----------
    store : str
        The address of a store of traces elsewhere.
    screenshot : Path, optional
        Run to the end of the caption, save a picture of the window here, and leave.
    connect : Endpoint, optional
        A backend that listens already.
    tunnel : SshTunnel, optional
        How a backend on another machine is reached.
    empty : bool
        No sample is opened: what it is connected to says what is shown.
    watch : bool
        What it is connected to is somebody's own training.
    """

    file: Path | None = None
    store: str = ""
    model: str = ""
    device: str = "auto"
    screenshot: Path | None = None
    size: tuple[int, int] | None = None
    theme: str | None = None
    connect: Endpoint | None = None
    tunnel: SshTunnel | None = None
    empty: bool = False
    watch: bool = False
    debug: bool = False
