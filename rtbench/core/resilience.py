"""The caller who stays: holds one scripted conversation over as many connections as it takes.

Rules of the machine:

    CONNECTING    -> CONNECTED where a connection stands, DISCONNECTED where it is refused
    CONNECTED     -> DISCONNECTED where it is lost, dead, or left for a new session (rotation)
    DISCONNECTED  -> CONNECTING when the policy's wait is over; where it has no more: once again in
                  writing (fall-back), else the end

Each connection is a `Conversation` of its own, with the steps that are left; a turn that a loss cuts off
is dropped, and the next one is held on the next connection. Without a policy the first loss is the end.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from rtbench.core.agent_voice import Reply
from rtbench.core.call_phase import due_since_ns, phase_of
from rtbench.core.conversation import Conversation
from rtbench.core.deck import Chance
from rtbench.core.event_audit import ODD_AUDIO, EventAudit
from rtbench.core.history import History, contains_words
from rtbench.core.incidents import Incident, IncidentOutcome, Mishap, Phase
from rtbench.core.lifeline import Lifeline
from rtbench.core.machine import Disconnected, Outgoing
from rtbench.core.microphone import FrameGrid
from rtbench.core.outage_log import OutageLog
from rtbench.core.reconnection import END, Backoff, Cut, Dial, HangUp, Ping, Pong, Refused, asked_wait_ns
from rtbench.core.rotation import Rotation
from rtbench.core.rtp import Packet
from rtbench.core.script import Script, Step, turns_in
from rtbench.core.server_events import RateLimitsUpdated
from rtbench.core.session_total import SessionTotal
from rtbench.core.sessions import Session, SessionOutcome
from rtbench.core.stimuli import Stimulus
from rtbench.core.streamed_voice import StreamedVoice
from rtbench.core.turn_fold import TurnFold
from rtbench.core.turns import Turn
from rtbench.core.written_session import in_writing

DEAD = "no_sign_of_life"
"""Error class of a line that was given up by us."""


class ResilientCaller:
    """One caller, as a `core.machine.Machine` whose connections come and go.

    Beside what a `Conversation` sends, `outgoing()` yields `Dial`, `HangUp`, `Cut` and `Ping` for the shell,
    which answers a `Dial` by `start` or `refused`. Nothing of a connection may be fed once it was hung up.
    """

    def __init__(
        self,
        script: Script,
        chance: Chance,
        *,
        frame_ns: int,
        phase_ns: int = 0,
        planned_ns: int | None = None,
    ) -> None:
        self.session = Session()
        """The whole of it: all connections together."""

        self._policy = script.reconnect or END
        self._script = script
        self._frame_ns = frame_ns
        self._phase_ns = phase_ns
        self._planned_ns = planned_ns
        self._texts = {
            clip.name: clip.text for clip in (getattr(step, "clip", None) for step in script.steps) if clip
        }
        self._backoff = Backoff(self._policy, chance)
        self._history = History()
        self._log = OutageLog(self.session)
        self._total = SessionTotal(self.session)
        self._audit = EventAudit(script.session.output_format)
        self._lifeline = Lifeline(self._policy.idle_ns)
        self._conversation = Conversation(script, frame_ns=frame_ns, phase_ns=phase_ns, planned_ns=planned_ns)
        self._connections = 0
        self._items_restored = 0
        self._left: tuple[Step, ...] = script.steps
        self._outbox: list[Outgoing] = []
        self._connected = False
        self._rotation = Rotation(self._policy.rotate_after_ns)
        self._dials = 0
        self._dial_at_ns: int | None = None
        self._cuts_next_handshake = False
        self._last_turn: TurnFold | None = None
        self._stopping = False
        self._outcome: SessionOutcome | None = None

    # What comes in.

    def begin(self, now: int) -> None:
        """The caller wants to talk; called once, before all else."""
        self.session.planned_ns = now if self._planned_ns is None else self._planned_ns
        self._dial(now, now)

    def start(self, now: int) -> None:
        """The connection that was dialled stands."""
        if self._outcome is not None:
            return
        if self._connections:
            self._conversation = self._carried_on()
        self._connections += 1
        self._connected = True
        self._rotation.begin(now)
        self._total.begin()
        self._audit = EventAudit(self._script.session.output_format)
        self._log.connected(now)
        self._lifeline.sign(now)
        self._conversation.start(now)
        if self._stopping:
            self._conversation.stop(now)
        self._follow("setup", now)

    def refused(self, refused: Refused, now: int) -> None:
        """The connection that was dialled did not come about."""
        if self._outcome is not None:
            return
        self._log.refused(refused, now)
        if not refused.is_limit:
            self.session.errors[refused.error_class] += 1
            self._log.mishap(refused.error_class, "handshake", now, detail=refused.detail)
        self.session.error_class, self.session.error_detail = refused.error_class, refused.detail
        self._try_again(refused, now)

    def receive(self, event: Any, now: int) -> None:
        if self._outcome is not None or not self._connected:
            return
        phase = phase_of(self._conversation, now)
        if isinstance(event, Pong):
            self._lifeline.sign(now)
        elif isinstance(event, Disconnected):
            self._conversation.receive(event, now)
        else:
            self._lifeline.sign(now)
            self._history.receive(event)
            if odd := self._audit.finding(event):
                self._log.mishap(odd, phase, now)
            if isinstance(event, RateLimitsUpdated) and (wait_ns := asked_wait_ns(event.rate_limits)):
                self.session.rate_limited += 1
                self._conversation.hold(now + wait_ns)
            self._conversation.receive(event, now)
        self._follow(phase, now)

    def wake(self, now: int) -> None:
        if self._outcome is not None:
            return
        if self._dial_at_ns is not None and now >= self._dial_at_ns:
            self._dial(self._dial_at_ns, now)
        if self._connected:
            self._feed(self._conversation.wake, now)

    def cut(self, how: str, now: int) -> None:
        """Break the connection now: a fault on the run's own schedule."""
        if self._connected and self._outcome is None:
            cut = Cut(how, now)
            self._note_cut(cut)
            self._outbox.append(Outgoing(cut, now))

    def sent(self, event: object, sent_ns: int) -> None:
        self._conversation.sent(event, sent_ns)

    def stop(self, now: int) -> None:
        """Finish the turn under way, then end; at once in an outage."""
        if self._stopping or self._outcome is not None:
            return
        self._stopping = True
        if self._connected:
            self._feed(self._conversation.stop, now)
        elif self._log.is_out:
            self._end("interrupted", "ended", now)

    def abort(self, now: int) -> None:
        """End at once."""
        if self._outcome is not None:
            return
        if self._connected:
            self._feed(self._conversation.abort, now)
        else:
            self._end("interrupted", "ended", now)

    # What goes out.

    def outgoing(self) -> list[Outgoing]:
        said = self._conversation.outgoing() if self._connected or self._outcome is not None else []
        for outgoing in said:
            if isinstance(outgoing.event, Cut):
                self._note_cut(outgoing.event)
        outbox, self._outbox = self._outbox, []
        return said + outbox

    def next_wake(self) -> int | None:
        if self._outcome is not None:
            return None
        if not self._connected:
            return self._dial_at_ns
        wakes = (
            self._conversation.next_wake(),
            self._lifeline.next_wake(due_since_ns(self._conversation)),
            self._rotation.next_wake(self._conversation),
        )
        return min((wake for wake in wakes if wake is not None), default=None)

    @property
    def outcome(self) -> SessionOutcome | None:
        return self._outcome

    def finished_turns(self) -> list[Turn]:
        """Turns closed since the last call."""
        turns = self._conversation.finished_turns()
        for turn in turns:
            if turn.asks_for and turn.outcome == "answered":
                turn.fact_answered = contains_words(self._history.last_answer, turn.asks_for)
            self._log.turn_over(turn)
        return turns

    def finished_stimuli(self) -> list[Stimulus]:
        """Stimuli whose effect is known since the last call."""
        return self._conversation.finished_stimuli()

    def finished_incidents(self) -> list[Incident]:
        """Incidents of which nothing more is to be known, since the last call; to be asked for after the turns."""
        return self._log.take_incidents()

    def mishaps(self) -> list[Mishap]:
        """Errors since the last call."""
        return self._log.take_mishaps()

    @property
    def open_turn(self) -> TurnFold | None:
        """The turn under way."""
        return self._conversation.open_turn

    def reply(self, response_id: str) -> Reply | None:
        """A response's audio, as long as somebody may ask for it."""
        return self._conversation.reply(response_id)

    def hear(self, packet: Packet, now: int) -> bool:
        """A packet of the agent's voice arrived (see `Conversation.hear`)."""
        if not self._connected:
            return False
        self._lifeline.sign(now)
        if not self._conversation.hear(packet, now):
            return False
        if broken := self._audit.broken(self._conversation.stream):
            self._log.mishap(ODD_AUDIO, phase_of(self._conversation, now), now, broken)
        self._follow(phase_of(self._conversation, now), now)
        return True

    @property
    def stream(self) -> StreamedVoice | None:
        """The agent's voice where it comes as RTP, on the present connection."""
        return self._conversation.stream

    @property
    def grid(self) -> FrameGrid:
        """The microphone's frames on the present connection; meaningful once it was started."""
        return self._conversation.grid

    # One connection after the other.

    def _dial(self, due_ns: int, now: int, *, planned: bool = False) -> None:
        self._dial_at_ns = None
        self._log.dialled(due_ns, now)
        self.session.redials += self._dials > 0 and not planned
        model = self._policy.fall_back_model if self.session.fell_back else ""
        dial = Dial(self._dials, due_ns, model, self._cuts_next_handshake)
        self._cuts_next_handshake = False
        self._dials += 1
        self._outbox.append(Outgoing(dial, due_ns))

    def _carried_on(self) -> Conversation:
        """The conversation of the next connection, with the steps that are left and what is to be restored."""
        script = replace(self._script, steps=self._left)
        if self.session.fell_back:
            script = in_writing(script)
        if "session" not in self._policy.restore:
            script = replace(script, session=replace(script.session, settings={"type": "realtime"}))
        items = self._history.items() if "history" in self._policy.restore else []
        self._items_restored = len(items)
        return Conversation(
            script,
            frame_ns=self._frame_ns,
            phase_ns=self._phase_ns,
            planned_ns=self._planned_ns,
            restore=items,
            first_turn=self.session.turns,
            connection=self._connections,
        )

    def _feed(self, act: Callable[[int], None], now: int) -> None:
        phase = phase_of(self._conversation, now)
        act(now)
        self._follow(phase, now)

    def _follow(self, phase: Phase, now: int) -> None:
        """Draw the conclusions of what the conversation has come to."""
        conversation = self._conversation
        self._remember_turn(conversation.open_turn)
        self._absorb(phase, now)
        if conversation.is_talking and self._connected and self._log.is_out:
            part = conversation.session
            self._log.restored(part.created_ns, part.session_id, self._items_restored, now)
            self.session.reconnects += self._log.is_outage
            self._backoff.reset()
        match conversation.outcome:
            case None:
                self._look_after(now)
            case "dropped" | "failed":
                self._lose(phase, now)
            case outcome:
                self._end(outcome, "ended", now)

    def _look_after(self, now: int) -> None:
        """A connection that stands: is it alive, and young enough?"""
        conversation = self._conversation
        if self._lifeline.is_dead(due_since_ns(self._conversation), now):
            gone = Disconnected(1006, "nothing came, not even in answer to a ping", DEAD)
            self._feed(partial(conversation.receive, gone), now)
            return
        if self._lifeline.should_ask(due_since_ns(self._conversation), now):
            self._outbox.append(Outgoing(Ping(), now))
        if not self._stopping and self._rotation.is_due(conversation, now):
            self._rotate(now)

    def _rotate(self, now: int) -> None:
        """Leave for a new session while nobody speaks."""
        self._left = self._conversation.remaining(lost=False)
        self._outbox += self._conversation.outgoing()
        self._conversation.leave(now)
        self._absorb("idle", now)
        self.session.rotations += 1
        self._disconnect("rotation", "", "", "idle", now)
        self._dial(now, now, planned=True)

    def _lose(self, phase: Phase, now: int) -> None:
        """The connection is gone, or is no use."""
        part = self._conversation.session
        dropped_turn = self._conversation.lost_turn
        self._left = self._conversation.remaining(lost=dropped_turn)
        self.session.error_class, self.session.error_detail = part.error_class, part.error_detail
        self._disconnect("drop", part.error_class, part.error_detail, phase, now)
        if dropped_turn:
            self._log.turn_lost(1 + (self._conversation.unsaid() if self._policy.attempts else 0))
        self._try_again(Refused(part.error_class, part.error_detail), now)

    def _disconnect(self, kind: Any, error_class: str, detail: str, phase: Phase, now: int) -> None:
        self._log.lost(kind, error_class, detail, phase, now)
        self._history.connection_lost()
        self._connected = False
        self._outbox.append(Outgoing(HangUp(abrupt=error_class == DEAD), now))

    def _try_again(self, refused: Refused, now: int) -> None:
        """Wait and dial again, fall back, or give up."""
        if self._stopping:
            self._end("interrupted" if self._connections else "failed", "ended", now)
            return
        wait_ns = self._backoff.next_wait_ns(refused)
        if wait_ns is not None:
            self._dial_at_ns = now + wait_ns
        elif self._policy.fall_back == "text" and not self.session.fell_back:
            self.session.fell_back = True
            self._backoff.reset()
            self._dial(now, now)
        else:
            if self._policy.attempts:
                self._log.turn_lost(turns_in(self._left))
            self._end("dropped" if self.session.updated_ns is not None else "failed", "gave_up", now)

    def _end(self, outcome: SessionOutcome, incident: IncidentOutcome, now: int) -> None:
        if outcome in ("completed", "drained"):
            self.session.error_class = self.session.error_detail = ""
        self._outcome = self.session.outcome = outcome
        self.session.ended_ns = now
        self._dial_at_ns = None
        self._log.over(incident, now)

    # What is kept.

    def _note_cut(self, cut: Cut) -> None:
        self._log.cut(cut.how, cut.at_ns)
        self._cuts_next_handshake = self._cuts_next_handshake or cut.in_handshake

    def _remember_turn(self, fold: TurnFold | None) -> None:
        if fold is not None and fold is not self._last_turn:
            self._last_turn = fold
            self._history.user_says(self._texts.get(fold.turn.clip, ""))

    def _absorb(self, phase: Phase, now: int) -> None:
        """Add what this connection has come to so far to the whole."""
        for error_class, count in self._total.absorb(self._conversation).items():
            self._log.mishap(error_class, phase, now, count, self._conversation.session.error_detail)
