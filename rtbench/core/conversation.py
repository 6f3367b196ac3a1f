"""The caller: holds one scripted conversation, and keeps what was heard of it. Pure; time is an argument.

Rules of the machine:

    SETUP      connection stands -> session.created -> our session.update -> session.updated
               -> the items of an earlier session, if there was one, each acknowledged -> TALKING
               (no answer within the set-up timeout, or a refusal: FAILED)
    TALKING    the script's steps, by the rules of `script_run`, in an `exchange` with the agent
    end of the script -> COMPLETED; asked to stop -> DRAINED after the turn under way; aborted ->
    INTERRUPTED at once; connection lost -> DROPPED, the open turn with it.
"""

from __future__ import annotations

import weakref
from collections.abc import Sequence

from rtbench.core.agent_voice import Reply
from rtbench.core.client_events import ClientEvent, InputAudioCommit, ItemCreate, Json, SessionUpdate
from rtbench.core.exchange import Exchange
from rtbench.core.json_fields import string
from rtbench.core.machine import Disconnected, Outgoing
from rtbench.core.microphone import FrameGrid, StartMicrophone
from rtbench.core.rtp import Packet
from rtbench.core.script import Script, Step, turns_in
from rtbench.core.script_run import ScriptRun
from rtbench.core.server_events import (
    ErrorReceived,
    ItemAdded,
    ItemCreated,
    MalformedEvent,
    ServerEvent,
    SessionCreated,
    SessionUpdated,
    UnknownEvent,
)
from rtbench.core.sessions import Session, SessionOutcome
from rtbench.core.stimuli import Stimulus
from rtbench.core.streamed_voice import StreamedVoice
from rtbench.core.turn_fold import TurnFold
from rtbench.core.turns import Turn, TurnOutcome


