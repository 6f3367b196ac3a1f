"""What a Locust worker and its engine say to each other: msgpack over a socket pair, a length before each message.

Rows travel as plain mappings, column name to value, in the shape of `results.schema`.
"""

from __future__ import annotations

import struct
from typing import Any

import msgspec

_LENGTH = struct.Struct(">I")


class Configure(msgspec.Struct, tag=True):
    """First message to an engine: what it is to run, and where."""

    worker: str
    scenarios: list[str]
    """Paths of the scenario files."""

    target: str
    """Base URL of the API, e.g. `http://127.0.0.1:8080/v1`."""

    dialect: str
    transport: str
    """websocket or webrtc; empty where each scenario says it."""

    run_directory: str
    """Where trace shards go."""

    codec: str = ""
    """opus, pcmu or pcma, over WebRTC; empty where each scenario says it."""

    first_user: int = 0
    """Number of the first user in this process; users of other workers have other numbers."""


class StartCall(msgspec.Struct, tag=True):
    """Hold one conversation."""

    call: int
    scenario: str
    """By name."""

    user: int
    iteration: int
    seed: int


class StopCall(msgspec.Struct, tag=True):
    """End a conversation: after the turn under way, or at once."""

    call: int
    abort: bool = False


class Shutdown(msgspec.Struct, tag=True):
    """Abort what still runs, hand over all rows, and exit."""


class Ready(msgspec.Struct, tag=True):
    """The engine is configured, and its clips are encoded."""


class Refused(msgspec.Struct, tag=True):
    """The engine cannot run this: a sentence for the user, and the exit code."""

    message: str
    exit_code: int


class Row(msgspec.Struct, tag=True):
    """One finished row of a table."""

    table: str
    columns: dict[str, Any]


class CallOver(msgspec.Struct, tag=True):
    """A conversation ended; its rows were sent before this."""

    call: int
    outcome: str
    error_class: str = ""
    error_detail: str = ""


class Goodbye(msgspec.Struct, tag=True):
    """The engine's last message: how many rows of each table it has sent."""

    rows: dict[str, int]
    trace_error: str = ""
    """Why part of the trace could not be written; empty where all of it was."""


ToEngine = Configure | StartCall | StopCall | Shutdown
FromEngine = Ready | Refused | Row | CallOver | Goodbye

_encode = msgspec.msgpack.Encoder().encode


def pack(message: ToEngine | FromEngine) -> bytes:
    """One message as it goes over the pipe."""
    body = _encode(message)
    return _LENGTH.pack(len(body)) + body


class Unpacker:
    """Cuts a byte stream into messages of one direction."""

    def __init__(self, kind: Any) -> None:
        """`kind` is `ToEngine` or `FromEngine`."""
        self._decode = msgspec.msgpack.Decoder(kind).decode
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[Any]:
        """The messages that are complete now. Raises msgspec.DecodeError on what is none."""
        buffer = self._buffer
        buffer += data
        messages = []
        position = 0
        while len(buffer) - position >= _LENGTH.size:
            (size,) = _LENGTH.unpack_from(buffer, position)
            end = position + _LENGTH.size + size
            if len(buffer) < end:
                break
            messages.append(self._decode(bytes(buffer[position + _LENGTH.size : end])))
            position = end
        del buffer[:position]
        return messages
