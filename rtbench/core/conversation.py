"""The caller: holds one scripted conversation, and keeps what was heard of it. Pure; time is an argument.

Rules of the machine:

    SETUP      connection stands -> session.created -> our session.update -> session.updated -> TALKING
               (no answer within the set-up timeout, or a refusal: FAILED)
    TALKING    the script's steps, one after the other:
      Say      play the clip from the next free frame boundary; done at the end of its speech
               (manual turns: once the last speech frame has left, commit and ask for a response)
      Listen   done when the answer is complete and has been played; or, with the turn censored, when
               nothing was audible by the timeout, or a begun answer made no progress for as long
      Pause    done after its time
    end of the script -> COMPLETED; asked to stop -> DRAINED after the turn under way; aborted ->
    INTERRUPTED at once; connection lost -> DROPPED, the open turn with it.
"""

from __future__ import annotations

from rtbench.core.client_events import ClientEvent, InputAudioCommit, ResponseCreate, SessionUpdate
from rtbench.core.json_fields import string
from rtbench.core.machine import Disconnected, Outgoing
from rtbench.core.microphone import FrameGrid, PlayClip, StartMicrophone
from rtbench.core.playout import Player
from rtbench.core.script import Listen, Pause, Say, Script, Step
from rtbench.core.server_events import (
    ErrorReceived,
    MalformedEvent,
    ServerEvent,
    SessionCreated,
    SessionUpdated,
    UnknownEvent,
)
from rtbench.core.sessions import Session, SessionOutcome
from rtbench.core.turn_fold import TurnFold
from rtbench.core.turns import Turn, TurnOutcome


