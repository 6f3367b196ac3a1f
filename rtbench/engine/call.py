"""One call: connects, holds its conversation over as many connections as that takes, and hands over its rows."""

from __future__ import annotations

import asyncio
import random
import weakref
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import msgspec

from rtbench.clock import monotonic_ns
from rtbench.core.errors import CredentialsRefused
from rtbench.core.fault_order import FaultOrder
from rtbench.core.filtered_events import Inference
from rtbench.core.incidents import Incident, Mishap
from rtbench.core.machine import Disconnected, Outgoing
from rtbench.core.microphone import PlayClip, StartMicrophone
from rtbench.core.reconnection import Cut, Dial, HangUp, Ping, Pong
from rtbench.core.resilience import ResilientCaller
from rtbench.core.response_events import AudioDelta
from rtbench.core.rtp import Media, Packet
from rtbench.core.script import ChangeNetwork
from rtbench.core.server_events import SessionCreated, SessionUpdated
from rtbench.core.sessions import Session
from rtbench.core.stimuli import Stimulus
from rtbench.core.streamed_voice import StreamedVoice
from rtbench.core.turns import Turn
from rtbench.dialects.dialect import ClientCodec
from rtbench.engine.alarm import AlarmClock
from rtbench.engine.call_link import CallLink
from rtbench.engine.darkroom import Darkroom
from rtbench.engine.disruption import RandomBreaks
from rtbench.engine.driver import Driver
from rtbench.engine.handshake_cut import cut_handshake
from rtbench.engine.keepsakes import Keepsakes
from rtbench.engine.lateness import LatenessLog
from rtbench.engine.ledger import ENGINE_FAULT, Emit, Ledger, Podium
from rtbench.engine.line import CONNECT_TIMEOUT_S, Line, WebSocketLine, refused
from rtbench.engine.microphone import PacedMicrophone
from rtbench.engine.plan import Plan
from rtbench.engine.rows import RowKeys, emit_told
from rtbench.engine.trace import SessionTrace
from rtbench.transports.connection import ConnectError
from rtbench.transports.websocket import Inbox


@dataclass(slots=True)
class Surroundings:
    """What the calls of one engine share."""

    alarms: AlarmClock
    lateness: LatenessLog
    unix_offset_ns: int
    sessions_alive: Callable[[], int]
    emit: Emit
    darkroom: Darkroom
    inbox: Inbox = field(default_factory=Inbox)
    podium: Podium = field(default_factory=Podium)


