"""Faults of the line and of the door: what breaks connections, garbles messages, and keeps callers out.

Written in a profile beside the others (see `faults`), and by a scenario's `fault` step, which strikes
once at its next occasion. Each is written as its main setting, or as a mapping with more:

    faults: {close: 1011}
    faults: {close: {code: 1012, when: mid_answer, rate: 0.2, most: 1}}

`rate` is how often it strikes when it can, `most` how often in all, over all callers of the service, `when`
at which moment, where there is a choice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Literal

from rtbench.core.filtered_events import TOLD
from rtbench.emulator.delays import ZERO, Delay, parse_delay
from rtbench.scenario.duration import Duration
from rtbench.scenario.fault import did_you_mean, fault, shown

When = Literal["setup", "before_answer", "mid_answer", "after_answer", "answer", "door"]
"""setup: where `session.created` is due; before_answer: where `response.created` is; mid_answer: after
its second delta, over WebRTC where its second piece of audio begins to be played; after_answer: after
`response.done`; answer: all through one; door: at the upgrade, over WebRTC at the request for a client
secret and at the offer."""

Transport = Literal["websocket", "webrtc"]

At = Literal["", "upgrade", "key", "call"]
"""Which request of a caller is at the door: a WebSocket's upgrade, or `POST .../client_secrets` and `POST .../calls`;
empty for any."""

ERROR_TYPES = (
    "invalid_request_error",
    "server_error",
    "rate_limit_error",
    "authentication_error",
    "insufficient_quota",
)
"""Types of the API's error events (API reference, "error"; the last two as its error guide names them)."""

CLOSE_CODES = (1000, 1001, 1006, 1008, 1011, 1012, 1013, 4000)
"""RFC 6455, 7.4.1 and the IANA registry; 4000 as OpenAI closes clients of the beta; 1006 is a cut without a word."""

INCOMPLETE_REASONS = ("max_output_tokens", "content_filter")
REFUSALS = (400, 401, 403, 404, 408, 429, 500, 502, 503, 504)


@dataclass(frozen=True, slots=True)
class LineFault:
    """One fault, ready to strike."""

    kind: str
    when: When
    rate: float = 1.0
    most: int | None = None
    lasts: Delay | None = None
    """For faults that take time; None for ever."""

    settings: Mapping[str, Any] = field(default_factory=dict)

    def concerns(self, transport: Transport) -> bool:
        """Whether it can strike sessions over this transport."""
        return LINE_FAULTS[self.kind].only in ("", transport)


@dataclass(frozen=True, slots=True)
class _Kind:
    """How one kind of fault is written: its main setting, the others with their defaults, and its moments."""

    moments: tuple[When, ...]
    main: str = "rate"
    others: Mapping[str, Any] = field(default_factory=dict)
    lasts: bool = False
    """The main setting is a delay."""

    only: Literal["", "websocket", "webrtc"] = ""
    """The transport to which it belongs; empty for both."""

    sign: str = ""
    """Wire type of the event by which alone it is known; empty where callers hear it, miss it, or lose the line."""


def _one_of(*valid: Any) -> Callable[[Any, str], Any]:
    def check(written: Any, at: str) -> Any:
        if isinstance(written, bool) or written not in valid:
            raise fault(f"must not be {shown(written)}{did_you_mean(str(written), map(str, valid))}", at)
        return written

    return check


def _text(written: Any, at: str) -> str:
    if not isinstance(written, str) or not written:
        raise fault(f"must be text, not {shown(written)}", at)
    return written


def _number(low: float, high: float) -> Callable[[Any, str], Any]:
    def check(written: Any, at: str) -> Any:
        if isinstance(written, bool) or not isinstance(written, int | float) or not low <= written <= high:
            raise fault(f"must be a number from {low:g} to {high:g}, not {shown(written)}", at)
        return written

    return check


def _seconds(written: Any, at: str) -> float:
    try:
        return Duration.parse(written).s
    except ValueError as error:
        raise fault(str(error), at) from None


_CHECKS: dict[str, Callable[[Any, str], Any]] = {
    "rate": _number(0, 1),
    "most": _number(1, 1_000_000),
    "code": _one_of(*CLOSE_CODES),
    "status": _one_of(*REFUSALS),
    "type": _one_of(*ERROR_TYPES),
    "error": _text,
    "reason": _one_of(*INCOMPLETE_REASONS),
    "megabytes": _number(1, 64),
    "packets": _number(1, 500),
    "at": _one_of("key", "call"),
    "retry_after": _seconds,
    "model": _text,
}

UNHEARD_OF = "rtbench.unheard_of"
"""A type of event that the API does not have."""

_STRIKING: tuple[When, ...] = ("before_answer", "mid_answer", "setup", "after_answer")

