"""The caller who stays, against the emulated service, with connections that break: all on virtual time."""

from __future__ import annotations

import gc
import random
import weakref
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from rtbench.core.client_events import InputAudioAppend, ItemCreate
from rtbench.core.machine import Disconnected
from rtbench.core.microphone import PlayClip, StartMicrophone
from rtbench.core.reconnection import Cut, Dial, HangUp, Ping, Pong, ReconnectPolicy, Refused
from rtbench.core.resilience import ResilientCaller
from rtbench.core.script import Drop, Interrupt, Listen, Moment, Pause, Say, Script, SessionConfig
from rtbench.core.server_events import RateLimitsUpdated
from rtbench.corpus.frames import FrameCache
from rtbench.emulator.profile import Profile
from rtbench.emulator.recognizer import Recognizer
from rtbench.emulator.recording import Recording
from rtbench.emulator.session import EmulatedSession, Service
from rtbench.emulator.voice import Voice
from rtbench.transports.memory import VirtualClock

MS = 1_000_000
S = 1_000 * MS
FRAME = 40 * MS
RTT = 20 * MS
"""To connect, and half of it for each message."""

Door = Callable[[int], Refused | None]


def open_door(attempt: int) -> Refused | None:
    return None


class Switchboard:
    """A caller, and as many emulated sessions as it dials; connections behave as the caller's orders say."""

    def __init__(self, script: Script, service: Service, frames: FrameCache, door: Door) -> None:
        self.clock = VirtualClock(now=5 * S)
        self.caller = ResilientCaller(script, random.Random(1), frame_ns=FRAME, phase_ns=13 * MS)
        self.services: list[EmulatedSession] = []
        self.received: list[list[Any]] = []
        """By session: what the service received, audio left out."""

        self.dials: list[tuple[float, Dial]] = []
        self.orders: list[tuple[float, Any]] = []
        self.turns: list[Any] = []
        self.incidents: list[Any] = []
        self.mishaps: list[Any] = []
        self._service = service
        self._door = door
        self._frames = frames
        self._lines: dict[EmulatedSession, int] = {}
        self._line = 0
        """Number of the connection that is up; messages of others go nowhere."""

        self._silent = False
        self._clips: dict[int, Any] = {}
        self._sent_frames = 0
        self._microphone_on = False

    def hold(self, until_s: float = 600, stop_s: float | None = None) -> Switchboard:
        self.caller.begin(self.clock.now)
        self._settle()
        if stop_s is not None:
            self.clock.call_at(5 * S + round(stop_s * S), self._stop)
        calls = 0
        while self.caller.outcome is None and (due := self.clock.next_due) is not None and due < until_s * S:
            self.clock.run_next()
            calls += 1
            assert calls < 200_000, "a busy loop"
        self.collect()
        return self

    def at(self, seconds: float, action: Callable[[], None]) -> Switchboard:
        def act() -> None:
            action()
            self._settle()

        self.clock.call_at(5 * S + round(seconds * S), act)
        return self

    def lose(self, code: int = 1006) -> None:
        """The service's side breaks the connection."""
        self._line += 1
        self.caller.receive(Disconnected(code, "gone"), self.clock.now)

    def collect(self) -> None:
        self.turns += self.caller.finished_turns()
        self.incidents += self.caller.finished_incidents()
        self.mishaps += self.caller.mishaps()

    @property
    def outcomes(self) -> list[str]:
        return [turn.outcome for turn in self.turns]

    @property
    def states(self) -> list[str]:
        return [change.state for change in self.caller.session.states]

    def _stop(self) -> None:
        self.caller.stop(self.clock.now)
        self._settle()

    def _settle(self) -> None:
        for event, _ in self.caller.outgoing():
            self._dispatch(event)
        self.collect()
        self._arm(self.caller)

    def _dispatch(self, event: Any) -> None:
        now = self.clock.now
        match event:
            case Dial():
                self.dials.append((now / S - 5, event))
                self._line += 1
                line, refused = self._line, self._door(event.attempt)
                if event.cut_in_handshake:
                    refused = Refused("connection_lost", "cut in the handshake")
                self.clock.call_at(now + RTT, lambda: self._answer_dial(line, refused))
            case HangUp():
                self._line += 1
                self._microphone_on = False
            case Cut():
                self.orders.append((now / S - 5, event))
                if event.how == "half_open":
                    self._silent = True
                else:
                    self.clock.call_at(now, self._settle_after(self.lose))
            case Ping():
                self.orders.append((now / S - 5, event))
                self._post(self.caller, Pong())
            case StartMicrophone():
                self._microphone_on, self._sent_frames, self._clips = True, 0, {}
                line = self._line
                self.clock.call_at(event.at_ns + FRAME, lambda: self._tick(line))
            case PlayClip():
                first = (event.at_ns - self.caller.grid.start_ns) // FRAME
                found = self._frames.frames(event.clip.name, self.caller._script.session.input_format, 40)
                self._clips |= enumerate(found, first)
            case _:
                self._send_frames()
                self._post(self.services[-1], event)
                self.caller.sent(event, now)

    def _settle_after(self, action: Callable[[], None]) -> Callable[[], None]:
        def act() -> None:
            action()
            self._settle()

        return act

    def _answer_dial(self, line: int, refused: Refused | None) -> None:
        if line != self._line:
            return
        if refused is not None:
            self.caller.refused(refused, self.clock.now)
        else:
            self._silent = False
            number = len(self.services)
            session = EmulatedSession(
                self._service, model="m", token=str(number), number=number, expires_at=0
            )
            self.services.append(session)
            self._lines[session] = line
            self.received.append([])
            session.start(self.clock.now)
            self.caller.start(self.clock.now)
            self._serve(session)
        self._settle()

    def _serve(self, session: EmulatedSession) -> None:
        if self._lines[session] != self._line:
            session.receive(Disconnected(), self.clock.now)
        for event, _ in session.outgoing():
            self._post(self.caller, event)
            session.sent(event, self.clock.now)
        self._arm(session)

    def _post(self, machine: Any, event: Any) -> None:
        line, silent = self._line, self._silent
        if silent:
            return

        def arrive() -> None:
            if line != self._line or self._silent:
                return
            if machine is not self.caller and not isinstance(event, InputAudioAppend):
                self.received[-1].append(event)
            machine.receive(event, self.clock.now)
            self._settle() if machine is self.caller else self._serve(machine)

        self.clock.call_at(self.clock.now + RTT // 2, arrive)

    def _arm(self, machine: Any) -> None:
        wake_ns = machine.next_wake()
        if wake_ns is None:
            return

        def ring() -> None:
            machine.wake(self.clock.now)
            self._settle() if machine is self.caller else self._serve(machine)

        alarms = self.__dict__.setdefault("_alarms", {})
        if machine in alarms:
            alarms[machine].cancel()
        alarms[machine] = self.clock.call_at(wake_ns, ring)

    def _tick(self, line: int) -> None:
        if line == self._line and self._microphone_on:
            self._send_frames()
            due_ns = self.caller.grid.start_ns + (self._sent_frames + 1) * FRAME
            self.clock.call_at(due_ns, lambda: self._tick(line))

    def _send_frames(self) -> None:
        silence = self._frames.silence(self.caller._script.session.input_format, 40)
        while (
            self._microphone_on
            and self.caller.grid.start_ns + (self._sent_frames + 1) * FRAME <= self.clock.now
        ):
            audio = self._clips.pop(self._sent_frames, silence[self._sent_frames % len(silence)])
            self._sent_frames += 1
            self._post(self.services[-1], InputAudioAppend(audio=audio))


@pytest.fixture(scope="module")
def board(english) -> Callable[..., Switchboard]:
    """`board(*steps, door=..., policy={...})`: three turns where no steps are given."""
    frames = FrameCache(english)

    def recording(name: str) -> Recording:
        return Recording(name, english.entry(name).text, (), {24_000: english.samples(name)})

    profile = Profile.model_validate({"seed": 3})
    service = Service(profile, Voice([recording("reply_hours")], profile.chunk_ms), Recognizer([]))

    def make(
        *steps: Any, door: Door = open_door, policy: dict[str, Any] | None = None, **script: Any
    ) -> Switchboard:
        chosen: Sequence[Any] = steps or turns(english, 3)
        script.setdefault("session", SessionConfig(settings={"type": "realtime"}))
        reconnect = None if policy is None else ReconnectPolicy(**policy)
        return Switchboard(Script(tuple(chosen), reconnect=reconnect, **script), service, frames, door)

    return make


def clip(corpus: Any, name: str) -> Any:
    return replace(corpus.clip(name), text=corpus.entry(name).text)


def turns(corpus: Any, count: int) -> list[Any]:
    names = ["hours_question", "order_question", "delivery_question", "return_question"]
    steps: list[Any] = []
    for name in names[:count]:
        steps += [Say(clip(corpus, name)), Listen(10 * S), Pause(500 * MS)]
    return steps


def drop_in(corpus: Any, drop: Drop) -> list[Any]:
    """Three turns, the second of which is dropped."""
    first, second, third = (turns(corpus, 3)[at : at + 3] for at in (0, 3, 6))
    if drop.when == "mid_utterance":
        return [*first, drop, *second, *third]
    return [*first, second[0], drop, *second[1:], *third]


def test_without_a_fault_it_is_a_conversation_like_any_other(board) -> None:
    held = board(policy={}).hold()

    assert held.caller.outcome == "completed"
    assert held.outcomes == ["answered"] * 3
    assert held.states == ["connecting", "connected", "over"]
    assert held.incidents == held.mishaps == []
    session = held.caller.session
    assert (session.turns, session.answered, session.down_ns, session.redials) == (3, 3, 0, 0)


def test_without_a_policy_the_first_loss_is_the_end(board, english) -> None:
    held = board(*drop_in(english, Drop())).hold()

    assert held.caller.outcome == "dropped"
    assert held.outcomes == ["answered", "dropped"]
    (incident,) = held.incidents
    assert (incident.outcome, incident.attempts) == ("gave_up", [])
    assert held.caller.session.error_class == "connection_lost"


@pytest.mark.parametrize(("recovers", "lost"), [(False, 4), (True, 2)])
def test_interruptions_that_could_not_be_made_are_turns_lost(
    board, english, recovers: bool, lost: int
) -> None:
    first, second = clip(english, "hours_question"), clip(english, "order_question")
    steps = [Say(first), Interrupt(second, Moment(heard_ns=1_000 * MS)), Listen(10 * S)]
    drop = Drop("reset", "mid_answer", Moment(heard_ns=300 * MS))

    def door(attempt: int) -> Refused | None:
        return Refused("upgrade_500", status=500) if attempt and not recovers else None

    held = board(steps[0], drop, *steps[1:], *steps, policy={"fall_back": "none"}, door=door).hold()

    assert held.outcomes == ["dropped", "answered", "answered"] if recovers else ["dropped"]
    assert held.caller.session.turns_lost == lost
    assert [incident.lost_turns for incident in held.incidents] == [lost]


def test_an_interruption_that_was_being_waited_for_is_lost_with_its_turn(board, english) -> None:
    first, second = clip(english, "hours_question"), clip(english, "order_question")
    steps = [Say(first), Interrupt(second, Moment(heard_ns=60 * S)), Listen(10 * S)]
    held = board(
        *steps, policy={"fall_back": "none"}, door=lambda n: Refused("no", status=500) if n else None
    )
    held.at(2.2, held.lose).hold()

    assert held.outcomes == ["dropped"]
    assert held.caller.session.turns_lost == 2


@pytest.mark.parametrize(
    ("drop", "phase"),
    [
        (Drop("reset", "now"), "waiting"),
        (Drop("close", "now"), "waiting"),
        (Drop("reset", "mid_answer", Moment(heard_ns=500 * MS)), "answering"),
        (Drop("reset", "mid_utterance"), "speaking"),
    ],
)
def test_a_drop_costs_its_turn_and_no_other(board, english, drop: Drop, phase: str) -> None:
    held = board(*drop_in(english, drop), policy={}).hold()

    assert held.caller.outcome == "completed"
    assert held.outcomes == ["answered", "dropped", "answered"]
    assert [turn.number for turn in held.turns] == [1, 2, 3]
    assert [turn.connection for turn in held.turns] == [0, 0, 1]
    (incident,) = held.incidents
    assert (incident.injected, incident.phase, incident.lost_turns) == (drop.how, phase, 1)
    assert (incident.outcome, incident.turn) == ("recovered", 2)
    assert (incident.session_before, incident.session_after) == tuple(
        session.session_id for session in held.services
    )
    assert [mishap.error_class for mishap in held.mishaps] == ["connection_lost"]
    assert held.caller.session.turns_lost == 1
    assert held.caller.session.errors == {"connection_lost": 1}


def test_the_instants_of_a_recovery_follow_each_other(board, english) -> None:
    held = board(*drop_in(english, Drop()), policy={}).hold()
    (incident,) = held.incidents
    third = held.turns[2]

    assert incident.noticed_ns == incident.dropped_ns
    # A second of back-off, a round trip to connect, half of one for `session.created`.
    assert incident.connected_ns == incident.dropped_ns + S + RTT
    assert incident.created_ns == incident.connected_ns + RTT // 2
    # `session.update` and its answer, then three items and their answers.
    assert incident.restored_ns == incident.created_ns + 2 * RTT
    assert incident.audible_ns == third.audible_ns > incident.restored_ns
    assert held.caller.session.down_ns == S + RTT


def test_refusals_are_tried_again_by_the_policy_s_clock(board, english) -> None:
    def door(attempt: int) -> Refused | None:
        return Refused("connect_refused") if attempt in (1, 2) else None

    held = board(*drop_in(english, Drop()), policy={}, door=door).hold()

    lost = held.incidents[0].noticed_ns / S - 5
    attempts = [at - lost for at, dial in held.dials if dial.attempt]
    # 1 s, then 2 s and 4 s after each refusal, which takes a round trip.
    assert attempts == pytest.approx([1, 3.02, 7.04])
    assert [one.error_class for one in held.incidents[0].attempts] == ["connect_refused"] * 2 + [""]
    assert held.caller.session.redials == 3
    assert held.caller.session.reconnects == 1
    assert [mishap.phase for mishap in held.mishaps] == ["waiting", "handshake", "handshake"]


def test_the_count_begins_anew_once_a_session_stands(board, english) -> None:
    def door(attempt: int) -> Refused | None:
        return Refused("connect_refused") if attempt in (1, 2, 4, 5) else None

    steps = drop_in(english, Drop())
    steps = [*steps[:-1], Drop(), *turns(english, 1)]
    held = board(*steps, policy={}, door=door).hold()

    assert held.caller.outcome == "completed"
    assert [len(incident.attempts) for incident in held.incidents] == [3, 3]


def test_the_history_is_told_to_the_new_session_as_text(board, english) -> None:
    held = board(*drop_in(english, Drop("reset", "mid_answer", Moment(heard_ns=500 * MS))), policy={}).hold()

    items = [event.item for event in held.received[1] if isinstance(event, ItemCreate)]
    reply = english.entry("reply_hours").text
    texts = [(item["role"], item["content"][0]["text"]) for item in items]
    assert texts[:3] == [
        ("user", english.entry("hours_question").text),
        ("assistant", reply),
        ("user", english.entry("order_question").text),
    ]
    # Of the answer that was cut off, what had come of it.
    assert texts[3][0] == "assistant"
    assert reply.startswith(texts[3][1])
    assert held.incidents[0].items_restored == 4


def test_what_is_not_to_be_restored_is_not(board, english) -> None:
    held = board(
        *drop_in(english, Drop()),
        policy={"restore": ()},
        session=SessionConfig(settings={"type": "realtime", "instructions": "Be brief."}),
    ).hold()

    first, second = (events[0].session for events in held.received)
    assert first == {"type": "realtime", "instructions": "Be brief."}
    assert second == {"type": "realtime"}
    assert not any(isinstance(event, ItemCreate) for event in held.received[1])
    assert held.caller.outcome == "completed"


def test_when_all_tries_fail_the_conversation_is_carried_on_in_writing(board, english) -> None:
    def door(attempt: int) -> Refused | None:
        return Refused("upgrade_503", status=503) if attempt in (1, 2, 3) else None

    held = board(*drop_in(english, Drop()), policy={"fall_back_model": "small"}, door=door).hold()

    assert held.caller.outcome == "completed"
    assert held.caller.session.fell_back
    assert [(turn.kind, turn.outcome) for turn in held.turns] == [
        ("spoken", "answered"),
        ("spoken", "dropped"),
        ("written", "answered"),
    ]
    assert held.dials[-1][1].model == "small"
    assert held.incidents[0].outcome == "fell_back"
    assert held.incidents[0].audible_ns == held.turns[2].first_text_ns
    written = [event.item for event in held.received[1] if isinstance(event, ItemCreate)][-1]
    assert written["content"][0]["text"] == english.entry("delivery_question").text
    assert not any(isinstance(event, InputAudioAppend) for event in held.received[1])


def test_without_a_fall_back_it_gives_up_and_counts_what_was_never_held(board, english) -> None:
    def door(attempt: int) -> Refused | None:
        return Refused("upgrade_500", status=500) if attempt else None

    held = board(*drop_in(english, Drop()), policy={"fall_back": "none"}, door=door).hold()

    assert held.caller.outcome == "dropped"
    assert held.caller.session.error_class == "upgrade_500"
    assert held.caller.session.turns_lost == 2
    assert (held.incidents[0].outcome, held.incidents[0].lost_turns) == ("gave_up", 2)
    assert len(held.incidents[0].attempts) == 3
    assert held.states[-2:] == ["disconnected", "over"]


def test_a_refused_key_is_not_tried_again(board) -> None:
    held = board(policy={"fall_back": "none"}, door=lambda attempt: Refused("upgrade_401", status=401)).hold()

    assert held.caller.outcome == "failed"
    assert len(held.dials) == 1
    assert held.incidents[0].kind == "refusal"


def test_a_service_that_is_busy_is_given_the_time_it_asks_for(board) -> None:
    def door(attempt: int) -> Refused | None:
        busy = Refused("upgrade_429", status=429, retry_after_ns=5 * S)
        return busy if attempt < 4 else None

    held = board(policy={}, door=door).hold()

    assert held.caller.outcome == "completed"
    assert [at for at, _ in held.dials] == pytest.approx([0, 5.02, 10.04, 15.06, 20.08])
    session = held.caller.session
    assert session.rate_limited == 4
    assert not session.errors
    assert held.mishaps == []
    assert held.incidents[0].limited == 4


def test_a_dead_line_is_pinged_and_given_up(board, english) -> None:
    held = board(*drop_in(english, Drop("half_open")), policy={"idle_ns": 2 * S}).hold()
    (incident,) = held.incidents

    assert (incident.error_class, incident.injected) == ("no_sign_of_life", "half_open")
    assert (incident.noticed_ns - incident.dropped_ns) / S == pytest.approx(4, abs=0.1)
    assert held.outcomes == ["answered", "dropped", "answered"]
    assert [type(order) for _, order in held.orders] == [Cut, Ping]


def test_a_line_that_answers_a_ping_is_kept(board, english) -> None:
    held = board(*turns(english, 2), policy={"idle_ns": 100 * MS}).hold()

    assert held.caller.outcome == "completed"
    assert [type(order) for _, order in held.orders].count(Ping) >= 2  # an answer takes 800 ms
    assert held.incidents == []


def test_a_drop_in_the_handshake_breaks_the_next_connection_as_well(board, english) -> None:
    held = board(*drop_in(english, Drop("reset", "handshake")), policy={}).hold()

    (incident,) = held.incidents
    assert [one.error_class for one in incident.attempts] == ["connection_lost", ""]
    assert held.outcomes == ["answered", "dropped", "answered"]


def test_a_session_is_replaced_before_its_limit_and_nobody_notices(board, english) -> None:
    held = board(*turns(english, 4), policy={"rotate_after_ns": 8 * S}).hold()

    assert held.caller.outcome == "completed"
    assert held.outcomes == ["answered"] * 4
    assert held.caller.session.rotations >= 1
    assert {incident.kind for incident in held.incidents} == {"rotation"}
    assert {incident.lost_turns for incident in held.incidents} == {0}
    session = held.caller.session
    assert session.errors == {}
    # What is planned is no outage, and no turn of an earlier session is forgotten.
    assert (session.answered, session.redials, session.reconnects, session.down_ns) == (4, 0, 0, 0)
    # Nothing is said twice, and the new session knows all of it.
    texts = [event.item["content"][0]["text"] for event in held.received[-1] if isinstance(event, ItemCreate)]
    assert english.entry("hours_question").text in texts


def test_a_session_is_not_replaced_for_nothing(board, english) -> None:
    held = board(*turns(english, 1), policy={"rotate_after_ns": 3 * S}).hold()

    assert held.caller.session.rotations == 0
    assert held.caller.outcome == "completed"


def test_a_run_that_ends_in_an_outage_ends_the_caller(board, english) -> None:
    refuse = Refused("connect_refused")
    held = board(
        *drop_in(english, Drop()), policy={"attempts": 50}, door=lambda attempt: refuse if attempt else None
    ).hold(stop_s=30)

    assert held.caller.outcome == "interrupted"
    assert held.incidents[0].outcome == "ended"


def test_asked_to_stop_it_ends_after_the_turn_under_way(board) -> None:
    held = board(policy={}).hold(stop_s=3)

    assert held.caller.outcome == "drained"
    assert held.outcomes == ["answered"]


def test_aborted_while_connecting_it_is_over_at_once(board) -> None:
    held = board(policy={})
    held.caller.begin(held.clock.now)
    held.caller.abort(held.clock.now + 5)

    assert held.caller.outcome == "interrupted"
    assert held.caller.session.ended_ns == held.clock.now + 5


def test_the_service_may_say_that_nothing_is_left(board, english) -> None:
    held = board(*turns(english, 2), policy={})
    limits = ({"name": "requests", "limit": 10, "remaining": 0, "reset_seconds": 30.0},)
    held.at(2, lambda: held.caller.receive(RateLimitsUpdated(rate_limits=limits), held.clock.now))
    held.hold()

    _first, second = held.turns
    assert second.user_speech_start_ns >= 5 * S + 32 * S
    assert held.caller.session.rate_limited == 1
    assert held.outcomes == ["answered", "answered"]


@pytest.mark.parametrize("code", [1000, 1001, 1006, 1008, 1011, 1012, 1013, 4000])
def test_every_way_in_which_a_service_hangs_up_is_told_apart(board, code: int) -> None:
    held = board(policy={})
    held.at(3, lambda: held.lose(code)).hold()

    assert held.caller.outcome == "completed"
    assert held.incidents[0].error_class == ("connection_lost" if code == 1006 else f"closed_{code}")
    assert held.incidents[0].injected == ""


def test_the_run_s_own_schedule_breaks_it_at_any_time(board) -> None:
    held = board(policy={})
    held.at(3, lambda: held.caller.cut("reset", held.clock.now)).hold()

    (incident,) = held.incidents
    assert (incident.injected, incident.dropped_ns) == ("reset", 8 * S)


def test_a_fact_is_asked_for_and_its_answer_looked_at(board, english) -> None:
    steps = turns(english, 3)
    steps[6] = replace(steps[6], asks_for="nine until five")  # not in the only reply there is
    steps[3] = replace(steps[3], asks_for=" ".join(english.entry("reply_hours").text.split()[:3]))
    held = board(*steps, policy={}).hold()

    assert [turn.fact_answered for turn in held.turns] == [None, True, False]


def test_random_losses_at_any_instant_lose_no_turn_from_the_books(board, english) -> None:
    """Whatever breaks when, turns and time add up, and nothing hangs."""
    for seed in range(40):
        rng = random.Random(seed)
        held = board(*turns(english, 4), policy={"attempts": 4, "idle_ns": S, "base_ns": S // 4})
        for _ in range(rng.randrange(1, 5)):
            how = rng.choice(["reset", "close", "half_open"])
            held.at(rng.uniform(0, 25), lambda held=held, how=how: held.caller.cut(how, held.clock.now))
        held.hold()

        session = held.caller.session
        assert held.caller.outcome == "completed", seed
        assert [turn.number for turn in held.turns] == list(range(1, len(held.turns) + 1))
        assert session.turns == len(held.turns) <= 4
        assert session.answered == held.outcomes.count("answered")
        assert session.turns_lost == held.outcomes.count("dropped")
        assert session.turns_lost == sum(incident.lost_turns for incident in held.incidents)
        assert session.errors.total() == len(held.mishaps)
        assert session.reconnects == len(held.incidents)
        assert held.states[-1] == "over"
        assert 0 <= session.down_ns <= session.ended_ns - session.planned_ns


def test_a_turn_that_begins_at_the_instant_of_the_loss_is_lost_in_the_books_too(board, english) -> None:
    """The wake that was due before the loss opens the turn, in the same call: the alarm is late, the loss is not."""
    held = board(*turns(english, 2), policy={})
    found = []

    def lose_before_the_alarm() -> None:
        wake_ns = held.caller.next_wake()
        if held.caller.open_turn is None and held.turns and wake_ns is not None and not found:
            found.append(wake_ns)
            held.caller.receive(Disconnected(1006, "gone"), wake_ns + 1)
            held._line += 1

    for at_ms in range(2_000, 12_000, 100):
        held.at(at_ms / 1000, lose_before_the_alarm)
    held.hold()

    assert found
    assert held.outcomes == ["answered", "dropped"]
    assert held.caller.session.turns_lost == 1
    assert [incident.lost_turns for incident in held.incidents] == [1]


def test_a_caller_that_nobody_holds_is_gone_at_once() -> None:
    """Not with the next full collection, which an engine avoids."""
    caller = ResilientCaller(Script((Listen(1 * S),)), random.Random(1), frame_ns=FRAME)
    caller.begin(0)
    caller.start(1 * MS)
    gone = weakref.ref(caller)
    gc.disable()
    try:
        del caller
        assert gone() is None
    finally:
        gc.enable()