class Call(Driver):
    """One conversation of one caller, from the request for it to its last row."""

    def __init__(
        self,
        around: Surroundings,
        plan: Plan,
        keys: RowKeys,
        seed: int,
        phase_ns: int,
        trace: SessionTrace,
    ) -> None:
        self._around = around
        self._plan = plan
        self._planned_ns = monotonic_ns()
        script = plan.script(seed)
        self._conversation = conversation = ResilientCaller(
            script,
            random.Random(f"{seed}/reconnection"),
            frame_ns=plan.frame_ns,
            phase_ns=phase_ns,
            planned_ns=self._planned_ns,
        )
        conversation.session.planned_ns = self._planned_ns
        self._client_codec: ClientCodec = plan.dialect.client_codec()
        self._interrupts = script.session.interrupts_by_itself
        self._inference: Inference | None = None
        self._keepsakes = Keepsakes(plan, script, conversation, around.podium.turns)
        self._farewells: set[asyncio.Task[None]] = set()
        emit = partial(emit_told, around.emit) if plan.scenario.is_filtered else around.emit
        self._ledger = Ledger(
            keys,
            self._conversation,
            script.session.input_format.rate_hz,
            around.unix_offset_ns,
            emit,
            lambda: plan.price(fell_back=conversation.session.fell_back),
            around.darkroom.developer(emit, self._farewells),
        )
        self._microphone: PacedMicrophone | None = None
        self._ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._link: CallLink | None = None
        self._line: Line | None = None
        self._attempt: asyncio.Task[None] | None = None
        self._finished: list[Mishap | Incident | Turn | Stimulus] = []
        self._fault: Exception | None = None
        self._frames_sent = self._bytes_sent = self._bytes_received = 0
        """Over the connections that were left."""

        self._network = plan.network(seed, self._planned_ns)
        self._seed = seed
        super().__init__(self._conversation, self._client_codec, around.alarms, trace, self._set_ended)

    @property
    def scenario(self) -> str:
        """The scenario's name."""
        return self._plan.scenario.name

    @property
    def conversation(self) -> ResilientCaller:
        return self._conversation

    async def hold(self) -> None:
        """Connect and talk until the conversation is over; ends with the session's row, then raises a fault of ours."""
        if self._conversation.outcome is None:
            self._conversation.begin(self.advance(self._planned_ns))
            self.settle()
        drops = self._plan.scenario.drops
        breaks = None if drops is None else RandomBreaks(drops, self._seed, self, self._alarms)
        await self._ended
        if breaks is not None:
            breaks.stop()
        if self._attempt is not None:
            self._attempt.cancel()
        if self._microphone is not None:
            self._microphone.stop()
        if self._line is not None:
            await self._line.leave(self._conversation.session)
        self._write_rows()
        if self._farewells:
            await asyncio.wait(self._farewells)
        self._write_session()
        # These refer back: memory would go with the next full collection only.
        self._connection = self._link = self._line = self._microphone = None
        if self._fault is not None:
            raise self._fault

    def begin_connection(self, link: CallLink) -> None:
        """The connection that was dialled stands."""
        self.start(link)
        if self._plan.scenario.is_filtered:
            self._inference = Inference(interrupts_by_itself=self._interrupts)
            for event in (SessionCreated(session={}), SessionUpdated(session={})):
                self._conversation.receive(event, self.advance(monotonic_ns()))
                self.settle()

    def stop(self, *, abort: bool = False) -> None:
        """End after the turn under way, or at once."""
        now = self.advance(monotonic_ns())
        if abort:
            self._conversation.abort(now)
        else:
            self._conversation.stop(now)
        self.settle()

    def cut(self, how: str) -> None:
        """Break the connection, a fault on the run's own schedule."""
        self._conversation.cut(how, self.advance(monotonic_ns()))
        self.settle()

    def catch_up(self) -> None:
        if self._link is not None:
            self._link.catch_up()

    def on_close(self, code: int, reason: str, now_ns: int) -> None:
        # We closed it ourselves over a message larger than any of the API's (RFC 6455, 7.4.1).
        error_class = "message_too_big" if reason.startswith("closed from here with 1009") else ""
        self.take(Disconnected(code, reason, error_class), now_ns)

    def take(self, event: Any, arrival_ns: int) -> None:
        self._observer.received(event, arrival_ns)
        for each in self._inference.complete(event) if self._inference is not None else (event,):
            self._conversation.receive(each, self.advance(arrival_ns))
        if isinstance(event, AudioDelta):
            reply = self._conversation.reply(event.response_id)
            if reply is not None:
                self._keepsakes.keep(reply, event.delta)
        self.settle()

    def open_media(self, media: Media) -> StreamedVoice:
        """The agent's voice will come as packets, to `on_packet`."""
        stream = self._conversation.stream
        assert stream is not None, "media without a script that is streamed"
        keepsakes: Keepsakes = weakref.proxy(self._keepsakes)  # which refer to who owns the stream
        stream.open(media, lambda reply, payload: keepsakes.keep_packet(media, reply, payload))
        return stream

    def on_packet(self, packet: Packet, arrival_ns: int) -> None:
        if self._conversation.hear(packet, self.advance(arrival_ns)):
            self.settle()

    def dispatch(self, outgoing: Outgoing) -> None:
        event = outgoing.event
        if isinstance(event, StartMicrophone):
            self._start_microphone()
        elif isinstance(event, PlayClip):
            if self._microphone is not None:
                self._microphone.play(self._plan.messages(event.clip, event.gain_db), event.at_ns)
            if self._keepsakes.recording is not None:
                self._keepsakes.recording.caller_plays(event)
        elif isinstance(event, Dial):
            self._attempt = asyncio.ensure_future(self._dial(event))
        elif isinstance(event, HangUp):
            self._leave(event)
        elif isinstance(event, Cut):
            self._break(event)
        elif isinstance(event, Ping):
            self._ask_for_sign()
        elif isinstance(event, ChangeNetwork):
            self._change_network(event)
        elif isinstance(event, FaultOrder):
            self._order_fault(event)
        else:
            if self._microphone is not None:
                self._microphone.send_due(outgoing.due_ns)
            super().dispatch(outgoing)

    def settle(self) -> None:
        super().settle()
        caller = self._conversation
        finished: tuple[Mishap | Incident | Turn | Stimulus, ...] = (
            *caller.finished_turns(),
            *caller.finished_stimuli(),
            *caller.mishaps(),
            *caller.finished_incidents(),
        )
        if finished:
            # Rows wait until what has arrived by now is stamped: many calls may have lost their connections at once.
            if not self._finished:
                asyncio.get_running_loop().call_soon(self._write_rows)
            self._finished += finished

    # One connection after the other.

    def _adapt_codec(self) -> None:
        """Go on in the codec that is fallen back to, where the network was bad; what was held before it is written."""
        plan, network = self._plan.fallback, self._conversation.session.network
        if plan is None or not network.degraded_intervals:
            return
        self._write_rows()
        network.fall_back(monotonic_ns())
        self._plan, script = plan, plan.script(self._seed)
        self._ledger.change_input(script.session.input_format.rate_hz)
        self._keepsakes = Keepsakes(plan, script, self._conversation, self._around.podium.turns)

    async def _dial(self, dial: Dial) -> None:
        """Try to connect; the machine is told how it went, unless it has gone on meanwhile."""
        self._adapt_codec()
        link = self._link = CallLink(self)
        line = self._line = self._new_line(link)
        whole = self._conversation.session
        session = whole if whole.connected_ns is None else Session()
        try:
            if dial.cut_in_handshake:
                offers = self._plan.scenario.transport == "webrtc"
                await cut_handshake(self._plan.target.websocket_url(""), CONNECT_TIMEOUT_S, offers=offers)
            await line.dial(link.begin, session, dial.model)
        except (ConnectError, CredentialsRefused) as error:
            if not link.is_left and self._conversation.outcome is None:
                self._conversation.refused(refused(error), self.advance(monotonic_ns()))
                self.settle()
        except asyncio.CancelledError:
            link.is_left = True
            raise
        except Exception as error:  # what nobody foresaw ends the call, and is told by `hold`
            self._fault = self._fault or error
            self._set_ended()
            self.stop(abort=True)

    def _leave(self, order: HangUp) -> None:
        """This connection is done with."""
        link, self._link = self._link, None
        line, self._line = self._line, None
        if self._microphone is not None:
            self._microphone.stop()
            self._frames_sent += self._microphone.frames_sent
        self._connection = None
        if link is None:
            return
        link.is_left = True
        self._bytes_sent += link.bytes_sent
        self._bytes_received += link.bytes_received
        if order.abrupt:
            link.abort()
        else:
            link.close()
        if line is not None:
            farewell = asyncio.ensure_future(line.leave(self._conversation.session))
            self._farewells.add(farewell)
            farewell.add_done_callback(self._farewells.discard)

    def _break(self, order: Cut) -> None:
        if self._link is None:
            return
        if order.how in ("half_open", "ice_dead") and self._microphone is not None:
            self._microphone.stop()
        self._link.cut(order.how)

    def _change_network(self, order: ChangeNetwork) -> None:
        assert self._network is not None, "a step that changes the network, in a plan without one"
        self._network.change(order.conditions, monotonic_ns())

    def _order_fault(self, order: FaultOrder) -> None:
        if self._link is not None:
            self._link.send(msgspec.json.encode(order.members()))

    def _ask_for_sign(self) -> None:
        link = self._link
        if link is None:
            return
        if not link.ping(self.sign_of_life):
            self.sign_of_life(monotonic_ns())  # the transport watches over its own line, as ICE does

    def sign_of_life(self, now: int) -> None:
        """The other end has answered a ping."""
        self._conversation.receive(Pong(), self.advance(now))
        self.settle()

    def _set_ended(self) -> None:
        if not self._ended.done():
            self._ended.set_result(None)

    def _new_line(self, link: CallLink) -> Line:
        if self._plan.scenario.transport == "websocket":
            return WebSocketLine(self._plan, self._alarms, self._network, self._around.inbox)
        from rtbench.engine.webrtc_line import WebRtcLine  # half a second that others need not wait for

        return WebRtcLine(self._plan, link, self._alarms, self._network, self._around.inbox)

    def _start_microphone(self) -> None:
        line = self._line
        assert line is not None, "a microphone without a connection"
        self._microphone = PacedMicrophone(
            self._conversation.grid,
            self._plan.silence(),
            line.microphone(),
            self._alarms,
            self._around.lateness,
        )

    def _write_rows(self) -> None:
        """Of all that has finished since the last time; one that cannot be written costs the others nothing."""
        while self._finished:
            try:
                self._write_row(self._finished.pop(0))
            except Exception as error:
                self._fault = self._fault or error

    def _write_row(self, record: Mishap | Incident | Turn | Stimulus) -> None:
        around, ledger, keepsakes = self._around, self._ledger, self._keepsakes
        match record:
            case Mishap():
                ledger.mishap(record)
            case Incident():
                ledger.incident(record)
            case Turn():
                late_ms = self._late_max_ms(record.user_speech_start_ns, record.measured_until_ns)
                ledger.turn(record, late_ms, around.sessions_alive(), keepsakes.waveform, keepsakes.sounds)
            case Stimulus():
                late_ms = self._late_max_ms(record.onset_ns, record.measured_until_ns)
                stops, keeps_sound = around.podium.stops, keepsakes.sounds is not None
                ledger.stimulus(record, late_ms, stops, keepsakes.recording, keeps_sound=keeps_sound)

    def _late_max_ms(self, start_ns: int, end_ns: int) -> float:
        """The worst lateness of a frame in the time that a record rests upon: it voids this record, and no other."""
        return 0.0 if self._microphone is None else self._microphone.late_max_between_ms(start_ns, end_ns)

    def _write_session(self) -> None:
        if self._fault is not None:
            session, what = self._conversation.session, f"{type(self._fault).__name__}: {self._fault}"
            session.outcome, session.error_class, session.error_detail = "failed", ENGINE_FAULT, what
            session.errors[ENGINE_FAULT] += 1
        microphone, link = self._microphone, self._link
        current = microphone if link is not None else None  # else its frames were counted when it was left
        self._ledger.session(
            self._client_codec.unknown_fields,
            bytes_sent=self._bytes_sent + (link.bytes_sent if link is not None else 0),
            bytes_received=self._bytes_received + (link.bytes_received if link is not None else 0),
            frames_sent=self._frames_sent + (current.frames_sent if current is not None else 0),
            frame_late_max_ms=microphone.late_max_ms if microphone is not None else 0.0,
        )