LINE_FAULTS: dict[str, _Kind] = {
    "close": _Kind(_STRIKING, "code"),  # the connection is closed with this code
    "reset": _Kind(_STRIKING),  # the connection is cut without a word
    "vanish": _Kind(_STRIKING),  # nothing more comes, and nothing is answered, but nobody is told
    "close_channel": _Kind(_STRIKING, only="webrtc"),  # the data channel alone is closed
    "late_session": _Kind(  # `session.created` comes so much later
        ("setup",), "delay", lasts=True, sign="session.created"
    ),
    "no_session": _Kind(("setup",), sign="session.created"),  # `session.created` never comes
    "error_event": _Kind(("before_answer", "mid_answer", "setup"), "type", {"error": ""}, sign="error"),
    "response_failed": _Kind(  # the answer breaks off with this error code
        ("mid_answer",), "error", sign="response.done"
    ),
    "response_incomplete": _Kind(  # the answer breaks off for this reason
        ("mid_answer",), "reason", sign="response.done"
    ),
    "stall": _Kind(
        ("mid_answer",), "delay", lasts=True
    ),  # nothing comes for so long; written as a rate, for ever
    "duplicate_events": _Kind(("answer",)),  # every event of the answer comes twice
    "stale_events": _Kind(  # audio of an answer that is over comes once more
        ("after_answer",), sign="response.done"
    ),
    "unknown_event": _Kind(("before_answer",), sign=UNHEARD_OF),  # of a type that the API does not have
    "invalid_json": _Kind(("before_answer",)),  # a message that breaks off in the middle
    "oversized": _Kind(("before_answer",), "megabytes"),  # a message of this size
    "odd_audio": _Kind(("answer",)),  # audio with half a sample at its end; over WebRTC packets cut short
    "lost_packets": _Kind(("mid_answer",), "packets", only="webrtc"),  # so many in a row are lost on the way
    "refuse": _Kind(("door",), others={"at": ""}),  # the connection is cut instead of an answer
    "refusal": _Kind(("door",), "status", {"retry_after": None, "model": "", "at": ""}),  # an HTTP error
    "slow_upgrade": _Kind(("door",), "delay", {"at": ""}, lasts=True),  # the answer comes so much later
}
"""Every fault of this family by its name. What a close code is over WebRTC: `core.farewells`."""

CODES_BY_TYPE = {
    "invalid_request_error": "invalid_value",
    "server_error": "server_error",
    "rate_limit_error": "rate_limit_exceeded",
    "authentication_error": "invalid_api_key",
    "insufficient_quota": "insufficient_quota",
}
"""Error code that goes with a type where none is written."""


def parse_line_fault(name: str, written: Any) -> LineFault:
    """Read one fault. Raises a pydantic error that leads to the key at fault, or ValueError for a delay."""
    kind = LINE_FAULTS[name]
    full = dict(written) if isinstance(written, Mapping) and not _is_delay(written) else {kind.main: written}
    for key in full:
        valid = {kind.main, *kind.others, "rate", "most", "when"}
        if key not in valid:
            raise fault(f"unknown key '{key}'{did_you_mean(str(key), valid)}", str(key))
    when = full.pop("when", kind.moments[0])
    if when not in kind.moments:
        raise fault(f"must not be {shown(when)}{did_you_mean(str(when), kind.moments)}", "when")
    lasts: Delay | None = ZERO
    if kind.lasts:
        lasts = None
        given = full.pop(kind.main, None)
        if isinstance(given, int | float) and not isinstance(given, bool) and name == "stall":
            full["rate"] = given
        elif given is not None:
            lasts = parse_delay(given)
        elif name != "stall":
            raise fault(f"must have {kind.main}", kind.main)
    checked = {key: _CHECKS[key](value, key) for key, value in full.items()}
    rate, most = checked.pop("rate", 1.0), checked.pop("most", None)
    settings = {**kind.others, **checked}
    if kind.main not in ("rate", "delay") and kind.main not in settings:
        raise fault(f"must have {kind.main}", kind.main)
    return LineFault(name, when, float(rate), most, lasts, settings)


def parse_orders(written: Any) -> Iterator[LineFault]:
    """What a caller orders (see `core.fault_order`), by the faults' names.

    The scenario was checked before; a stray client's order that is none is not worth a session, and is passed over.
    """
    for name, settings in written.items() if isinstance(written, Mapping) else ():
        if name in LINE_FAULTS:
            with suppress(ValueError):
                yield parse_line_fault(name, settings)


def objection(found: LineFault, transport: Transport, *, filtered: bool = False) -> str:
    """Why a fault can never strike callers over this transport, or never be seen by them; empty where it can.

    `filtered`: their data channel tells few events.
    """
    if not found.concerns(transport):
        here, there = ("WebRTC", "a WebSocket") if transport == "webrtc" else ("a WebSocket", "WebRTC")
        return f"has no meaning over {here}; it is a fault of calls over {there}"
    if transport == "websocket" and found.settings.get("at"):
        return "has no meaning over a WebSocket with a key 'at': that names a request of callers over WebRTC"
    return untold(LINE_FAULTS[found.kind].sign) if filtered else ""


def untold(sign: str) -> str:
    """Why a fault with this sign cannot be seen behind a filter of events; empty where it can."""
    if sign in ("", *TOLD):
        return ""
    return f"is known by {sign} alone, which webrtc_filter keeps back; set control: sideband"


def _is_delay(written: Mapping[str, Any]) -> bool:
    """Whether a mapping is itself a delay: a distribution."""
    return bool({"normal", "lognormal", "empirical"} & set(written))
