"""How messages become bytes: msgpack behind a four-byte length, big end first.

It knows the messages' types and nothing of sockets, so that the window can read from Qt's sockets and everything
else from Python's.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Generic, TypeVar

import msgspec

from unrolled.models.protocol.asking import Answer, Ask, Drop
from unrolled.models.protocol.connection import Failed, Hello, Progress, Shutdown, Welcome
from unrolled.models.protocol.loading import Loaded, LoadModel, Ready
from unrolled.models.protocol.searching import BeamStepped, Search, Searched
from unrolled.models.protocol.stepping import (
    AddInput,
    Advance,
    Cancel,
    DrawInput,
    Ended,
    Fork,
    Forked,
    Idle,
    InputAdded,
    InputDrawn,
    Opened,
    OpenInput,
    Stepped,
    SteppedBlock,
)
from unrolled.models.protocol.training_room import (
    StartTrainingRoom,
    StepTrainingRoom,
    StopTrainingRoom,
    TrainingRoomFailed,
    TrainingRoomStarted,
    TrainingRoomUpdated,
)

Request = (Hello | LoadModel | DrawInput | OpenInput | AddInput | Fork | Advance | Search | Ask | Drop | Cancel
           | StartTrainingRoom | StepTrainingRoom | StopTrainingRoom | Shutdown)
Report = (Welcome | Ready | Progress | Loaded | InputDrawn | Opened | InputAdded | Forked | Stepped | SteppedBlock | Ended
          | BeamStepped | Searched | Answer | Idle | Failed | TrainingRoomStarted | TrainingRoomUpdated | TrainingRoomFailed)


LENGTH = struct.Struct(">I")
LONGEST_MESSAGE = 512 * 1024 * 1024  # bytes; a photograph's file is the largest thing that is ever sent

Message = TypeVar("Message")


class WireError(ValueError):
    """What arrived is not a message: in one sentence."""


_encoder = msgspec.msgpack.Encoder()


def encode(message: Request | Report) -> bytes:
    """The bytes of one message, its length in front."""
    body = _encoder.encode(message)
    return LENGTH.pack(len(body)) + body


class MessageReader(Generic[Message]):
    """Cuts a stream of bytes into messages of one union of types.

    Parameters
    ----------
    union : type
        `Request` or `Report`: what may arrive.
    """

    def __init__(self, union: object) -> None:
        self._decoder: msgspec.msgpack.Decoder[Message] = msgspec.msgpack.Decoder(union)
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[Message]:
        """Take what arrived and yield the messages that are complete.

        Raises
        ------
        WireError
            When a length is beyond the limit or a message is malformed; the stream is of no use then.
        """
        self._buffer += data
        while len(self._buffer) >= LENGTH.size:
            (length,) = LENGTH.unpack_from(self._buffer)
            if length > LONGEST_MESSAGE:
                raise WireError(f"A message of {length} bytes was announced, which is over the limit.")
            end = LENGTH.size + length
            if len(self._buffer) < end:
                return
            body = bytes(self._buffer[LENGTH.size : end])
            del self._buffer[:end]
            try:
                message = self._decoder.decode(body)
            except (msgspec.DecodeError, ValueError) as error:
                raise WireError(f"A malformed message arrived: {error}") from error
            yield message


def request_reader() -> MessageReader[Request]:
    """For the backend's side."""
    return MessageReader(Request)


def report_reader() -> MessageReader[Report]:
    """For the window's side."""
    return MessageReader(Report)