class Conversation:
    """One caller's session with a service, as a `core.machine.Machine`.

    `outgoing()` yields client events, and `StartMicrophone` and `PlayClip` for the shell's microphone.
    Finished turns and stimuli are handed out by `finished_turns()` and `finished_stimuli()`; `session`
    is complete once `outcome` is set.
    """

    def __init__(
        self,
        script: Script,
        *,
        frame_ns: int,
        phase_ns: int = 0,
        planned_ns: int | None = None,
        restore: Sequence[Json] = (),
        first_turn: int = 0,
        connection: int = 0,
    ) -> None:
        """`phase_ns` delays the microphone's grid, so that many sessions do not send in step.

        A conversation that carries on another one is given that one's items to `restore`, each with an
        id, and what came before it: `first_turn` turns on `connection` connections.
        """
        self.session = Session()
        self._script = script
        self._frame_ns = frame_ns
        self._phase_ns = phase_ns
        self._planned_ns = planned_ns
        self._outbox: list[Outgoing] = []
        # Its parts know the conversation without keeping it: memory goes with it, and does not wait for a collection
        # of all objects, which holds an engine's loop and is therefore rare there.
        conversation: Conversation = weakref.proxy(self)

        def send(event: ClientEvent, due_ns: int) -> None:
            conversation._send(event, due_ns)

        def close_turn(outcome: TurnOutcome, error_class: str, now: int) -> None:
            conversation._close_turn(outcome, error_class, now)

        self._exchange = Exchange(script, send)
        self._run = ScriptRun(
            script,
            self._exchange,
            send,
            close_turn,
            first_turn=first_turn,
            connection=connection,
        )
        self._restore = tuple(restore)
        self._unacknowledged = {string(item, "id") for item in restore}
        self.lost_turn = False
        """The loss of the connection has cut a turn off."""

        self._setup_deadline_ns: int | None = None
        self._talking = False
        self._stopping = False
        self._outcome: SessionOutcome | None = None

    # What comes in.

    def start(self, now: int) -> None:
        self.session.planned_ns = now if self._planned_ns is None else self._planned_ns
        self.session.connected_ns = now
        self._setup_deadline_ns = now + self._script.setup_timeout_ns

    def receive(self, event: ServerEvent | Disconnected, now: int) -> None:
        wake_ns = self.next_wake()
        if wake_ns is not None and wake_ns <= now:
            self._proceed(now)  # what was due before this event is judged without it, however late the alarm
        if self._outcome is not None:
            return
        match event:
            case Disconnected():
                self._lose_connection(event, now)
                return
            case ErrorReceived():
                self._take_error(event, now)
            case MalformedEvent():
                self._count_malformed()
            case UnknownEvent():
                self.session.unknown_events += 1
            case SessionCreated() if self.session.created_ns is None:
                self._configure(event, now)
            case SessionUpdated() if not self._talking and self.session.update_sent_ns is not None:
                self.session.updated_ns = now
                self._restore_items(now)
            case ItemAdded() | ItemCreated() if not self._talking:
                self._take_acknowledgement(string(event.item, "id"), now)
            case _ if self._talking:
                self._hear(event, now)
        self._proceed(now)

    def hear(self, packet: Packet, now: int) -> bool:
        """A packet of the agent's voice arrived; whether there may now be something to send, or to wake for.

        Nearly all packets change nothing but how much was received, and cost next to nothing.
        """
        if self._outcome is not None or not self._exchange.hear(packet, now):
            return False
        self._proceed(now)
        return True

    def wake(self, now: int) -> None:
        self._proceed(now)

    def sent(self, event: object, sent_ns: int) -> None:
        if isinstance(event, SessionUpdate):
            self.session.update_sent_ns = sent_ns
        elif isinstance(event, InputAudioCommit):
            self._run.commit_sent(sent_ns)

    def stop(self, now: int) -> None:
        """Finish the turn under way, then end."""
        self._stopping = True
        self._run.stop()
        self._proceed(now)

    def abort(self, now: int) -> None:
        """End at once."""
        if self._outcome is None:
            self._close_turn("interrupted", "", now)
            self._end("interrupted", now)

    def hold(self, until_ns: int) -> None:
        """Begin no turn before this instant."""
        self._run.hold(until_ns)

    def leave(self, now: int) -> None:
        """End here, to be carried on by another conversation with `remaining` steps."""
        if self._outcome is None:
            self._close_turn("interrupted", "", now)
            self._end("drained", now)

    def remaining(self, *, lost: bool) -> tuple[Step, ...]:
        """The steps that are left; without those that belong to a turn that was `lost`."""
        return self._run.remaining(lost=lost) if self._talking else self._script.steps

    def unsaid(self) -> int:
        """Interruptions of the turn under way that were still to come: they are lost with it."""
        return (
            0
            if self._stopping
            else turns_in(self.remaining(lost=False)) - turns_in(self.remaining(lost=True))
        )

    @property
    def is_talking(self) -> bool:
        """The session is set up, and what was to be restored is."""
        return self._talking

    # What goes out.

    def outgoing(self) -> list[Outgoing]:
        outbox, self._outbox = self._outbox, []
        return outbox

    def next_wake(self) -> int | None:
        if self._outcome is not None:
            return None
        return self._run.next_wake() if self._talking else self._setup_deadline_ns

    @property
    def outcome(self) -> SessionOutcome | None:
        return self._outcome

    def finished_turns(self) -> list[Turn]:
        """Turns closed since the last call."""
        return self._exchange.finished_turns()

    def finished_stimuli(self) -> list[Stimulus]:
        """Stimuli whose effect is known since the last call."""
        return self._exchange.finished_stimuli()

    @property
    def open_turn(self) -> TurnFold | None:
        """The turn under way."""
        return self._exchange.turn

    def reply(self, response_id: str) -> Reply | None:
        """A response's audio, as long as somebody may ask for it."""
        return self._exchange.voice.reply(response_id)

    @property
    def stream(self) -> StreamedVoice | None:
        """The agent's voice where it comes as RTP, to be opened before the first packet."""
        return self._exchange.stream

    @property
    def grid(self) -> FrameGrid:
        """The microphone's frames; meaningful once it was started."""
        return self._run.grid

    # Set-up.

    def _configure(self, event: SessionCreated, now: int) -> None:
        self.session.created_ns = now
        self.session.session_id = string(event.session, "id")
        self._send(SessionUpdate(session=self._script.session.settings), now)
        self._setup_deadline_ns = now + self._script.setup_timeout_ns

    def _restore_items(self, now: int) -> None:
        """Tell the new session what was said in the old one."""
        for item in self._restore:
            self._send(ItemCreate(item=item), now)
        self._setup_deadline_ns = now + self._script.setup_timeout_ns
        if not self._unacknowledged:
            self._begin_talking(now)

    def _take_acknowledgement(self, item_id: str, now: int) -> None:
        self._unacknowledged.discard(item_id)
        if not self._unacknowledged and self.session.updated_ns is not None:
            self._begin_talking(now)

    def _begin_talking(self, now: int) -> None:
        self._talking = True
        if self._stopping:
            self._end("drained", now)
            return
        grid = FrameGrid(now + self._phase_ns, self._frame_ns)
        if not self._script.session.in_writing:
            self._outbox.append(Outgoing(StartMicrophone(grid.start_ns), now))
        self._run.begin(grid, now)
        self._play(now)

    # Talking.

    def _hear(self, event: ServerEvent, now: int) -> None:
        try:
            self._exchange.receive(event, now)
        except ValueError:
            self._count_malformed()

    def _proceed(self, now: int) -> None:
        if self._outcome is not None:
            return
        if not self._talking:
            if self._setup_deadline_ns is not None and now >= self._setup_deadline_ns:
                self._fail("setup_timeout", f"no {self._awaited} in time", now)
            return
        self._exchange.settle(now)
        self._run.proceed(now)
        self._play(now)
        if self._run.is_over:
            self._end("completed", now)
        elif self._run.stopped_between_turns:
            self._end("drained", now)

    def _play(self, now: int) -> None:
        self._outbox += [Outgoing(order, now) for order in self._run.take_orders()]
        self.session.turns = self._run.turns

    @property
    def _awaited(self) -> str:
        """What the set-up is waiting for."""
        if self.session.created_ns is None:
            return "session.created"
        return (
            "session.updated" if self.session.updated_ns is None else "acknowledgement of the items restored"
        )

    # Ends.

    def _close_turn(self, outcome: TurnOutcome, error_class: str, now: int) -> None:
        turn = self._exchange.close_turn(outcome, error_class, now)
        if turn is None:
            return
        if error_class and outcome != "answered":
            self.session.errors[error_class] += 1

    def _lose_connection(self, event: Disconnected, now: int) -> None:
        code_class = "connection_lost" if event.code == 1006 else f"closed_{event.code}"
        error_class = event.error_class or code_class
        self.lost_turn = self._exchange.turn is not None
        if self._exchange.turn is None:
            self.session.errors[error_class] += 1
        self._close_turn("dropped", error_class, now)
        self.session.error_class = error_class
        self.session.error_detail = event.reason
        self._end("dropped" if self._talking else "failed", now)

    def _take_error(self, event: ErrorReceived, now: int) -> None:
        """An error of the service: fatal in the set-up, else only counted."""
        error_class = event.error.code or event.error.type or "error"
        if self._talking:
            self.session.errors[error_class] += 1
            self._exchange.receive(event, now)
        else:
            self._fail(error_class, event.error.message, now)

    def _fail(self, error_class: str, detail: str, now: int) -> None:
        self.session.error_class = error_class
        self.session.error_detail = detail
        self.session.errors[error_class] += 1
        self._end("failed", now)

    def _end(self, outcome: SessionOutcome, now: int) -> None:
        self._exchange.close_stimuli(now)
        self.session.answered = self._exchange.answered
        self.session.outcome = self._outcome = outcome
        self.session.ended_ns = now

    def _count_malformed(self) -> None:
        self.session.malformed_events += 1
        self.session.errors["protocol_error"] += 1

    def _send(self, event: ClientEvent, due_ns: int) -> None:
        self._outbox.append(Outgoing(event, due_ns))