class Conversation:
    """One caller's session with a service, as a `core.machine.Machine`.

    `outgoing()` yields client events, and `StartMicrophone` and `PlayClip` for the shell's microphone.
    Finished turns are handed out by `finished_turns()`; `session` is complete once `outcome` is set.
    """

    def __init__(
        self, script: Script, *, frame_ns: int, phase_ns: int = 0, planned_ns: int | None = None
    ) -> None:
        """`phase_ns` delays the microphone's grid, so that many sessions do not send in step."""
        self.session = Session()
        self._script = script
        self._frame_ns = frame_ns
        self._phase_ns = phase_ns
        self._planned_ns = planned_ns
        self._grid = FrameGrid(0, frame_ns)
        self._microphone_free_ns = 0
        self._player = Player(script.prebuffer_ns)
        self._fold: TurnFold | None = None
        self._committed: Turn | None = None
        self._steps = enumerate(script.steps)
        self._step: Step | None = None
        self._deadline_ns: int | None = None
        self._heard_of_ns = 0
        self._talking = False
        self._stopping = False
        self._outcome: SessionOutcome | None = None
        self._outbox: list[Outgoing] = []
        self._finished: list[Turn] = []

    # What comes in.

    def start(self, now: int) -> None:
        self.session.planned_ns = now if self._planned_ns is None else self._planned_ns
        self.session.connected_ns = now
        self._deadline_ns = now + self._script.setup_timeout_ns

    def receive(self, event: ServerEvent | Disconnected, now: int) -> None:
        if self._outcome is not None:
            return
        self._heard_of_ns = now
        match event:
            case Disconnected():
                self._lose_connection(event, now)
                return
            case ErrorReceived():
                self.session.errors[event.error.code or event.error.type or "error"] += 1
                if not self._talking:
                    self._fail(event.error.code or event.error.type, event.error.message, now)
                return
            case MalformedEvent():
                self._count_malformed()
            case UnknownEvent():
                self.session.unknown_events += 1
            case SessionCreated() if self.session.created_ns is None:
                self._configure(event, now)
            case SessionUpdated() if not self._talking and self.session.update_sent_ns is not None:
                self.session.updated_ns = now
                self._begin_talking(now)
            case _ if self._fold is not None:
                try:
                    self._fold.receive(event, now)
                except ValueError:
                    self._count_malformed()
        self._proceed(now)

    def wake(self, now: int) -> None:
        self._proceed(now)

    def sent(self, event: object, sent_ns: int) -> None:
        if isinstance(event, SessionUpdate):
            self.session.update_sent_ns = sent_ns
        elif isinstance(event, InputAudioCommit) and self._committed is not None:
            self._committed.commit_sent_ns = sent_ns

    def stop(self, now: int) -> None:
        """Finish the turn under way, then end."""
        self._stopping = True
        self._proceed(now)

    def abort(self, now: int) -> None:
        """End at once."""
        if self._outcome is None:
            self._close_turn("interrupted", "", now)
            self._end("interrupted", now)

    # What goes out.

    def outgoing(self) -> list[Outgoing]:
        outbox, self._outbox = self._outbox, []
        return outbox

    def next_wake(self) -> int | None:
        if self._outcome is not None:
            return None
        over_ns = self._fold.over_ns() if self._fold is not None and isinstance(self._step, Listen) else None
        if over_ns is None:
            return self._deadline_ns
        return over_ns if self._deadline_ns is None else min(over_ns, self._deadline_ns)

    @property
    def outcome(self) -> SessionOutcome | None:
        return self._outcome

    def finished_turns(self) -> list[Turn]:
        """Turns closed since the last call."""
        finished, self._finished = self._finished, []
        return finished

    @property
    def open_turn(self) -> TurnFold | None:
        """The turn under way."""
        return self._fold

    @property
    def grid(self) -> FrameGrid:
        """The microphone's frames; meaningful once it was started."""
        return self._grid

    # Set-up.

    def _configure(self, event: SessionCreated, now: int) -> None:
        self.session.created_ns = now
        self.session.session_id = string(event.session, "id")
        self._send(SessionUpdate(session=self._script.session.settings), now)
        self._deadline_ns = now + self._script.setup_timeout_ns

    def _begin_talking(self, now: int) -> None:
        self._talking = True
        self._grid = FrameGrid(now + self._phase_ns, self._frame_ns)
        self._microphone_free_ns = self._grid.start_ns
        self._outbox.append(Outgoing(StartMicrophone(self._grid.start_ns), now))
        self._next_step(now)

    # Steps.

    def _proceed(self, now: int) -> None:
        """Take every step whose time has come."""
        while self._outcome is None and self._step_is_over(now):
            if not self._talking:
                phase = "session.created" if self.session.created_ns is None else "session.updated"
                self._fail("setup_timeout", f"no {phase} in time", now)
            elif self._stopping and self._fold is None:
                self._end("drained", now)
            else:
                self._next_step(now)

    def _step_is_over(self, now: int) -> bool:
        if self._talking and self._stopping and self._fold is None:
            return True
        if isinstance(self._step, Listen) and self._fold is not None:
            return self._answer_is_over(self._fold, self._step, now)
        return self._deadline_ns is not None and now >= self._deadline_ns

    def _next_step(self, now: int) -> None:
        if isinstance(self._step, Say):
            self._finish_utterance(now)
        index, self._step = next(self._steps, (0, None))
        match self._step:
            case Say():
                self._speak(self._step, self._wants_answer(index), now)
            case Listen():
                self._deadline_ns = now if self._fold is None else self._fold.turn.user_speech_end_ns
            case Pause(duration_ns):
                self._deadline_ns = now + duration_ns
            case None:
                self._close_turn("not_asked", "", now)
                self._end("completed", now)

    def _wants_answer(self, index: int) -> bool:
        """Whether the caller listens after this utterance before speaking again."""
        for step in self._script.steps[index + 1 :]:
            if not isinstance(step, Pause):
                return isinstance(step, Listen)
        return False

    def _speak(self, say: Say, listens: bool, now: int) -> None:
        self._close_turn("not_asked", "", now)
        clip = say.clip
        begin_ns = self._grid.boundary_at_or_after(max(now, self._microphone_free_ns))
        self._microphone_free_ns = begin_ns + clip.duration_ns
        self.session.turns += 1
        manual = self._script.session.manual_turns
        turn = Turn(
            number=self.session.turns,
            clip=clip.name,
            voice=clip.voice,
            kind="manual" if manual else "spoken",
            expects_answer=say.expects_answer and listens,
            user_speech_start_ns=begin_ns + clip.speech_start_ns,
            user_speech_end_ns=begin_ns + clip.speech_end_ns,
        )
        self._fold = TurnFold(turn, self._player, self._script.session.output_format)
        self._outbox.append(Outgoing(PlayClip(clip, begin_ns), now))
        # A turn ended by hand ends once the frame with the last speech sample has left.
        self._deadline_ns = (
            self._grid.boundary_at_or_after(turn.user_speech_end_ns) if manual else turn.user_speech_end_ns
        )

    def _finish_utterance(self, now: int) -> None:
        if not self._script.session.manual_turns or self._fold is None:
            return
        self._committed = self._fold.turn
        self._send(InputAudioCommit(), self._deadline_ns or now)
        if self._fold.turn.expects_answer:
            self._send(ResponseCreate(), self._deadline_ns or now)

    # Listening.

    def _answer_is_over(self, fold: TurnFold, listen: Listen, now: int) -> bool:
        """Whether to stop listening, with the turn closed; else sets when to look again."""
        turn = fold.turn
        over_ns = fold.over_ns()
        if over_ns is not None and now >= over_ns:
            self._close_turn(*self._judge(turn), now)
            return True
        begun = turn.first_audio_ns is not None or turn.first_text_ns is not None
        since_ns = max(turn.user_speech_end_ns, self._progress_ns(fold)) if begun else turn.user_speech_end_ns
        self._deadline_ns = since_ns + listen.timeout_ns
        if now < self._deadline_ns:
            return False
        if begun:
            self._close_turn("failed", "answer_stalled", now)
        else:
            self._close_turn("no_answer", "answer_timeout", now)
        return True

    def _progress_ns(self, fold: TurnFold) -> int:
        """The last sign of an answer under way: something arrived, or is still playing."""
        playback = fold.playback
        playing_until_ns = (playback.end_ns() or 0) if playback is not None else 0
        return max(self._heard_of_ns, playing_until_ns)

    def _judge(self, turn: Turn) -> tuple[TurnOutcome, str]:
        """Outcome and error class of a turn whose response is done."""
        if turn.response_status == "failed":
            return "failed", turn.error_class or "response_failed"
        if turn.response_status == "cancelled":
            return "cancelled", turn.response_reason
        heard = (
            turn.audible_ns is not None
            if self._script.session.spoken_answers
            else turn.first_text_ns is not None
        )
        if heard:
            return "answered", ""
        return "no_answer", "tool_call_only" if turn.tool else "silent_answer"

    # Ends.

    def _close_turn(self, outcome: TurnOutcome, error_class: str, now: int) -> None:
        if self._fold is None:
            return
        turn = self._fold.close(outcome, error_class, now)
        self._fold = None
        self.session.answered += turn.outcome == "answered"
        if error_class and outcome != "answered":
            self.session.errors[error_class] += 1
        self._finished.append(turn)

    def _lose_connection(self, event: Disconnected, now: int) -> None:
        error_class = "connection_lost" if event.code == 1006 else f"closed_{event.code}"
        self._close_turn("dropped", error_class, now)
        self.session.error_class = error_class
        self.session.error_detail = event.reason
        self.session.errors[error_class] += 1
        self._end("dropped" if self._talking else "failed", now)

    def _fail(self, error_class: str, detail: str, now: int) -> None:
        self.session.error_class = error_class
        self.session.error_detail = detail
        self.session.errors[error_class] += 1
        self._end("failed", now)

    def _end(self, outcome: SessionOutcome, now: int) -> None:
        self.session.outcome = self._outcome = outcome
        self.session.ended_ns = now
        self._deadline_ns = None

    def _count_malformed(self) -> None:
        self.session.malformed_events += 1
        self.session.errors["protocol_error"] += 1

    def _send(self, event: ClientEvent, due_ns: int) -> None:
        self._outbox.append(Outgoing(event, due_ns))
