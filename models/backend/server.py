"""Listens, reads requests as they arrive, and lets the engine work through them one at a time.

Requests are read in a thread of their own, so that a newer picture or a cancel is known while the engine is still
busy with something older; everything else happens in the thread that calls `serve`. Whatever goes wrong becomes a
`Failed` with one sentence, and the server lives on. It imports no torch.
"""

from __future__ import annotations

import hmac
import logging
import os
import queue
import secrets
import socket
import threading
import traceback
from collections.abc import Callable

from unrolled.models.backend.engine import Engine, EngineError, NotFinite, StillWanted, Superseded
from unrolled.models.protocol.asking import Answer, Ask, Drop
from unrolled.models.protocol.client import Endpoint
from unrolled.models.protocol.connection import PROTOCOL_VERSION, Failed, Hello, Progress, Shutdown, Welcome
from unrolled.models.protocol.loading import LoadModel
from unrolled.models.protocol.searching import Search, Searched
from unrolled.models.protocol.stepping import (
    AddInput,
    Advance,
    Cancel,
    DrawInput,
    Ended,
    Fork,
    Forked,
    Idle,
    OpenInput,
    SteppedBlock,
)
from unrolled.models.protocol.training_room import (
    StartTrainingRoom,
    StepTrainingRoom,
    StopTrainingRoom,
    TrainingRoomFailed,
)
from unrolled.models.protocol.wire import Report, Request, WireError, encode, request_reader
from unrolled.models.training_room.errors import TrainingRoomError, TrainingRooms

log = logging.getLogger(__name__)

NO_RUN = -1
NEVER_CANCELLED = 2**62
OF_A_RUN = (OpenInput, AddInput, Fork, Advance, Search, Ask)
OF_A_BRANCH = (Fork, Advance, Search, Ask)
CANCELLED = (OpenInput, Advance, Search)  # a branch that was made, or an input that was added, is counted on by what follows
SUBJECTS: dict[type, str] = {LoadModel: "model", DrawInput: "input", OpenInput: "input", Advance: "step", Search: "step",
                             AddInput: "edit", Fork: "edit", Ask: "question"}


class Listener:
    """A socket that waits for a client, and the secret that the client has to know.

    Parameters
    ----------
    host : str
        Where to listen. Loopback by default: a backend elsewhere is reached through a tunnel.
    port : int
        0 takes a free one.
    """

    def __init__(self, host: str = "127.0.0.1", port: int = 0) -> None:
        self._socket = socket.create_server((host, port))
        self.endpoint = Endpoint(host, self._socket.getsockname()[1], secrets.token_urlsafe(24))

    def accept(self, timeout: float | None = None) -> socket.socket:
        """Wait for a client. Raises `TimeoutError`."""
        self._socket.settimeout(timeout)
        connection, _ = self._socket.accept()
        connection.settimeout(None)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection

    def close(self) -> None:
        """Stop listening."""
        self._socket.close()


