"""A script being held: which step the caller is at, until when, and what that step waits for.

Rules, one step after the other:

    Say         play the clip from the next free frame boundary; done at the end of its speech
                (manual turns: once the last speech frame has left, commit and ask for a response)
    Listen      done when the answer is complete and has been played; or, with the turn censored, when
                nothing was audible by the timeout, or a begun answer made no progress for as long
    Interrupt   listen until the moment is heard, then say the clip: the turn is overtaken by a new one;
                an answer that ends first is heard out, and nothing is said
    Disturb     the same, but the turn goes on; without a moment, once the agent is silent
    StaySilent  done after its time, and when whatever the agent said by itself has been heard out
    Pause       done after its time
    Write       done at once: the words and the request for an answer are sent; so are OrderFault and ChangeNetwork
    Drop        done when the connection is cut, or will be in the next utterance

After a disturbance the caller waits, before speaking again, until what it may have caused is over.
Asked to stop, the caller ends the turn under way and begins no other.
"""

from __future__ import annotations

from collections.abc import Callable

from rtbench.core.client_events import InputAudioCommit, ItemCreate, ResponseCreate
from rtbench.core.exchange import Exchange, Send
from rtbench.core.fault_order import FaultOrder
from rtbench.core.line_cuts import LineCuts, cut_by
from rtbench.core.metrics.turn_taking import FALSE_ANSWER_LIMIT_MS
from rtbench.core.microphone import FrameGrid, PlayClip
from rtbench.core.reconnection import Cut
from rtbench.core.script import (
    ChangeNetwork,
    Clip,
    Disturb,
    Drop,
    Interrupt,
    Listen,
    OrderFault,
    Pause,
    Say,
    Script,
    StaySilent,
    Step,
    Write,
    after_lost_turn,
)
from rtbench.core.stimuli import Stimulus
from rtbench.core.turn_fold import TurnFold
from rtbench.core.turn_verdict import progress_ns, verdict
from rtbench.core.turns import Turn, TurnOutcome

SETTLE_NS = round(FALSE_ANSWER_LIMIT_MS * 1_000_000)
"""How long an answer to a disturbance is waited for: it is counted that long."""

CloseTurn = Callable[[TurnOutcome, str, int], None]
"""Closes the turn under way with outcome and error class."""


