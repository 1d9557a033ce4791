"""Whether a Ray cluster can be there: asked before anything slow is begun, since Ray itself would wait for minutes."""

from __future__ import annotations

import importlib.util
import socket

from unrolled.models.store.layout import StoreError

ANSWER_SECONDS = 5.0
# A cluster speaks gRPC, which is HTTP/2 (RFC 9113): each side begins with a frame of its settings.
SETTINGS, FRAME_HEADER = b"\x04", 9
GREETING = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0" + SETTINGS + bytes(5)
WITHOUT_A_HOST = ("auto", "local")


def check_address(address: str) -> None:
    """Raises `StoreError` when Ray is not installed, or nobody answers at ``host:port``."""
    if importlib.util.find_spec("ray") is None:
        raise StoreError("Ray is not installed; “python -m pip install 'unrolled[cluster]'” brings it.")
    if address in WITHOUT_A_HOST:
        return
    host, _, port = address.removeprefix("ray://").rpartition(":")
    try:
        with socket.create_connection((host, int(port)), timeout=ANSWER_SECONDS) as connection:
            connection.sendall(GREETING)
            answers = connection.recv(FRAME_HEADER)[3:4] == SETTINGS
    except (OSError, ValueError, OverflowError):
        answers = False
    if not answers:
        raise StoreError(f"No Ray cluster answers at “{address}”; an address is written as host:port.")
