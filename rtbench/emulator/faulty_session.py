"""A session whose line is faulty: stands before the emulated session, and garbles, holds back or breaks what goes out.

The session behind it behaves as always; what it says is changed on the way. Faults come from the profile,
and from the caller's own orders (`core.fault_order`), each of which strikes once.

Over WebRTC an answer's audio is no event: its pieces are ordered ahead of their time (`playout.SpeakPackets`).
What strikes in the middle of an answer waits there until the second piece is to be played, and holds all behind it.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal, Protocol

from rtbench.core.client_events import InputAudioAppend, ResponseCancel
from rtbench.core.farewells import ABNORMAL_CLOSURE, FAREWELLS
from rtbench.core.fault_order import FAULT_ORDER_TYPE
from rtbench.core.machine import Outgoing
from rtbench.core.response_events import (
    AudioDelta,
    AudioTranscriptDelta,
    ResponseCreated,
    ResponseDone,
    TextDelta,
)
from rtbench.core.server_events import (
    ErrorReceived,
    OutputAudioCleared,
    OutputAudioStarted,
    OutputAudioStopped,
    ServerEvent,
    SessionCreated,
    UnknownEvent,
)
from rtbench.emulator.fault_log import FaultRow
from rtbench.emulator.faulty_audio import cut_short, with_half_a_sample
from rtbench.emulator.faulty_messages import (
    STREAMED_LARGE_BYTES,
    broken_off,
    cut_message,
    error_event,
    large_message,
    unheard_of,
)
from rtbench.emulator.line_faults import LineFault, Transport, parse_orders
from rtbench.emulator.packet_loss import PacketLoss
from rtbench.emulator.playout import FallSilent, SpeakPackets

MID_ANSWER_DELTAS = 2
"""Deltas of an answer that are sent before a fault in its middle strikes."""

_ENDS = frozenset(
    {"close", "reset", "vanish", "close_channel", "oversized", "response_failed", "response_incomplete"}
)
"""Faults after which what else was to strike in an answer cannot be seen: it has ended, or the line has, or the
caller will end it.
"""

_PLAYING = (OutputAudioStarted, OutputAudioStopped, OutputAudioCleared)
"""What a service that plays by itself tells of it, also of an answer that broke off."""


@dataclass(frozen=True, slots=True)
class BreakLine:
    """Order to the shell: end the connection; 1006 is without a word."""

    code: int
    how: Literal["close", "vanish", "close_channel"] = "close"
    """vanish: neither say nor hear anything from now on; close_channel: the data channel alone."""


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
        transport: Transport = "websocket",
    ) -> None:
        """`struck` counts what struck by kind, over all sessions of the service."""
        self._session = session
        self._transport = transport
        self._streamed = transport == "webrtc"
        self._faults = [fault for fault in faults if fault.when != "door" and fault.concerns(transport)]
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
        self._struck_at_ns = 0
        """When what strikes in the middle of the answer is to be seen."""

        self._loss = PacketLoss()
        self._striking: list[tuple[LineFault, bool]] = []
        """What strikes in the answer under way, and whether it was ordered."""

        self._muted: set[str] = set()
        """Answers of which nothing goes out any more, and those that broke off, of which the playing is still told."""

        self._broken_off: set[str] = set()
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
            self._take_order(event)
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
        if isinstance(event, ServerEvent | SpeakPackets):
            self._session.sent(event, sent_ns)

    def outgoing(self) -> list[Outgoing]:
        said = self._session.outgoing()
        if not said and self._held_until_ns is None:
            return said
        out: list[Outgoing] = []
        for outgoing in said:
            for each in self._garbled(outgoing):
                (out if self._held_until_ns is None else self._held).append(each)
        if self._held_until_ns is not None and self._now >= self._held_until_ns:
            out += self._held
            self._held, self._held_until_ns = [], None
        return [] if self._silent else out

    def take_rows(self) -> list[FaultRow]:
        """What struck since the last call; what is decided and still to strike is left, and never does if the line ends."""
        rows = [row for row in self._rows if row.at_ns <= self._now]
        self._rows = [row for row in self._rows if row.at_ns > self._now]
        return rows

    # What goes wrong when.

    def _garbled(self, outgoing: Outgoing) -> Iterator[Outgoing]:
        event, due_ns = outgoing
        if not isinstance(event, SpeakPackets):
            self._now = max(self._now, due_ns)
        if isinstance(event, SessionCreated):
            yield from self._greet(outgoing)
            return
        if isinstance(event, FallSilent | ResponseCreated):
            yield from self._end_loss(due_ns)
        if isinstance(event, FallSilent):
            # What is not to be sent any more is not lost either.
            self._rows = [row for row in self._rows if row.kind != "lost_packets" or row.at_ns < event.at_ns]
        if isinstance(event, ResponseCreated):
            self._begin_answer(event.response["id"])
            yield from self._strike("before_answer", due_ns)
        response_id = _response_of(event)
        if response_id in self._muted:
            return
        if response_id in self._broken_off and not isinstance(event, _PLAYING):
            return
        if response_id and response_id == self._response_id:
            yield from self._of_the_answer(event, due_ns)
        else:
            yield outgoing

    def _of_the_answer(self, event: Any, due_ns: int) -> Iterator[Outgoing]:
        """What is left of an event of the answer under way, and what strikes behind it."""
        if isinstance(event, SpeakPackets):
            for piece in self._faulty_packets(event, due_ns):
                yield Outgoing(piece, due_ns)
        else:
            if isinstance(event, ResponseDone):
                yield from self._end_loss(due_ns)
            if isinstance(event, AudioDelta) and self._takes("odd_audio", due_ns):
                event = replace(event, delta=with_half_a_sample(event.delta))
            if self._takes("duplicate_events", due_ns):
                self._twice += 1
                event = replace(event, event_id=f"event_twice_{self.session_id}_{self._twice}")
                yield Outgoing(event, due_ns)
            yield Outgoing(event, due_ns)
        if isinstance(event, AudioTranscriptDelta if self._streamed else AudioDelta | TextDelta):
            self._last_delta = event
        if isinstance(event, SpeakPackets | AudioDelta | TextDelta):
            self._deltas += 1
            if self._deltas == MID_ANSWER_DELTAS:
                yield from self._strike_mid_answer(event, due_ns)
        elif isinstance(event, ResponseDone):
            yield from self._strike("after_answer", due_ns)
            self._striking = []

    def _strike_mid_answer(self, event: Any, due_ns: int) -> Iterator[Outgoing]:
        self._struck_at_ns = event.at_ns if isinstance(event, SpeakPackets) else self._now
        if self._struck_at_ns > self._now and any(fault.when == "mid_answer" for fault, _ in self._striking):
            self._hold(self._struck_at_ns)
        yield from self._strike("mid_answer", due_ns)

    def _hold(self, until_ns: int) -> None:
        """Nothing goes out before this instant."""
        self._held_until_ns = max(until_ns, self._held_until_ns or 0)

    def _faulty_packets(self, event: SpeakPackets, due_ns: int) -> list[SpeakPackets]:
        if self._takes("odd_audio", due_ns):
            event = replace(event, packets=cut_short(event.packets))
        pieces = self._loss.take(event)
        self._rows += self._loss.take_rows()
        return pieces

    def _end_loss(self, due_ns: int) -> Iterator[Outgoing]:
        """The answer has no more pieces."""
        for piece in self._loss.end():
            yield Outgoing(piece, due_ns)
        self._rows += self._loss.take_rows()

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
                code = settings.get("code", ABNORMAL_CLOSURE)
                self._note(fault, ordered, setting=str(code))
                if self._streamed and code in FAREWELLS:
                    yield ErrorReceived(error=FAREWELLS[code])
                yield BreakLine(code)
                self._muted.add(self._response_id)
            case "vanish" | "close_channel":
                self._note(fault, ordered)
                yield BreakLine(ABNORMAL_CLOSURE, fault.kind)
                self._muted.add(self._response_id)
            case "error_event":
                error = error_event(settings)
                self._note(fault, ordered, setting=error.error.code or "")
                yield error
            case "response_failed" | "response_incomplete":
                end, why = broken_off(fault.kind, settings, self._response_id)
                self._note(fault, ordered, setting=why)
                self._broken_off.add(self._response_id)
                self._stop_behind()
                yield end
            case "stall":
                self._note(fault, ordered)
                if fault.lasts is None:
                    self._muted.add(self._response_id)
                    self._stop_behind()
                else:
                    self._hold(self._struck_at_ns + round(fault.lasts.draw_ms(self._rng) * 1e6))
            case "lost_packets":
                names = self._session.session_id, self._response_id
                self._loss = PacketLoss(round(settings["packets"]), *names, ordered=ordered)
            case "stale_events" if self._last_delta is not None:
                self._note(fault, ordered)
                yield replace(self._last_delta, event_id="")
            case "unknown_event" | "invalid_json":
                self._note(fault, ordered)
                yield unheard_of() if fault.kind == "unknown_event" else cut_message()
            case "oversized":
                size = STREAMED_LARGE_BYTES if self._streamed else round(settings["megabytes"] * 2**20)
                self._note(fault, ordered, setting=f"{size} bytes")
                yield large_message(size)

    def _stop_behind(self) -> None:
        """The session behind stops making this answer."""
        self._session.receive(ResponseCancel(response_id=self._response_id), self._now)

    def _take_order(self, event: UnknownEvent) -> None:
        for order in parse_orders(event.payload.get("fault")):
            if order.when == "door":
                self._door.order(order)
            elif order.concerns(self._transport):
                self._orders.append(order)

    def _note(self, fault: LineFault, ordered: bool, setting: str = "") -> None:
        in_answer = "" if fault.when == "setup" else self._response_id
        at_ns = max(self._now, self._struck_at_ns) if fault.when == "mid_answer" else self._now
        self._rows.append(FaultRow(fault.kind, at_ns, self._session.session_id, in_answer, setting, ordered))


def _response_of(event: Any) -> str:
    """The response that an event belongs to, empty for none."""
    response = getattr(event, "response", None)
    if isinstance(response, dict):
        return str(response.get("id", ""))
    return getattr(event, "response_id", "")