class ScriptRun:
    """One pass through a script, from the instant at which the microphone is on."""

    def __init__(
        self,
        script: Script,
        exchange: Exchange,
        send: Send,
        close_turn: CloseTurn,
        *,
        first_turn: int = 0,
        connection: int = 0,
    ) -> None:
        """`first_turn` turns were held on `connection` earlier connections."""
        self.grid = FrameGrid(0, 1)
        """The microphone's frames; meaningful once the run has begun."""

        self.turns = first_turn
        self.is_over = False
        """The last step is done."""

        self._script = script
        self._exchange = exchange
        self._send = send
        self._close_turn = close_turn
        self._connection = connection
        self._orders: list[PlayClip | Cut | ChangeNetwork] = []
        self._cuts = LineCuts()
        self._held_until_ns = 0
        self._microphone_free_ns = 0
        self._committed: Turn | None = None
        self._steps = enumerate(script.steps)
        self._index = -1
        self._step: Step | None = None
        self._settling = False
        self._deadline_ns: int | None = None
        """When to look again whether the step is over."""

        self._silent_until_ns = 0
        self._stopping = False

    def begin(self, grid: FrameGrid, now: int) -> None:
        """The microphone is on."""
        self.grid = grid
        self._microphone_free_ns = grid.start_ns
        self._next_step(now)
        self.proceed(now)

    def proceed(self, now: int) -> None:
        """Take every step whose time has come."""
        self._orders += self._cuts.take_due(now)
        while not self.is_over and self._step_is_over(now):
            if self._settling:
                self._settling = False
                self._begin_step(now)
            else:
                self._next_step(now)

    def stop(self) -> None:
        """Begin no further turn."""
        self._stopping = True
        self._step = self._unless_stopping(self._step)

    @property
    def stopped_between_turns(self) -> bool:
        """Asked to stop, and no turn is under way."""
        return self._stopping and self._exchange.turn is None

    def next_wake(self) -> int | None:
        """When a step may be over by itself."""
        fold = self._exchange.turn
        over_ns = fold.over_ns() if fold is not None and self._listens else None
        wakes = (over_ns, self._deadline_ns, self._cuts.due_ns)
        return min((wake for wake in wakes if wake is not None), default=None)

    def take_orders(self) -> list[PlayClip | Cut | ChangeNetwork]:
        """What the shell is to do since the last call: clips to play, connections to break, networks to change."""
        orders, self._orders = self._orders, []
        return orders

    def hold(self, until_ns: int) -> None:
        """Begin no turn before this instant."""
        self._held_until_ns = until_ns

    def remaining(self, *, lost: bool) -> tuple[Step, ...]:
        """The steps that are left; without those that belong to the turn under way where that is `lost`."""
        ahead = Say | Write | StaySilent | Interrupt if self._settling else Interrupt
        left = self._script.steps[self._index + (not isinstance(self._step, ahead)) :]
        return after_lost_turn(left) if lost else left

    def commit_sent(self, sent_ns: int) -> None:
        """The caller's commit has left."""
        if self._committed is not None:
            self._committed.commit_sent_ns = sent_ns

    # Which step.

    @property
    def _listens(self) -> bool:
        return isinstance(self._step, Listen | Interrupt | Disturb | Drop)

    def _step_is_over(self, now: int) -> bool:
        fold = self._exchange.turn
        if self.stopped_between_turns:
            return False
        if self._settling:
            return self._is_settled(now)
        match self._step:
            case Listen(timeout_ns) if fold is not None:
                return self._answer_is_over(fold, timeout_ns, now)
            case Interrupt() | Disturb() | Drop(when="mid_answer") if fold is not None:
                return self._await_moment(self._step, fold, now)
            case StaySilent():
                return self._is_quiet_after(self._silent_until_ns, now)
            case _:
                return self._deadline_ns is not None and now >= self._deadline_ns

    def _next_step(self, now: int) -> None:
        if isinstance(self._step, Say):
            self._finish_utterance()
        self._index, step = next(self._steps, (self._index + 1, None))
        self._step = self._unless_stopping(step)
        self._begin_step(now)

    def _unless_stopping(self, step: Step | None) -> Step | None:
        """A caller who was asked to stop hears the answer out, and speaks into it no more."""
        if self._stopping and isinstance(step, Interrupt | Disturb) and self._exchange.turn is not None:
            return Listen(self._script.answer_timeout_ns)
        return step

    def _begin_step(self, now: int) -> None:
        step, fold = self._step, self._exchange.turn
        at_once = fold is not None or isinstance(step, Pause | Listen | ChangeNetwork)
        if not at_once and not self._is_settled(now):
            self._settling = True
            return
        self._deadline_ns = now
        match step:
            case Say():
                self._begin_turn(step, now)
            case Write():
                self._write(step, now)
            case OrderFault(fault):
                self._send(FaultOrder(fault=fault), now)
            case ChangeNetwork():
                self._orders.append(step)
            case Drop(when="mid_utterance"):
                self._cuts.plan(step)
            case Drop(when="now" | "handshake"):
                self._cut(step, now)
            case Disturb() if fold is None and step.moment is None:
                self._make_sound(step, now)
            case Listen() | Interrupt() | Disturb() | Drop():
                self._deadline_ns = now if fold is None else fold.turn.user_speech_end_ns
            case StaySilent(duration_ns):
                self._begin_silence(duration_ns, now)
            case Pause(duration_ns):
                self._deadline_ns = now + duration_ns
            case None:
                self._end(now)

    def _end(self, now: int) -> None:
        self._close_turn("not_asked", "", now)
        self._exchange.close_stimuli(now)
        self.is_over = True

    # Speaking.

    def _begin_turn(self, say: Say, now: int) -> None:
        """A turn of the caller's own; the one before, if it is still open, was not waited for."""
        self._close_turn("not_asked", "", now)
        self._exchange.close_stimuli(now)
        if self._stopping:
            return
        begin_ns = self._play(say.clip, say.gain_db, now, now)
        self._speak(say.clip, say.gain_db, say.expects_answer, begin_ns, say.asks_for)

    def _write(self, step: Write, now: int) -> None:
        """A turn in writing: the words are there at once, and an answer is asked for."""
        self._close_turn("not_asked", "", now)
        if self._stopping:
            return
        self.turns += 1
        turn = Turn(
            number=self.turns,
            clip=step.clip.name,
            kind="written",
            expects_answer=self._is_listened_to(),
            user_speech_start_ns=now,
            user_speech_end_ns=now,
            connection=self._connection,
            asks_for=step.asks_for,
        )
        self._exchange.open_turn(turn, step.clip)
        content = [{"type": "input_text", "text": step.clip.text or step.clip.name}]
        self._send(ItemCreate(item={"type": "message", "role": "user", "content": content}), now)
        self._send(ResponseCreate(), now)

    def _speak(
        self, clip: Clip, gain_db: float, expects_answer: bool, begin_ns: int, asks_for: str = ""
    ) -> None:
        self.turns += 1
        manual = self._script.session.manual_turns
        turn = Turn(
            number=self.turns,
            clip=clip.name,
            voice=clip.voice,
            kind="manual" if manual else "spoken",
            expects_answer=expects_answer and self._is_listened_to(),
            user_speech_start_ns=begin_ns + clip.speech_start_ns,
            user_speech_end_ns=begin_ns + clip.speech_end_ns,
            connection=self._connection,
            asks_for=asks_for,
        )
        self._exchange.open_turn(turn, clip)
        self._cuts.utterance(turn.user_speech_start_ns, turn.user_speech_end_ns)
        end_ns = turn.user_speech_end_ns
        # A turn ended by hand ends once the frame with the last speech sample has left.
        self._deadline_ns = self.grid.boundary_at_or_after(end_ns) if manual else end_ns

    def _is_listened_to(self) -> bool:
        """Whether the caller listens after this step before speaking again."""
        left = self._script.steps[self._index + 1 :]
        then = next((step for step in left if not isinstance(step, Pause | ChangeNetwork)), None)
        return then is not None and not isinstance(then, Say | Write | StaySilent)

    def _finish_utterance(self) -> None:
        fold = self._exchange.turn
        if fold is None or not self._script.session.manual_turns or self._deadline_ns is None:
            return
        self._committed = fold.turn
        self._send(InputAudioCommit(), self._deadline_ns)
        if fold.turn.expects_answer:
            self._send(ResponseCreate(), self._deadline_ns)

    def _play(self, clip: Clip, gain_db: float, at_ns: int, now: int) -> int:
        """Play a clip from the first free frame boundary not before an instant; returns that boundary."""
        begin_ns = self.grid.boundary_at_or_after(max(at_ns, now, self._microphone_free_ns))
        self._microphone_free_ns = begin_ns + clip.duration_ns
        self._orders.append(PlayClip(clip, begin_ns, gain_db))
        return begin_ns

    def _cut(self, drop: Drop, now: int) -> None:
        """Break the connection; the step is over."""
        self._orders.append(cut_by(drop, now))
        self._step, self._deadline_ns = Pause(0), now

    # Speaking into an answer, or into silence.

    def _await_moment(self, step: Interrupt | Disturb | Drop, fold: TurnFold, now: int) -> bool:
        """Whether the answer ended before the moment came; at the moment itself the sound is made."""
        if self._answer_is_over(fold, self._script.answer_timeout_ns, now):
            if isinstance(step, Disturb) and step.moment is None:
                self._make_sound(step, now)
                return False
            return True
        moment_ns = None if step.moment is None else self._exchange.moment_ns(step.moment)
        if moment_ns is None:
            return False
        begin_ns = moment_ns if isinstance(step, Drop) else moment_ns - step.clip.sound_ns[0]
        if now < begin_ns:
            self._deadline_ns = begin_ns if self._deadline_ns is None else min(self._deadline_ns, begin_ns)
            return False
        if isinstance(step, Drop):
            self._cut(step, now)
        elif isinstance(step, Interrupt):
            self._interrupt(step, fold, now)
        else:
            self._make_sound(step, now)
        return False

    def _interrupt(self, step: Interrupt, fold: TurnFold, now: int) -> None:
        """From here on the step is an utterance like any other."""
        fold.turn.barged_in = True
        begin_ns = self._play(step.clip, step.gain_db, now, now)
        self._add_stimulus(step.kind, step.clip, begin_ns, now, takes_turn=True)
        if self._script.session.manual_turns:
            self._exchange.cancel_by_hand(now)
        self._speak(step.clip, step.gain_db, True, begin_ns)
        self._step = Say(step.clip)

    def _make_sound(self, step: Disturb, now: int) -> None:
        """From here on the step is to wait until the sound is over."""
        begin_ns = self._play(step.clip, step.gain_db, now, now)
        self._add_stimulus(step.kind, step.clip, begin_ns, now, takes_turn=False)
        self._deadline_ns = begin_ns + step.clip.sound_ns[1]
        self._step = Pause(self._deadline_ns - now)

    def _begin_silence(self, duration_ns: int, now: int) -> None:
        self._silent_until_ns = now + duration_ns
        silence = Stimulus(0, self.turns, "silence", clip="", onset_ns=now, end_ns=self._silent_until_ns)
        self._exchange.add_stimulus(silence, now)

    def _add_stimulus(self, kind: str, clip: Clip, begin_ns: int, now: int, *, takes_turn: bool) -> None:
        start_ns, end_ns = clip.sound_ns
        stimulus = Stimulus(
            number=0,
            turn=self.turns,
            kind=kind,
            clip=clip.name,
            voice=clip.voice,
            takes_turn=takes_turn,
            onset_ns=begin_ns + start_ns,
            end_ns=begin_ns + end_ns,
        )
        self._exchange.add_stimulus(stimulus, now)

    def _is_settled(self, now: int) -> bool:
        """Whether what a disturbance may have caused is over; else sets when to look again."""
        if isinstance(self._step, Say | Write) and now < self._held_until_ns:
            self._deadline_ns = self._held_until_ns
            return False
        disturbed_ns = self._exchange.disturbed_until_ns()
        return disturbed_ns is None or self._is_quiet_after(disturbed_ns + SETTLE_NS, now)

    def _is_quiet_after(self, due_ns: int, now: int) -> bool:
        """Whether it is `due_ns`, and the agent silent or not worth waiting for; else sets when to look again."""
        quiet_ns = self._exchange.quiet_ns(now)
        give_up_ns = due_ns + self._script.answer_timeout_ns
        self._deadline_ns = give_up_ns if quiet_ns is None else min(max(quiet_ns, due_ns), give_up_ns)
        return now >= self._deadline_ns

    # Listening.

    def _answer_is_over(self, fold: TurnFold, timeout_ns: int, now: int) -> bool:
        """Whether to stop listening, with the turn closed; else sets when to look again."""
        turn = fold.turn
        over_ns = fold.over_ns()
        if over_ns is not None and now >= over_ns:
            self._close_turn(*verdict(turn, spoken=self._script.session.spoken_answers), now)
            return True
        begun = turn.first_audio_ns is not None or turn.first_text_ns is not None
        since_ns = max(turn.user_speech_end_ns, progress_ns(fold)) if begun else turn.user_speech_end_ns
        self._deadline_ns = since_ns + timeout_ns
        if now < self._deadline_ns:
            return False
        if begun:
            self._close_turn("failed", "answer_stalled", now)
        else:
            self._close_turn("no_answer", "answer_timeout" if turn.expects_answer else "", now)
        return True
