"""What the window is started with. It knows no Qt."""

from dataclasses import dataclass
from pathlib import Path

from unrolled.models.protocol.client import Endpoint
from unrolled.viewer.client.ssh import SshTunnel


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowOptions:
    """The command line's words for the window; see `unrolled --help`."""

    file: Path | None = None
    store: str = ""  # the address of a store of traces elsewhere
    model: str = ""
    device: str = "auto"
    screenshot: Path | None = None  # run to the end of the caption, save a picture of the window here, and leave
    size: tuple[int, int] | None = None
    theme: str | None = None
    connect: Endpoint | None = None  # a backend that listens already
    tunnel: SshTunnel | None = None  # how a backend on another machine is reached
    empty: bool = False  # no sample is opened: what it is connected to says what is shown
    watch: bool = False  # what it is connected to is somebody's own training
    debug: bool = False
