"""A hub of one's own on 127.0.0.1: it speaks as much of Hugging Face's as is asked of it when a model is fetched."""

from __future__ import annotations

import hashlib
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

COMMIT = "0123456789abcdef0123456789abcdef01234567"


class Hub(ThreadingHTTPServer):
    """Serves folders as repositories.

    Attributes
    ----------
    repositories : dict of str to Path
        By their names.
    sizes : dict of str to int
        What is said of files in place of their true sizes.
    gated : set of str
        Repositories whose files nobody may have.
    cut : str
        A file whose connection breaks half-way.
    held : Event
        While it is not set, files stop half-way.
    asked : list of str
        The method and the path of every request.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answers)
        self.repositories: dict[str, Path] = {}
        self.sizes: dict[str, int] = {}
        self.gated: set[str] = set()
        self.cut = ""
        self.held = threading.Event()
        self.held.set()
        self.asked: list[str] = []

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


@contextmanager
def hub() -> Iterator[Hub]:
    """One that listens until the block is left."""
    made = Hub()
    thread = threading.Thread(target=made.serve_forever, args=(0.02,))
    thread.start()
    yield made
    made.held.set()
    made.shutdown()
    thread.join()
    made.server_close()


class _Answers(BaseHTTPRequestHandler):
    server: Hub

    def log_message(self, *_: object) -> None:
        """Nothing on the terminal."""

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        self.server.asked.append(f"{self.command} {self.path}")
        parts = self.path.partition("?")[0].strip("/").split("/")
        name = "/".join(parts[2:4] if parts[0] == "api" else parts[:2])
        folder = self.server.repositories.get(name)
        if folder is None:
            self._say(404, b'{"error": "Repository not found"}', {"X-Error-Code": "RepoNotFound"})
        elif parts[0] == "api":
            files = [{"rfilename": path.name, "size": self.server.sizes.get(path.name, path.stat().st_size)}
                     for path in sorted(folder.iterdir())]
            self._say(200, json.dumps({"id": name, "modelId": name, "sha": COMMIT, "siblings": files}).encode(), {})
        elif name in self.server.gated:
            self._say(403, b"{}", {"X-Error-Code": "GatedRepo"})
        else:
            data = (folder / parts[-1]).read_bytes()
            self._say(200, data, {"ETag": f'"{hashlib.sha256(data).hexdigest()}"', "X-Repo-Commit": COMMIT}, file=parts[-1])

    def _say(self, status: int, data: bytes, headers: dict[str, str], file: str = "") -> None:
        self.send_response(status)
        for header, value in headers.items():
            self.send_header(header, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command == "HEAD":
            return
        half = len(data) // 2
        self.wfile.write(data[:half])
        if file and file == self.server.cut:
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        if file.endswith((".safetensors", ".bin")):
            self.server.held.wait(30)
        self.wfile.write(data[half:])
