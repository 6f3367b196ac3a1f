"""A session whose line is faulty: stands before the emulated session, and garbles, holds back or breaks what goes out.

The session behind it behaves as always; what it says is changed on the way. Faults come from the profile,
and from the caller's own orders (`core.fault_order`), each of which strikes once.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Protocol

from rtbench.core.audio import Audio
from rtbench.core.client_events import InputAudioAppend, ResponseCancel
from rtbench.core.fault_order import FAULT_ORDER_TYPE
from rtbench.core.machine import Outgoing
from rtbench.core.response_events import AudioDelta, ResponseCreated, ResponseDone, TextDelta
from rtbench.core.server_events import ErrorDetail, ErrorReceived, ServerEvent, SessionCreated, UnknownEvent
from rtbench.emulator.fault_log import FaultRow
from rtbench.emulator.line_faults import CODES_BY_TYPE, LINE_FAULTS, LineFault, parse_line_fault

MID_ANSWER_DELTAS = 2
"""Deltas of an answer that are sent before a fault in its middle strikes."""

_ENDS = frozenset({"close", "reset", "response_failed", "response_incomplete"})
"""Faults after which nothing of an answer goes out."""

_CUT_MESSAGE = b'{"type":"response.output_audio.delta","event_id":"event_cut","delta":"AAAA'


@dataclass(frozen=True, slots=True)
class RawMessage:
    """Bytes to be sent as they are, past the codec."""

    data: bytes


@dataclass(frozen=True, slots=True)
class BreakLine:
    """Order to the shell: end the connection; 1006 is without a word."""

    code: int


class Session(Protocol):
    """The machine behind, as far as it is needed here (see `core.machine.Machine`)."""

    def start(self, now: int) -> None: ...

    def receive(self, event: Any, now: int) -> None: ...

    def wake(self, now: int) -> None: ...

    def outgoing(self) -> list[Outgoing]: ...

    def sent(self, event: Any, sent_ns: int) -> None: ...

    def next_wake(self) -> int | None: ...

    @property
    def outcome(self) -> str | None: ...

    @property
    def session_id(self) -> str: ...


class DoorOrders(Protocol):
    """Takes the orders that concern later connections."""

    def order(self, fault: LineFault) -> None: ...


class FaultySession:
    """A `core.machine.Machine` around another one."""

    def __init__(
        self,
        session: Session,
        faults: Iterable[LineFault],
        seed: str,
        door: DoorOrders,
        struck: Counter[str] | None = None,
    ) -> None:
        """`struck` counts what struck by kind, over all sessions of the service."""
        self._session = session
        self._faults = [fault for fault in faults if fault.when != "door"]
        self._rng = random.Random(f"{seed}/line")
        self._door = door
        self._orders: list[LineFault] = []
        self._struck = Counter() if struck is None else struck
        self._twice = 0
        self._rows: list[FaultRow] = []
        self._now = 0
        self._held: list[Outgoing] = []
        self._held_until_ns: int | None = None
        """Until when nothing goes out; None while all does."""

        self._silent = False
        self._response_id = ""
        """The answer under way."""

        self._deltas = 0
        self._striking: list[tuple[LineFault, bool]] = []
        """What strikes in the answer under way, and whether it was ordered."""

        self._muted: set[str] = set()
        self._last_delta: ServerEvent | None = None

    @property
    def session_id(self) -> str:
        return self._session.session_id

    @property
    def outcome(self) -> str | None:
        return self._session.outcome

    def start(self, now: int) -> None:
        self._now = now
        self._session.start(now)

    def receive(self, event: Any, now: int) -> None:
        if type(event) is not InputAudioAppend and now > self._now:
            self._now = now
        if isinstance(event, UnknownEvent) and event.type == FAULT_ORDER_TYPE:
            self._take_order(event, now)
        else:
            self._session.receive(event, now)

    def wake(self, now: int) -> None:
        self._now = max(self._now, now)
        self._session.wake(now)

    def next_wake(self) -> int | None:
        wakes = (self._session.next_wake(), self._held_until_ns)
        return min((wake for wake in wakes if wake is not None), default=None)

    def sent(self, event: Any, sent_ns: int) -> None:
        self._now = max(self._now, sent_ns)
        if isinstance(event, ServerEvent):
            self._session.sent(event, sent_ns)

    def outgoing(self) -> list[Outgoing]:
        said = self._session.outgoing()
        if not said and self._held_until_ns is None:
            return said
        out: list[Outgoing] = []
        for outgoing in said:
            out += self._garbled(outgoing)
        if self._held_until_ns is not None:
            self._held += out
            if self._now < self._held_until_ns:
                return []
            out, self._held, self._held_until_ns = self._held, [], None
        return [] if self._silent else out

    def take_rows(self) -> list[FaultRow]:
        """What struck since the last call."""
        rows, self._rows = self._rows, []
        return rows

    # What goes wrong when.

    def _garbled(self, outgoing: Outgoing) -> Iterator[Outgoing]:
        event, due_ns = outgoing
        self._now = max(self._now, due_ns)
        match event:
            case SessionCreated():
                yield from self._greet(outgoing)
                return
            case ResponseCreated():
                self._begin_answer(event.response["id"])
                yield from self._strike("before_answer", due_ns)
        if _response_of(event) in self._muted:
            return
        if isinstance(event, AudioDelta) and self._takes("odd_audio", due_ns):
            event = replace(event, delta=Audio(event.delta.data + b"\x00"))
        if _response_of(event) == self._response_id and self._takes("duplicate_events", due_ns):
            self._twice += 1
            event = replace(event, event_id=f"event_twice_{self.session_id}_{self._twice}")
            yield Outgoing(event, due_ns)
        yield Outgoing(event, due_ns)
        if isinstance(event, AudioDelta | TextDelta) and event.response_id == self._response_id:
            self._deltas += 1
            self._last_delta = event
            if self._deltas == MID_ANSWER_DELTAS:
                yield from self._strike("mid_answer", due_ns)
        elif isinstance(event, ResponseDone) and event.response["id"] == self._response_id:
            yield from self._strike("after_answer", due_ns)
            self._striking = []

    def _greet(self, greeting: Outgoing) -> Iterator[Outgoing]:
        self._striking = list(self._choose(("setup",)))
        for fault, ordered in tuple(self._striking):
            if fault.kind == "no_session":
                self._note(fault, ordered)
                self._silent = True
            elif fault.kind == "late_session":
                lasts_ms = fault.lasts.draw_ms(self._rng) if fault.lasts is not None else 0.0
                self._held_until_ns = greeting.due_ns + round(lasts_ms * 1e6)
                self._note(fault, ordered, setting=f"{lasts_ms:g} ms")
        yield from self._strike("setup", greeting.due_ns)
        yield greeting

    def _begin_answer(self, response_id: str) -> None:
        self._response_id = response_id
        self._deltas = 0
        self._last_delta = None
        self._striking = list(self._choose(("before_answer", "mid_answer", "after_answer", "answer")))

    def _choose(self, moments: tuple[str, ...]) -> Iterator[tuple[LineFault, bool]]:
        """What strikes now, or in the answer that begins."""
        for order in [order for order in self._orders if order.when in moments]:
            self._orders.remove(order)
            yield order, True
        for fault in self._faults:
            if fault.when in moments and (fault.most is None or self._struck[fault.kind] < fault.most):
                strikes = self._rng.random() < fault.rate
                self._struck[fault.kind] += strikes
                if strikes:
                    yield fault, False

    def _takes(self, kind: str, now: int) -> bool:
        """Whether a fault that lasts all through the answer is in force; noted the first time."""
        for index, (fault, ordered) in enumerate(self._striking):
            if fault.kind == kind:
                if not fault.settings.get("noted"):
                    self._note(fault, ordered)
                    self._striking[index] = (
                        replace(fault, settings={**fault.settings, "noted": True}),
                        ordered,
                    )
                return True
        return False

    def _strike(self, moment: str, due_ns: int) -> Iterator[Outgoing]:
        for fault, ordered in tuple(self._striking):
            if fault.when == moment and fault.kind not in ("no_session", "late_session"):
                self._striking.remove((fault, ordered))
                for event in self._effects(fault, ordered):
                    yield Outgoing(event, due_ns)
                if fault.kind in _ENDS:
                    self._striking.clear()  # whatever else was to strike in this answer cannot be seen any more
                    return

    def _effects(self, fault: LineFault, ordered: bool) -> Iterator[Any]:
        settings = fault.settings
        match fault.kind:
            case "close" | "reset":
                code = settings.get("code", 1006)
                self._note(fault, ordered, setting=str(code))
                yield BreakLine(code)
                self._muted.add(self._response_id)
            case "error_event":
                code = settings["error"] or CODES_BY_TYPE[settings["type"]]
                self._note(fault, ordered, setting=code)
                message = "Something went wrong on purpose."
                yield ErrorReceived(error=ErrorDetail(type=settings["type"], code=code, message=message))
            case "response_failed" | "response_incomplete":
                yield self._broken_off(fault, ordered)
            case "stall":
                self._note(fault, ordered)
                if fault.lasts is None:
                    self._mute()
                else:
                    self._held_until_ns = self._now + round(fault.lasts.draw_ms(self._rng) * 1e6)
            case "stale_events" if self._last_delta is not None:
                self._note(fault, ordered)
                yield replace(self._last_delta, event_id="")
            case "unknown_event":
                self._note(fault, ordered)
                yield UnknownEvent(type="rtbench.unheard_of", payload={"type": "rtbench.unheard_of"})
            case "invalid_json":
                self._note(fault, ordered)
                yield RawMessage(_CUT_MESSAGE)
            case "oversized":
                size = round(settings["megabytes"] * 2**20)
                self._note(fault, ordered, setting=f"{size} bytes")
                yield RawMessage(b'{"type":"rtbench.large","text":"' + b"a" * size + b'"}')

    def _broken_off(self, fault: LineFault, ordered: bool) -> ServerEvent:
        """The answer's end, before its time; nothing of it comes after."""
        details: dict[str, Any] = {"type": "failed"}
        if fault.kind == "response_failed":
            code = fault.settings["error"]
            details["error"] = {"type": "server_error", "code": code, "message": "It went wrong on purpose."}
            self._note(fault, ordered, setting=code)
        else:
            details = {"type": "incomplete", "reason": fault.settings["reason"]}
            self._note(fault, ordered, setting=fault.settings["reason"])
        response_id = self._response_id
        self._mute()
        status = details["type"]
        response = {
            "object": "realtime.response",
            "id": response_id,
            "status": status,
            "status_details": details,
            "output": [],
        }
        return ResponseDone(response=response)

    def _mute(self) -> None:
        """Nothing more of this answer goes out, and the session behind stops making it."""
        response_id = self._response_id
        self._muted.add(response_id)
        self._session.receive(ResponseCancel(response_id=response_id), self._now)

    def _take_order(self, event: UnknownEvent, now: int) -> None:
        written = event.payload.get("fault")
        for name, settings in written.items() if isinstance(written, dict) else ():
            if name not in LINE_FAULTS:
                continue
            try:
                order = parse_line_fault(name, settings)
            except ValueError:
                continue  # the scenario was checked before; a stray client's order is not worth a session
            if order.when == "door":
                self._door.order(order)
            else:
                self._orders.append(order)

    def _note(self, fault: LineFault, ordered: bool, setting: str = "") -> None:
        in_answer = "" if fault.when == "setup" else self._response_id
        self._rows.append(
            FaultRow(fault.kind, self._now, self._session.session_id, in_answer, setting, ordered)
        )


def _response_of(event: Any) -> str:
    """The response that an event belongs to, empty for none."""
    response = getattr(event, "response", None)
    if isinstance(response, dict):
        return str(response.get("id", ""))
    return getattr(event, "response_id", "")