class Server:
    """One client's requests, worked through by one engine.

    Parameters
    ----------
    connection : socket
        The client.
    secret : str
        What its `Hello` has to bring.
    engine : Engine
        What computes.
    rooms : Rooms, optional
        The training room, where the backend has one.
    on_disconnect : callable, optional
        Called in the reading thread when the client is gone, for a process that serves this client alone: it may
        end the process at once, since the engine can be deep in a computation that nobody waits for.
    """

    def __init__(self, connection: socket.socket, secret: str, engine: Engine,
                 *, rooms: TrainingRooms | None = None, on_disconnect: Callable[[], None] | None = None) -> None:
        self._connection = connection
        self._secret = secret
        self._engine = engine
        self._rooms = rooms
        self._on_disconnect = on_disconnect
        self._inbox: queue.SimpleQueue[tuple[int, Request | None]] = queue.SimpleQueue()
        self._newest_run = NO_RUN
        self._least_room = 0  # trainings with a lower number have been stopped or superseded
        self._cancelled_up_to: dict[int, int] = {}  # run → number of the last Cancel for it
        self._dropped: set[int] = set()  # questions that nobody waits for
        self._gone = threading.Event()
        self._prepared = False

    def serve(self) -> None:
        """Work until the client leaves or says `Shutdown`."""
        encoded = threading.Thread(target=self._read, name="requests", daemon=True)
        encoded.start()
        try:
            while not self._gone.is_set():
                number, request = self._inbox.get()
                if request is None or isinstance(request, Shutdown):
                    break
                self._handle(number, request)
        finally:
            self._gone.set()
            try:
                self._connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # the client was quicker
            encoded.join(timeout=2)
            self._connection.close()

    def _read(self) -> None:
        """The reading thread: cut the stream into requests, and note at once what makes older ones pointless."""
        number = 0
        greeted = False
        try:
            reader = request_reader()
            while data := self._connection.recv(1 << 20):
                for request in reader.feed(data):
                    number += 1
                    if not greeted:
                        greeted = self._greet(request)
                        continue
                    if isinstance(request, OpenInput):
                        self._newest_run = max(self._newest_run, request.run)
                    elif isinstance(request, StartTrainingRoom):
                        self._least_room = max(self._least_room, request.room)
                    elif isinstance(request, StopTrainingRoom):
                        self._least_room = max(self._least_room, request.room + 1)
                    elif isinstance(request, Drop):
                        self._dropped.add(request.number)
                        continue
                    elif isinstance(request, Cancel):
                        self._cancelled_up_to[request.run] = number
                        continue
                    self._inbox.put((number, request))
        except WireError as error:
            self._send(Failed(NO_RUN, "protocol", str(error)))
        except OSError:
            pass  # the connection broke: the same as its end
        finally:
            was_gone = self._gone.is_set()
            self._gone.set()
            self._inbox.put((number, None))
            if not was_gone and self._on_disconnect is not None:
                self._on_disconnect()

    def _greet(self, request: Request) -> bool:
        """Let in who knows the secret and speaks this version; nobody else gets any answer but a refusal."""
        if not isinstance(request, Hello) or not hmac.compare_digest(request.secret.encode(), self._secret.encode()):
            self._send(Failed(NO_RUN, "protocol", "The backend does not know this client."))
            raise WireError("The backend does not know this client.")
        if request.version != PROTOCOL_VERSION:
            raise WireError(f"The window speaks version {request.version} and the backend version {PROTOCOL_VERSION}; "
                            "install the same Unrolled on both sides.")
        self._send(Welcome(PROTOCOL_VERSION, os.getpid()))
        self._inbox.put((0, request))
        return True

    def _handle(self, number: int, request: Request) -> None:
        if isinstance(request, StartTrainingRoom | StepTrainingRoom | StopTrainingRoom):
            self._handle_room(request)
            return
        run = request.run if isinstance(request, OF_A_RUN) else NO_RUN
        branch = request.branch if isinstance(request, OF_A_BRANCH) else 0
        asked = request.number if isinstance(request, Ask) else -1
        subject = SUBJECTS.get(type(request), "backend")
        wanted = self._wanted(number if isinstance(request, CANCELLED) else NEVER_CANCELLED, run, asked)
        try:
            if isinstance(request, Hello):
                self._send(self._engine.prepare(self._say))
            elif isinstance(request, LoadModel):
                self._send(self._engine.load(request.model, request.device, self._say))
            elif isinstance(request, DrawInput):
                self._send(self._engine.draw(request.number))
            elif isinstance(request, OpenInput):
                if wanted():
                    self._send(self._engine.open(run, request.data, request.name, request.decoding, self._say, wanted))
            elif isinstance(request, Advance):
                self._advance(request, wanted)
            elif wanted():
                self._change_or_ask(request, wanted)
        except Superseded:
            pass
        except NotFinite as error:
            self._send(Failed(run, error.subject, str(error), traceback.format_exc(), branch, asked, error.step, error.channel,
                              error.unit))
        except EngineError as error:
            self._send(Failed(run, error.subject, str(error), traceback.format_exc(), branch, asked))
        except MemoryError:
            self._send(Failed(run, subject, "There is not enough memory for this.", traceback.format_exc(), branch, asked))
        except Exception as error:
            log.exception("request failed")
            reason = (str(error).splitlines() or ["no reason given"])[0]
            sentence = f"The model failed: {type(error).__name__}: {reason}"
            self._send(Failed(run, subject, sentence, traceback.format_exc(), branch, asked))
        if isinstance(request, Advance):
            self._send(Idle(run, branch))
        elif isinstance(request, Search):
            self._send(Searched(run, branch))
        self._dropped.discard(asked)

    def _change_or_ask(self, request: Request, wanted: StillWanted) -> None:
        engine = self._engine
        if isinstance(request, AddInput):
            self._send(engine.add_input(request.run, request.data, request.name, self._say, wanted))
        elif isinstance(request, Fork):
            engine.fork(request.branch, request.parent, request.step, request.edits, request.tokens)
            self._send(Forked(request.run, request.branch))
        elif isinstance(request, Search):
            engine.search(request.branch, request.step, request.decoding, self._send, wanted)
        elif isinstance(request, Ask):
            parts = engine.answer(request.branch, request.question, wanted)
            held = next(parts, None)
            while held is not None:  # one is held back, so that the last is known
                after = next(parts, None)
                self._send(Answer(request.run, request.number, held, after is None))
                held = after

    def _advance(self, request: Advance, wanted: StillWanted) -> None:
        done = 0
        while done < request.count and wanted():
            report = self._engine.advance(request.branch, request.step + done, request.decoding, wanted, request.count - done)
            self._send(report)
            if isinstance(report, Ended):
                return
            done += report.count if isinstance(report, SteppedBlock) else 1

    def _handle_room(self, request: StartTrainingRoom | StepTrainingRoom | StopTrainingRoom) -> None:
        """Train; what goes wrong concerns the training alone, and never the run that is open."""
        room, rooms = request.room, self._rooms
        try:
            if rooms is None:
                raise TrainingRoomError("This backend has no training room.")
            if isinstance(request, StopTrainingRoom):
                rooms.stop(room)
            elif isinstance(request, StartTrainingRoom):
                if self._room_wanted(room):
                    self._send(rooms.start(room, request.settings))
            else:
                for left in range(request.updates - 1, -1, -1):
                    if not self._room_wanted(room):
                        return
                    self._send(rooms.step(room, request.changes, request.picture and left == 0))
        except TrainingRoomError as error:
            self._send(TrainingRoomFailed(room, str(error), error.exploded, traceback.format_exc()))
        except Exception as error:
            log.exception("training failed")
            reason = (str(error).splitlines() or ["no reason given"])[0]
            self._send(TrainingRoomFailed(room, f"The training failed: {type(error).__name__}: {reason}", False,
                                  traceback.format_exc()))

    def _room_wanted(self, room: int) -> bool:
        return not self._gone.is_set() and room >= self._least_room

    def _wanted(self, number: int, run: int, asked: int) -> StillWanted:
        """Whether a request still matters: the client is there, its run is the newest, no later Cancel names it; of a
        question, that it was not dropped.
        """
        def wanted() -> bool:
            if self._gone.is_set() or not (run == NO_RUN or run == self._newest_run):
                return False
            return asked not in self._dropped if asked >= 0 else self._cancelled_up_to.get(run, -1) < number

        return wanted

    def _say(self, text: str, fraction: float = -1.0) -> None:
        self._send(Progress(text, fraction))

    def _send(self, report: Report) -> None:
        if self._gone.is_set():
            return
        try:
            self._connection.sendall(encode(report))
        except OSError:
            self._gone.set()
