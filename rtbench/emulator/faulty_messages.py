"""Messages that a faulty line adds to a session's own: errors, ends of answers before their time, and garbage."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rtbench.core.response_events import ResponseDone
from rtbench.core.server_events import ErrorDetail, ErrorReceived, UnknownEvent
from rtbench.emulator.line_faults import CODES_BY_TYPE, UNHEARD_OF

STREAMED_LARGE_BYTES = 5 << 16
"""Over WebRTC: above what we and browsers take (`a=max-message-size`, 256 KiB), and no larger, as SCTP is slow."""

_CUT = b'{"type":"response.output_audio.delta","event_id":"event_cut","delta":"AAAA'


@dataclass(frozen=True, slots=True)
class RawMessage:
    """Bytes to be sent as they are, past the codec."""

    data: bytes


def error_event(settings: Mapping[str, Any]) -> ErrorReceived:
    """An error as a fault's settings have it."""
    code = settings["error"] or CODES_BY_TYPE[settings["type"]]
    message = "Something went wrong on purpose."
    return ErrorReceived(error=ErrorDetail(type=settings["type"], code=code, message=message))


def broken_off(kind: str, settings: Mapping[str, Any], response_id: str) -> tuple[ResponseDone, str]:
    """The end of an answer that failed, or stays incomplete, and what made it so."""
    if kind == "response_failed":
        why = settings["error"]
        error = {"type": "server_error", "code": why, "message": "It went wrong on purpose."}
        details: dict[str, Any] = {"type": "failed", "error": error}
    else:
        why = settings["reason"]
        details = {"type": "incomplete", "reason": why}
    response = {
        "object": "realtime.response",
        "id": response_id,
        "status": details["type"],
        "status_details": details,
        "output": [],
    }
    return ResponseDone(response=response), why


def unheard_of() -> UnknownEvent:
    """An event of a type that the API does not have."""
    return UnknownEvent(type=UNHEARD_OF, payload={"type": UNHEARD_OF})


def cut_message() -> RawMessage:
    """One that breaks off in the middle."""
    return RawMessage(_CUT)


def large_message(size_bytes: int) -> RawMessage:
    """One with so much text in it."""
    return RawMessage(b'{"type":"rtbench.large","text":"' + b"a" * size_bytes + b'"}')
