"""How messages become bytes: msgpack behind a four-byte length, big end first.

It knows the messages' types and nothing of sockets, so that the window can read from Qt's sockets and everything
else from Python's.
"""

import functools
import operator
import struct
from collections.abc import Iterator
from typing import Annotated, Any, Generic, TypeVar

import msgspec

from unrolled.models.protocol import connection, loading, questions, searching, stepping, training_room, watching
from unrolled.models.protocol.message import MOST_COUNTED, NO_RUN, Count, Report, Request

TOPICS = (connection, loading, questions, searching, stepping, training_room, watching)  # the messages are what these define

LENGTH = struct.Struct(">I")
LONGEST_MESSAGE = 512 * 1024 * 1024  # bytes; a photograph's file is the largest thing that is ever sent

Message = TypeVar("Message", Request, Report)


def messages(base: type[Message]) -> tuple[Any, ...]:
    """The messages of a base, those that were defined outside this package too: its subclasses that have none themselves."""
    own = base.__subclasses__()
    return tuple(message for one in own for message in messages(one)) if own else (base,)


class WireError(ValueError):
    """What arrived is not a message: in one sentence."""


class About(msgspec.Struct, frozen=True):
    """What a message is about, whatever else it says."""

    type: str
    run: Annotated[int, msgspec.Meta(ge=NO_RUN, le=MOST_COUNTED)] = NO_RUN
    branch: Count = 0
    number: Annotated[int, msgspec.Meta(ge=-1, le=MOST_COUNTED)] = -1


class RefusedError(WireError):
    """A whole message has a value that no message of its type can have: what comes behind it can be read."""

    def __init__(self, sentence: str, about: About) -> None:
        super().__init__(sentence)
        self.about = about


_encoder = msgspec.msgpack.Encoder()


def encode(message: Request | Report) -> bytes:
    """The bytes of one message, its length in front."""
    body = _encoder.encode(message)
    return LENGTH.pack(len(body)) + body


class MessageReader(Generic[Message]):
    """Cuts a stream of bytes into messages of one union of types. `base`: `Request` or `Report`: its messages may arrive."""

    def __init__(self, base: type[Message]) -> None:
        self._decoder: msgspec.msgpack.Decoder[Message] = msgspec.msgpack.Decoder(functools.reduce(operator.or_, messages(base)))
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[Message]:
        """Take what arrived and yield the messages that are complete. Raises `WireError` when a length is beyond the limit or
        a message is malformed; the stream is of no use then, but after a `RefusedError`, when nothing may be taken to go on.
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
            except (msgspec.DecodeError, ValueError, RecursionError) as error:
                sentence = f"A malformed message arrived: {error}"
                try:
                    about = msgspec.msgpack.decode(body, type=About)
                except (msgspec.DecodeError, ValueError, RecursionError):
                    raise WireError(sentence) from error
                raise RefusedError(sentence, about) from error
            yield message
