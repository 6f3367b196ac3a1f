from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rtbench.core import pcm
from rtbench.core.audio import PCM16, PCMU, Audio, AudioFormat
from rtbench.core.client_events import (
    ClientEvent,
    InputAudioAppend,
    InputAudioCommit,
    ResponseCreate,
    SessionUpdate,
)
from rtbench.core.conversation import Conversation
from rtbench.core.machine import Disconnected, Outgoing
from rtbench.core.metrics.response import endpoint_delay_ms, endpoint_ns, identity_error_ms, voice_to_voice_ms
from rtbench.core.microphone import PlayClip, StartMicrophone
from rtbench.core.response_events import AudioDelta, ResponseCreated, ResponseDone, TextDelta
from rtbench.core.script import Clip, Listen, Pause, Say, Script, SessionConfig, Step
from rtbench.core.server_events import (
    ErrorDetail,
    ErrorReceived,
    InputAudioCommitted,
    MalformedEvent,
    RateLimitsUpdated,
    SessionCreated,
    SessionUpdated,
    SpeechStarted,
    SpeechStopped,
    UnknownEvent,
)
from rtbench.core.turns import Turn
from rtbench.corpus.folder import Corpus, find_corpus
from rtbench.corpus.frames import FrameCache
from rtbench.emulator.profile import Profile
from rtbench.emulator.recognizer import Recognizer
from rtbench.emulator.recording import Recording
from rtbench.emulator.session import EmulatedSession, Service
from rtbench.emulator.truth import TruthRow
from rtbench.emulator.voice import Voice
from rtbench.transports.memory import Timer, VirtualClock

MS = 1_000_000
FRAME_MS = 40
READY_MS = 300
"""Arrival of `session.updated`: the microphone starts here."""

CLIP = Clip("hello", duration_ns=1_000 * MS, speech_start_ns=100 * MS, speech_end_ns=850 * MS, voice="slt")
SPEECH_END_MS = READY_MS + 850
LISTEN = Listen(timeout_ns=2_000 * MS)
MANUAL = SessionConfig(settings={"type": "realtime"}, manual_turns=True)

_phase = 2 * np.pi * np.arange(24 * 400) / 24
TONE = pcm.encode(np.round(4_000 * np.sin(_phase)).astype(np.int16), PCM16)
"""400 ms of sound."""

SILENCE = pcm.silence(PCM16, 400 * 24)


class Caller:
    """A conversation driven by hand, in milliseconds; it keeps what it sent and the turns it finished."""

    def __init__(self, *steps: Step, **script: Any) -> None:
        self.machine = Conversation(Script(steps, **script), frame_ns=FRAME_MS * MS)
        self.session = self.machine.session
        self.sent: list[Outgoing] = []
        self.turns: list[Turn] = []

    def start(self) -> Caller:
        self.machine.start(0)
        self._drain(0)
        return self

    def ready(self) -> Caller:
        self.start()
        self.hear(200, SessionCreated(session={"id": "sess_1"}))
        self.hear(READY_MS, SessionUpdated(session={}))
        return self

    def hear(self, ms: float, *events: Any) -> None:
        for event in events:
            self.machine.receive(event, round(ms * MS))
            self._drain(round(ms * MS))

    def wake(self, ms: float) -> None:
        self.machine.wake(round(ms * MS))
        self._drain(round(ms * MS))

    def sleep_until(self, ms: float) -> None:
        """Wake as often as asked for, up to this instant."""
        while (wake_ns := self.machine.next_wake()) is not None and wake_ns <= ms * MS:
            self.wake(wake_ns / MS)

    def stop(self, ms: float) -> None:
        self.machine.stop(round(ms * MS))
        self._drain(round(ms * MS))

    def abort(self, ms: float) -> None:
        self.machine.abort(round(ms * MS))
        self._drain(round(ms * MS))

    @property
    def wake_ms(self) -> float | None:
        wake_ns = self.machine.next_wake()
        return None if wake_ns is None else wake_ns / MS

    @property
    def outcome(self) -> str | None:
        return self.machine.outcome

    @property
    def outcomes(self) -> list[str]:
        return [turn.outcome for turn in self.turns]

    def sent_events(self, kind: type = ClientEvent) -> list[Any]:
        return [outgoing.event for outgoing in self.sent if isinstance(outgoing.event, kind)]

    def _drain(self, now: int) -> None:
        for outgoing in self.machine.outgoing():
            assert outgoing.due_ns <= now
            self.sent.append(outgoing)
            self.machine.sent(outgoing.event, now)
        for turn in self.machine.finished_turns():
            error_ms = identity_error_ms(turn)
            # A service may answer without ever saying that it heard the end of the speech.
            if turn.outcome == "answered" and turn.audible_ns is not None and endpoint_ns(turn) is not None:
                assert error_ms == pytest.approx(0, abs=1e-6)
            self.turns.append(turn)


def created(response_id: str = "r1") -> ResponseCreated:
    return ResponseCreated(response={"id": response_id})


def audio(data: bytes | str = TONE, response_id: str = "r1") -> AudioDelta:
    payload = Audio(base64=data) if isinstance(data, str) else Audio(data)
    return AudioDelta(response_id=response_id, item_id="i", output_index=0, content_index=0, delta=payload)


def text(response_id: str = "r1") -> TextDelta:
    return TextDelta(response_id=response_id, item_id="i", output_index=0, content_index=0, delta="hi")


def done(status: str = "completed", response_id: str = "r1", **details: Any) -> ResponseDone:
    return ResponseDone(response={"id": response_id, "status": status, "status_details": details or None})


def error(code: str | None = "server_error", kind: str = "server_error") -> ErrorReceived:
    return ErrorReceived(error=ErrorDetail(type=kind, message="It broke.", code=code))


STOPPED = SpeechStopped(item_id="u", audio_end_ms=0)


def answer(caller: Caller, at_ms: float, response_id: str = "r1") -> float:
    """An answer of 400 ms, `response.done` right behind its audio; returns when it has been played."""
    caller.hear(at_ms, STOPPED, created(response_id))
    caller.hear(at_ms + 100, audio(TONE, response_id), done(response_id=response_id))
    return at_ms + 500


def test_audio_that_comes_before_its_response_is_told_of_is_the_first_of_it() -> None:
    caller = Caller(Say(CLIP), Listen(2_000 * MS)).ready()
    caller.hear(1_300, STOPPED, audio())
    caller.hear(1_350, created())
    caller.hear(1_400, audio(), done())
    while caller.wake_ms is not None:
        caller.wake(caller.wake_ms)

    (turn,) = caller.turns
    assert (turn.outcome, turn.first_audio_ns) == ("answered", 1_300 * MS)


# Set-up.


def test_the_session_is_configured_once_it_was_created() -> None:
    settings_sent = {"type": "realtime", "instructions": "Be brief."}
    caller = Caller(Say(CLIP), session=SessionConfig(settings=settings_sent)).start()
    assert caller.sent == []
    caller.hear(200, SessionCreated(session={"id": "sess_1"}))

    assert caller.sent == [Outgoing(SessionUpdate(session=settings_sent), 200 * MS)]
    assert (caller.session.session_id, caller.session.created_ns) == ("sess_1", 200 * MS)
    assert caller.session.update_sent_ns == 200 * MS


def test_the_microphone_starts_and_the_first_clip_is_played_when_the_configuration_is_acknowledged() -> None:
    caller = Caller(Say(CLIP)).ready()

    assert [outgoing.event for outgoing in caller.sent[1:]] == [
        StartMicrophone(READY_MS * MS),
        PlayClip(CLIP, READY_MS * MS),
    ]
    assert caller.session.updated_ns == READY_MS * MS
    assert caller.session.turns == 1


def test_the_phase_delays_the_whole_grid_of_frames() -> None:
    machine = Conversation(Script((Say(CLIP),)), frame_ns=FRAME_MS * MS, phase_ns=7 * MS, planned_ns=-5)
    machine.start(0)
    machine.receive(SessionCreated(session={}), 1)
    machine.sent(machine.outgoing()[0].event, 1)
    machine.receive(SessionUpdated(session={}), 2)

    start, play = (outgoing.event for outgoing in machine.outgoing())
    assert start.at_ns == play.at_ns == machine.grid.start_ns == 2 + 7 * MS
    assert machine.session.planned_ns == -5


def test_an_update_before_our_own_and_a_second_creation_are_nothing() -> None:
    caller = Caller(Say(CLIP)).start()
    caller.hear(100, SessionUpdated(session={}))
    assert caller.session.updated_ns is None
    caller.hear(200, SessionCreated(session={"id": "sess_1"}), SessionCreated(session={"id": "sess_2"}))
    caller.hear(300, SessionUpdated(session={}), SessionUpdated(session={}))

    assert len(caller.sent_events(SessionUpdate)) == 1
    assert caller.session.session_id == "sess_1"
    assert (caller.session.updated_ns, caller.session.turns) == (300 * MS, 1)


@pytest.mark.parametrize(
    ("refusal", "error_class"),
    [
        (error("invalid_value"), "invalid_value"),
        (error(None, "invalid_request_error"), "invalid_request_error"),
        (error(None, ""), "error"),
    ],
)
@pytest.mark.parametrize("configured", [False, True])
def test_an_error_in_the_set_up_is_a_refusal_counted_once(refusal, error_class, configured) -> None:
    caller = Caller(Say(CLIP)).start()
    if configured:
        caller.hear(200, SessionCreated(session={}))
    caller.hear(250, refusal)

    assert caller.outcome == caller.session.outcome == "failed"
    assert (caller.session.error_class, caller.session.error_detail) == (error_class, "It broke.")
    assert caller.session.errors == {error_class: 1}
    assert caller.session.ended_ns == 250 * MS
    assert caller.wake_ms is None


def test_session_created_may_take_as_long_as_the_set_up_timeout() -> None:
    caller = Caller(Say(CLIP), setup_timeout_ns=500 * MS).start()
    assert caller.wake_ms == 500
    caller.wake(499)
    assert caller.outcome is None
    caller.wake(500)

    assert caller.outcome == "failed"
    assert (caller.session.error_class, caller.session.error_detail) == (
        "setup_timeout",
        "no session.created in time",
    )
    assert caller.session.errors == {"setup_timeout": 1}


def test_session_updated_has_the_same_time_once_more() -> None:
    caller = Caller(Say(CLIP), setup_timeout_ns=500 * MS).start()
    caller.hear(400, SessionCreated(session={}))
    assert caller.wake_ms == 900
    caller.sleep_until(1_000)

    assert caller.session.error_detail == "no session.updated in time"


def test_what_comes_too_late_is_too_late_even_before_the_alarm_has_rung() -> None:
    caller = Caller(Say(CLIP), setup_timeout_ns=500 * MS).start()
    caller.hear(510, SessionCreated(session={}))

    assert (caller.outcome, caller.session.created_ns) == ("failed", None)


# Say, listen, pause.


def test_a_turn_is_dated_by_the_schedule_of_its_clip() -> None:
    caller = Caller(Say(CLIP), LISTEN).ready()
    caller.sleep_until(answer(caller, 1_500))

    (turn,) = caller.turns
    assert (turn.number, turn.clip, turn.voice, turn.kind) == (1, "hello", "slt", "spoken")
    assert turn.user_speech_start_ns == (READY_MS + 100) * MS
    assert turn.user_speech_end_ns == SPEECH_END_MS * MS
    assert (turn.outcome, turn.error_class) == ("answered", "")
    assert voice_to_voice_ms(turn) == 1_600 - SPEECH_END_MS
    assert turn.closed_ns == 2_000 * MS
    assert (caller.session.turns, caller.session.answered) == (1, 1)
    assert caller.session.errors == {}


def test_the_script_held_to_its_end_is_completed() -> None:
    caller = Caller(Say(CLIP), LISTEN).ready()
    assert caller.wake_ms == SPEECH_END_MS
    caller.sleep_until(answer(caller, 1_500))

    assert caller.outcome == "completed"
    assert (caller.session.ended_ns, caller.session.error_class) == (2_000 * MS, "")


def test_the_next_clip_starts_on_the_frame_boundary_after_the_answer() -> None:
    caller = Caller(Say(CLIP), LISTEN, Say(CLIP), LISTEN).ready()
    caller.sleep_until(answer(caller, 1_511))

    second = caller.sent_events(PlayClip)[1]
    assert second.at_ns == (READY_MS + 43 * FRAME_MS) * MS  # 2 020, the first boundary from 2 011 on
    assert caller.session.turns == 2


def test_a_clip_never_starts_before_the_one_before_has_run_out() -> None:
    caller = Caller(Say(CLIP), Say(CLIP), LISTEN).ready()
    caller.sleep_until(SPEECH_END_MS)

    second = caller.sent_events(PlayClip)[1]
    assert second.at_ns == (READY_MS + 1_000) * MS
    assert caller.wake_ms == READY_MS + 1_850


def test_a_pause_takes_its_time_with_the_turn_left_open() -> None:
    caller = Caller(Say(CLIP), Pause(700 * MS), LISTEN).ready()
    caller.sleep_until(SPEECH_END_MS)
    assert caller.wake_ms == SPEECH_END_MS + 700
    answer(caller, 1_200)
    caller.sleep_until(1_849)
    assert caller.turns == []
    caller.sleep_until(1_850)

    assert caller.outcomes == ["answered"]
    assert caller.turns[0].audible_ns == 1_300 * MS


def test_a_pause_between_turns_keeps_the_microphone_running_and_asks_for_nothing() -> None:
    caller = Caller(Say(CLIP), LISTEN, Pause(1_000 * MS), Say(CLIP)).ready()
    caller.sleep_until(answer(caller, 1_500))

    assert caller.machine.open_turn is None
    assert caller.wake_ms == 3_000
    caller.sleep_until(3_000)
    assert len(caller.sent_events(StartMicrophone)) == 1
    assert caller.sent_events(PlayClip)[1].at_ns == (READY_MS + 68 * FRAME_MS) * MS


def test_listening_with_no_turn_open_is_over_at_once() -> None:
    caller = Caller(LISTEN, Say(CLIP), LISTEN, LISTEN).ready()
    assert caller.session.turns == 1
    caller.sleep_until(answer(caller, 1_500))

    assert caller.outcome == "completed"


def test_turns_that_nobody_listens_for_are_not_asked() -> None:
    caller = Caller(Say(CLIP), Pause(100 * MS), Say(CLIP), Say(CLIP), LISTEN).ready()
    caller.sleep_until(READY_MS + 2_850)
    caller.sleep_until(answer(caller, 3_500))

    assert caller.outcomes == ["not_asked", "not_asked", "answered"]
    assert [turn.expects_answer for turn in caller.turns] == [False, False, True]
    assert [turn.number for turn in caller.turns] == [1, 2, 3]
    assert caller.session.answered == 1
    assert caller.session.errors == {}


def test_a_script_that_ends_without_listening_leaves_its_turn_not_asked() -> None:
    caller = Caller(Say(CLIP)).ready()
    caller.sleep_until(SPEECH_END_MS)

    assert (caller.outcomes, caller.outcome) == (["not_asked"], "completed")


def test_the_answer_is_heard_out_after_the_response_is_done() -> None:
    caller = Caller(Say(CLIP), LISTEN).ready()
    caller.hear(1_500, STOPPED, created())
    caller.hear(1_600, audio(), audio(), audio(), done())
    assert caller.wake_ms == 2_800
    caller.wake(2_799)
    assert caller.turns == []
    caller.sleep_until(2_800)

    assert caller.turns[0].playout_end_ns == 2_800 * MS


def test_a_late_wake_neither_skips_nor_repeats_anything() -> None:
    caller = Caller(Say(CLIP), LISTEN, Say(CLIP), LISTEN).ready()
    answer(caller, 1_100)
    caller.wake(5_000)

    assert caller.outcomes == ["answered"]
    assert caller.sent_events(PlayClip)[1].at_ns == (READY_MS + 118 * FRAME_MS) * MS
    assert caller.turns[0].user_speech_end_ns == SPEECH_END_MS * MS


def test_early_wakes_do_nothing() -> None:
    caller = Caller(Say(CLIP), LISTEN).ready()
    before = (len(caller.sent), caller.wake_ms)
    for ms in range(READY_MS, SPEECH_END_MS, 7):
        caller.wake(ms)

    assert (len(caller.sent), caller.wake_ms) == before


# Manual turns.


def test_a_manual_turn_is_committed_once_the_frame_with_the_last_speech_sample_has_left() -> None:
    caller = Caller(Say(CLIP), LISTEN, session=MANUAL).ready()
    boundary_ms = READY_MS + 22 * FRAME_MS  # 1 180 holds the sample at 1 150
    assert caller.wake_ms == boundary_ms
    caller.sleep_until(boundary_ms)

    assert caller.sent[-2:] == [
        Outgoing(InputAudioCommit(), boundary_ms * MS),
        Outgoing(ResponseCreate(), boundary_ms * MS),
    ]
    caller.hear(1_300, InputAudioCommitted(item_id="u"), created())
    caller.hear(1_400, audio(), done())
    caller.sleep_until(1_800)
    (turn,) = caller.turns
    assert (turn.kind, turn.outcome, turn.user_item_id) == ("manual", "answered", "u")
    assert turn.commit_sent_ns == boundary_ms * MS
    assert endpoint_delay_ms(turn) == 30
    assert voice_to_voice_ms(turn) == 250


def test_speech_that_ends_on_a_boundary_is_committed_there() -> None:
    clip = Clip("c", duration_ns=1_000 * MS, speech_start_ns=0, speech_end_ns=800 * MS)
    caller = Caller(Say(clip), LISTEN, session=MANUAL).ready()

    assert caller.wake_ms == READY_MS + 800


def test_a_late_commit_is_due_when_it_was_meant_and_sent_when_it_was_sent() -> None:
    caller = Caller(Say(CLIP), LISTEN, session=MANUAL).ready()
    caller.wake(1_193)

    assert caller.sent[-2].due_ns == 1_180 * MS
    caller.hear(1_300, created(), audio(), done())
    caller.sleep_until(1_700)
    assert caller.turns[0].commit_sent_ns == 1_193 * MS


@pytest.mark.parametrize(
    "steps", [(Say(CLIP, expects_answer=False), LISTEN), (Say(CLIP), Say(CLIP), LISTEN), (Say(CLIP),)]
)
def test_a_manual_turn_that_wants_no_answer_is_committed_and_no_response_asked_for(steps) -> None:
    caller = Caller(*steps, session=MANUAL).ready()
    caller.sleep_until(1_180)

    assert len(caller.sent_events(InputAudioCommit)) == 1
    assert caller.sent_events(ResponseCreate) == []


def test_each_manual_turn_keeps_the_instant_of_its_own_commit() -> None:
    caller = Caller(Say(CLIP), Say(CLIP), LISTEN, session=MANUAL).ready()
    caller.sleep_until(READY_MS + 1_880)
    caller.sleep_until(answer(caller, 2_300))

    assert [turn.commit_sent_ns for turn in caller.turns] == [1_180 * MS, 2_180 * MS]
    assert caller.outcomes == ["not_asked", "answered"]


# Turns without a good answer.


def test_a_turn_is_censored_where_no_answer_came_by_the_timeout() -> None:
    caller = Caller(Say(CLIP), LISTEN, Say(CLIP)).ready()
    caller.hear(1_500, STOPPED, created())
    caller.sleep_until(SPEECH_END_MS + 1_999)
    assert caller.turns == []
    caller.sleep_until(SPEECH_END_MS + 2_000)

    (turn,) = caller.turns
    assert (turn.outcome, turn.error_class) == ("no_answer", "answer_timeout")
    assert turn.closed_ns == (SPEECH_END_MS + 2_000) * MS
    assert caller.session.errors == {"answer_timeout": 1}
    assert caller.session.turns == 2


def test_an_answer_after_the_timeout_is_too_late_even_before_the_alarm_has_rung() -> None:
    caller = Caller(Say(CLIP), LISTEN).ready()
    caller.hear(1_500, STOPPED, created())
    caller.hear(SPEECH_END_MS + 2_001, audio())

    assert caller.outcomes == ["no_answer"]
    assert caller.turns[0].first_audio_ns is None


def test_silence_after_what_expects_no_answer_is_no_error() -> None:
    caller = Caller(Say(CLIP, expects_answer=False), LISTEN).ready()
    caller.sleep_until(10_000)

    assert (caller.outcomes, caller.turns[0].error_class) == (["no_answer"], "")
    assert caller.session.errors == {}


def test_an_answer_that_began_in_time_is_heard_past_the_timeout() -> None:
    caller = Caller(Say(CLIP), LISTEN).ready()
    caller.hear(3_000, STOPPED, created(), audio())
    caller.hear(4_900, audio())
    assert caller.wake_ms == 5_300 + 2_000
    caller.hear(6_000, audio(), done())
    caller.sleep_until(6_400)

    assert caller.outcomes == ["answered"]


def test_an_answer_that_stalls_fails_its_timeout_after_the_last_sign_of_it() -> None:
    caller = Caller(Say(CLIP), LISTEN).ready()
    caller.hear(1_500, STOPPED, created(), audio())
    caller.hear(
        3_000, RateLimitsUpdated(rate_limits=()), UnknownEvent(type="ping"), MalformedEvent(reason="x")
    )
    caller.hear(3_100, audio(response_id="another"))
    assert caller.wake_ms == 1_900 + 2_000  # played until 1 900
    caller.sleep_until(3_900)

    assert (caller.outcomes, caller.turns[0].error_class) == (["failed"], "answer_stalled")
    assert caller.session.errors == {"answer_stalled": 1, "protocol_error": 1}


def test_a_written_answer_can_stall_too() -> None:
    caller = Caller(Say(CLIP), LISTEN, session=SessionConfig(spoken_answers=False)).ready()
    caller.hear(1_500, STOPPED, created(), text())
    caller.sleep_until(3_499)
    assert caller.turns == []
    caller.sleep_until(3_500)

    assert caller.turns[0].error_class == "answer_stalled"


@pytest.mark.parametrize(
    ("response_done", "outcome", "error_class"),
    [
        (done("failed", error={"code": "rate_limited"}), "failed", "rate_limited"),
        (done("failed"), "failed", "response_failed"),
        (done("cancelled", reason="client_cancelled"), "cancelled", "client_cancelled"),
        (done("cancelled"), "cancelled", "response_cancelled"),
    ],
)
def test_a_response_that_failed_or_was_cancelled_says_why(response_done, outcome, error_class) -> None:
    caller = Caller(Say(CLIP), LISTEN).ready()
    caller.hear(1_500, STOPPED, created(), audio(), response_done)
    caller.sleep_until(1_900)

    assert (caller.outcomes, caller.turns[0].error_class) == ([outcome], error_class)
    assert caller.session.errors == {error_class: 1}
    assert caller.session.answered == 0


def test_an_answer_cut_by_its_token_limit_is_an_answer() -> None:
    caller = Caller(Say(CLIP), LISTEN).ready()
    caller.hear(1_500, STOPPED, created(), audio(), done("incomplete", reason="max_output_tokens"))
    caller.sleep_until(1_900)

    assert caller.outcomes == ["answered"]
    assert (caller.turns[0].response_status, caller.turns[0].response_reason) == (
        "incomplete",
        "max_output_tokens",
    )


@pytest.mark.parametrize("said", [(), (audio(SILENCE),), (text(),)])
def test_an_answer_without_sound_is_none(said) -> None:
    caller = Caller(Say(CLIP), LISTEN).ready()
    caller.hear(1_500, STOPPED, created(), *said, done())
    caller.sleep_until(1_900)

    assert (caller.outcomes, caller.turns[0].error_class) == (["no_answer"], "silent_answer")


def test_a_written_answer_counts_where_writing_was_asked_for() -> None:
    caller = Caller(Say(CLIP), LISTEN, session=SessionConfig(spoken_answers=False)).ready()
    caller.hear(1_500, STOPPED, created(), text(), done())

    assert caller.outcomes == ["answered"]
    assert caller.turns[0].first_text_ns == 1_500 * MS


def test_the_answer_to_a_pause_inside_the_utterance_does_not_end_the_turn() -> None:
    caller = Caller(Say(CLIP), LISTEN).ready()
    caller.hear(700, STOPPED, created("r1"), audio(TONE, "r1"), done(response_id="r1"))
    caller.hear(900, SpeechStarted(item_id="u", audio_start_ms=0))
    caller.sleep_until(1_500)
    assert caller.turns == []
    caller.sleep_until(answer(caller, 1_600, "r2"))

    assert caller.outcomes == ["answered"]
    assert voice_to_voice_ms(caller.turns[0]) == 1_700 - SPEECH_END_MS


# Errors and events that are none.


def test_errors_while_talking_are_counted_by_class_and_end_nothing() -> None:
    caller = Caller(Say(CLIP), LISTEN).ready()
    caller.hear(400, error("a"), error("a"), error(None, "b"), error(None, ""))
    caller.sleep_until(answer(caller, 1_500))

    assert caller.session.errors == {"a": 2, "b": 1, "error": 1}
    assert (caller.outcome, caller.session.error_class) == ("completed", "")


def test_unknown_and_malformed_events_are_counted_in_every_state() -> None:
    caller = Caller(Say(CLIP), LISTEN).start()
    noise = (UnknownEvent(type="ping"), MalformedEvent(reason="not JSON"))
    caller.hear(50, *noise)
    caller.hear(200, SessionCreated(session={}), *noise)
    caller.hear(300, SessionUpdated(session={}), *noise)
    caller.sleep_until(1_400)
    caller.hear(1_400, *noise)

    assert (caller.session.unknown_events, caller.session.malformed_events) == (4, 4)
    assert caller.session.errors == {"protocol_error": 4}
    assert caller.outcome is None


def test_an_undecodable_payload_is_a_protocol_error_and_the_turn_goes_on() -> None:
    caller = Caller(Say(CLIP), LISTEN).ready()
    caller.hear(1_500, STOPPED, created(), audio("*** no base64 ***"))
    caller.hear(1_600, audio(), done())
    caller.sleep_until(2_000)

    assert caller.outcomes == ["answered"]
    assert caller.session.errors == {"protocol_error": 1}
    assert caller.session.malformed_events == 1


def test_what_the_service_says_outside_any_turn_is_ignored() -> None:
    caller = Caller(Pause(1_000 * MS), Say(CLIP), LISTEN).ready()
    caller.hear(500, created("idle"), audio(TONE, "idle"), done(response_id="idle"))
    caller.sleep_until(1_300)
    caller.sleep_until(2_500)
    caller.sleep_until(answer(caller, 2_600))

    assert caller.turns[0].response_id == "r1"
    assert caller.turns[0].playout_wait_ms == 0


# Ends.


def in_state(state: str) -> tuple[Caller, float]:
    """A caller in the middle of a state, and the time."""
    caller = Caller(Say(CLIP), Pause(200 * MS), LISTEN, Pause(1_000 * MS), Say(CLIP), LISTEN)
    if state == "connected":
        return caller.start(), 100
    if state == "configuring":
        caller.start().hear(200, SessionCreated(session={}))
        return caller, 250
    caller.ready()
    if state == "saying":
        return caller, 700
    caller.sleep_until(1_200)
    if state == "pausing in the turn":
        return caller, 1_250
    caller.sleep_until(1_400)
    if state == "listening":
        return caller, 1_400
    caller.hear(1_500, STOPPED, created(), audio())
    if state == "hearing the answer":
        return caller, 1_600
    caller.hear(1_700, done())
    if state == "playing out":
        return caller, 1_750
    assert state == "pausing between turns"
    caller.sleep_until(1_900)
    return caller, 2_000


SET_UP = ["connected", "configuring"]
IN_TURN = ["saying", "pausing in the turn", "listening", "hearing the answer", "playing out"]
BETWEEN = ["pausing between turns"]


@pytest.mark.parametrize("state", SET_UP + IN_TURN + BETWEEN)
def test_an_abort_ends_everything_at_once(state) -> None:
    caller, now = in_state(state)
    closed = len(caller.turns)
    caller.abort(now)

    assert caller.outcome == caller.session.outcome == "interrupted"
    assert caller.outcomes[closed:] == (["interrupted"] if state in IN_TURN else [])
    assert caller.session.errors == {}
    assert (caller.session.ended_ns, caller.wake_ms) == (now * MS, None)


@pytest.mark.parametrize("state", SET_UP + IN_TURN + BETWEEN)
@pytest.mark.parametrize(
    ("event", "error_class"),
    [(Disconnected(), "connection_lost"), (Disconnected(4000, "bye"), "closed_4000")],
)
def test_a_lost_connection_drops_the_session_and_the_open_turn(state, event, error_class) -> None:
    caller, now = in_state(state)
    closed = len(caller.turns)
    caller.hear(now, event)

    assert caller.outcome == ("failed" if state in SET_UP else "dropped")
    assert caller.outcomes[closed:] == (["dropped"] if state in IN_TURN else [])
    assert (caller.session.error_class, caller.session.error_detail) == (error_class, event.reason)
    assert caller.session.errors == {error_class: 1}
    assert all(turn.error_class == error_class for turn in caller.turns[closed:])


@pytest.mark.parametrize("state", IN_TURN)
def test_a_stop_lets_the_turn_under_way_end(state) -> None:
    caller, now = in_state(state)
    caller.stop(now)
    assert caller.outcome is None
    if state in IN_TURN[:3]:
        caller.sleep_until(1_500)
        answer(caller, 1_500)
    elif state == "hearing the answer":
        caller.hear(1_700, done())
    caller.sleep_until(10_000)

    assert (caller.outcomes, caller.outcome) == (["answered"], "drained")


def test_a_stop_between_turns_ends_the_session_there() -> None:
    caller, now = in_state("pausing between turns")
    caller.stop(now)

    assert (caller.outcome, caller.session.ended_ns) == ("drained", now * MS)
    assert caller.outcomes == ["answered"]


@pytest.mark.parametrize("state", SET_UP)
def test_a_stop_in_the_set_up_waits_for_it_and_begins_no_turn(state) -> None:
    caller, now = in_state(state)
    caller.stop(now)
    assert caller.outcome is None
    caller.hear(300, SessionCreated(session={}))
    caller.hear(400, SessionUpdated(session={}))

    assert (caller.outcome, caller.session.updated_ns) == ("drained", 400 * MS)
    assert caller.session.turns == 0
    assert caller.sent_events(StartMicrophone) == []


def test_a_stopped_set_up_that_never_ends_has_failed() -> None:
    caller = Caller(Say(CLIP)).start()
    caller.stop(100)
    caller.sleep_until(20_000)

    assert (caller.outcome, caller.session.error_class) == ("failed", "setup_timeout")


@pytest.mark.parametrize("between", [(), (Pause(300 * MS),)])
def test_a_stop_begins_no_further_turn_where_nobody_listens(between) -> None:
    caller = Caller(Say(CLIP), *between, Say(CLIP), Say(CLIP), LISTEN).ready()
    caller.stop(700)
    caller.sleep_until(20_000)

    assert (caller.outcome, caller.outcomes) == ("drained", ["not_asked"])


def test_after_its_end_a_conversation_does_nothing_more() -> None:
    caller = Caller(Say(CLIP), LISTEN).ready()
    caller.abort(700)
    before = (len(caller.sent), len(caller.turns))
    caller.hear(800, STOPPED, created(), audio(), done(), error(), Disconnected())
    caller.wake(900)
    caller.stop(900)
    caller.abort(900)

    assert (len(caller.sent), len(caller.turns)) == before
    assert (caller.outcome, caller.session.ended_ns, caller.session.errors) == ("interrupted", 700 * MS, {})


# Any order of events.

STEPS = st.lists(
    st.sampled_from(
        [Say(CLIP), Say(CLIP, expects_answer=False), LISTEN, Listen(0), Pause(0), Pause(300 * MS)]
    ),
    max_size=6,
)
INPUTS: dict[str, Any] = {
    "session.created": SessionCreated(session={"id": "s"}),
    "session.updated": SessionUpdated(session={}),
    "speech_started": SpeechStarted(item_id="u", audio_start_ms=0),
    "speech_stopped": STOPPED,
    "response.created": created("r1"),
    "response.created, another": created("r2"),
    "response.created, no id": created(""),
    "audio": audio(),
    "audio, another": audio(TONE, "r2"),
    "silence": audio(SILENCE),
    "no base64": audio("***"),
    "text": text(),
    "completed": done(),
    "cancelled": done("cancelled", reason="turn_detected"),
    "failed, another": done("failed", response_id="r2"),
    "done, no id": ResponseDone(response={}),
    "unknown": UnknownEvent(type="ping"),
    "malformed": MalformedEvent(reason="?"),
    "rate_limits": RateLimitsUpdated(rate_limits=()),
    "error": error(),
}
STORY = st.lists(st.tuples(st.integers(0, 700), st.sampled_from([*INPUTS, "stop", "wake"])), max_size=40)


@settings(deadline=None)
@given(
    steps=STEPS,
    story=STORY,
    manual=st.booleans(),
    prebuffer_ns=st.sampled_from([0, 600 * MS]),
    is_set_up=st.booleans(),
)
def test_any_order_of_events_comes_to_an_end_without_a_busy_loop(
    steps, story, manual, prebuffer_ns, is_set_up
) -> None:
    caller = Caller(*steps, session=SessionConfig(manual_turns=manual), prebuffer_ns=prebuffer_ns)
    caller = caller.ready() if is_set_up else caller.start()
    now = READY_MS if is_set_up else 0
    for gap, name in story:
        now += gap
        if name == "stop":
            caller.stop(now)
        elif name == "wake":
            caller.wake(now)
        else:
            caller.hear(now, INPUTS[name])
        if caller.wake_ms is not None:
            assert caller.wake_ms > now  # all that was due has been done
    for _ in range(200):
        if caller.wake_ms is None:
            break
        due = caller.wake_ms
        caller.wake(due)
        assert caller.wake_ms is None or caller.wake_ms > due

    assert caller.outcome is not None
    assert len(caller.turns) == caller.session.turns
    assert caller.session.answered == caller.outcomes.count("answered")


# With the emulated session, in virtual time.


class Duplex:
    """A conversation and an emulated session, joined by a line of this delay on a virtual clock.

    Events go over as they are, without a codec; the microphone sends every frame at its end.
    """

    def __init__(self, script: Script, service: Service, frames: FrameCache, delay_ms: float = 0) -> None:
        self.clock = VirtualClock(now=5_000 * MS)
        self.caller = Conversation(script, frame_ns=FRAME_MS * MS, phase_ns=13 * MS)
        self.agent = EmulatedSession(service, model="m", token="0", number=0, expires_at=0)
        self.turns: list[Turn] = []
        self._format = script.session.input_format
        self._frames = frames
        self._silence = frames.silence(self._format, FRAME_MS)
        self._delay_ns = round(delay_ms * MS)
        self._clips: dict[int, Audio] = {}
        self._frames_sent = 0
        self._microphone_on = False
        self._alarms: dict[object, Timer] = {}

    def hold(self) -> tuple[list[Turn], dict[str, TruthRow]]:
        """Talk to the end; the finished turns, and the truth about each response."""
        for machine in (self.agent, self.caller):
            machine.start(self.clock.now)
            self._settle(machine)
        while self.caller.outcome is None and self.clock.run_next():
            pass
        self.agent.receive(Disconnected(1000), self.clock.now)
        return self.turns, {row.response_id: row for row in self.agent.truth_rows()}

    def _settle(self, machine: Conversation | EmulatedSession) -> None:
        for event, _ in machine.outgoing():
            self._dispatch(machine, event)
        if machine is self.caller:
            self.turns += self.caller.finished_turns()
        self._arm(machine)

    def _dispatch(self, machine: Conversation | EmulatedSession, event: Any) -> None:
        if isinstance(event, StartMicrophone):
            self._microphone_on = True
            self.clock.call_at(event.at_ns + FRAME_MS * MS, self._tick)
        elif isinstance(event, PlayClip):
            first = (event.at_ns - self.caller.grid.start_ns) // (FRAME_MS * MS)
            self._clips |= enumerate(self._frames.frames(event.clip.name, self._format, FRAME_MS), first)
        else:
            if machine is self.caller and self._microphone_on:
                self._send_frames()
            self._post(self.agent if machine is self.caller else self.caller, event)
            machine.sent(event, self.clock.now)

    def _post(self, machine: Conversation | EmulatedSession, event: Any) -> None:
        def arrive() -> None:
            machine.receive(event, self.clock.now)
            self._settle(machine)

        self.clock.call_at(self.clock.now + self._delay_ns, arrive)

    def _arm(self, machine: Conversation | EmulatedSession) -> None:
        wake_ns, alarm = machine.next_wake(), self._alarms.get(machine)
        if wake_ns is None or (alarm is not None and not alarm.cancelled and alarm.due_ns <= wake_ns):
            return
        if alarm is not None:
            alarm.cancel()

        def ring() -> None:
            machine.wake(self.clock.now)
            self._settle(machine)

        self._alarms[machine] = self.clock.call_at(wake_ns, ring)

    def _tick(self) -> None:
        self._send_frames()
        self.clock.call_at(self._frame_due_ns, self._tick)

    @property
    def _frame_due_ns(self) -> int:
        return self.caller.grid.start_ns + (self._frames_sent + 1) * FRAME_MS * MS

    def _send_frames(self) -> None:
        while self._frame_due_ns <= self.clock.now:
            silence = self._silence[self._frames_sent % len(self._silence)]
            audio = self._clips.pop(self._frames_sent, silence)
            self._frames_sent += 1
            self._post(self.agent, InputAudioAppend(audio=audio))


@pytest.fixture(scope="module")
def english() -> Corpus:
    return Corpus.open(find_corpus("english"))


@pytest.fixture(scope="module")
def frames(english: Corpus) -> FrameCache:
    return FrameCache(english)


def service(english: Corpus, *replies: str, **profile: Any) -> Service:
    """A service that says these clips and understands nothing."""
    recordings = [
        Recording(name, english.entry(name).text, (), {rate: english.samples(name)[:: 24_000 // rate]})
        for name in replies
        for rate in (profile.pop("rate_hz", 24_000),)
    ]
    read = Profile.model_validate(profile)
    return Service(read, Voice(recordings, read.chunk_ms), Recognizer([]))


def session(turn_detection: Any = None, fmt: AudioFormat = PCM16, **config: Any) -> SessionConfig:
    """Formats and turn detection as the caller asks for them."""
    wire = {"type": fmt.name, "rate": fmt.rate_hz} if fmt is PCM16 else {"type": fmt.name}
    return SessionConfig(
        settings={
            "type": "realtime",
            "audio": {
                "input": {"format": wire, "turn_detection": turn_detection},
                "output": {"format": wire},
            },
        },
        input_format=fmt,
        output_format=fmt,
        manual_turns=turn_detection is None,
        **config,
    )


def true_wait_ms(duplex: Duplex, turn: Turn, row: TruthRow) -> float:
    """What `voice_to_voice_ms` should be, by the emulator's log and our own player's wait."""
    rate_hz = row.input_rate_hz
    speech_end_sample = duplex.caller.grid.sample_at(turn.user_speech_end_ns, rate_hz)
    assert row.first_audio_sent_ns is not None and row.audible_offset_ms is not None
    assert turn.playout_wait_ms is not None
    return (
        (row.endpoint_sample - speech_end_sample) * 1_000 / rate_hz
        + (row.first_audio_sent_ns - row.endpoint_received_ns) / MS
        + row.audible_offset_ms
        + turn.playout_wait_ms
    )


SERVER_VAD = {"type": "server_vad", "silence_duration_ms": 500}
QUESTIONS = ("delivery_question", "refund_question", "order_number", "yes_rms", "stock_question")


def test_ten_minutes_of_conversation_are_measured_to_the_nanosecond(english, frames) -> None:
    steps: list[Step] = []
    for number in range(72):
        steps += [
            Say(english.clip(QUESTIONS[number % 5])),
            Listen(8_000 * MS),
            Pause((700 + 31 * number) * MS),
        ]
    duplex = Duplex(
        Script(tuple(steps), session(SERVER_VAD)),
        service(
            english,
            "reply_delivery",
            "reply_yes",
            response_delay={"lognormal": {"median": "350 ms", "p95": "900 ms"}},
            leading_silence={"normal": {"mean": "120 ms", "sd": "60 ms"}},
            jitter={"normal": {"mean": "40 ms", "sd": "40 ms"}},
        ),
        frames,
    )
    turns, truth = duplex.hold()

    assert duplex.caller.session.ended_ns - duplex.caller.session.planned_ns > 600_000 * MS
    assert duplex.caller.outcome == "completed"
    assert duplex.caller.session.errors == {}
    assert [turn.outcome for turn in turns] == ["answered"] * 72
    for turn in turns:
        assert identity_error_ms(turn) == pytest.approx(0, abs=1e-6)
        assert voice_to_voice_ms(turn) == pytest.approx(
            true_wait_ms(duplex, turn, truth[turn.response_id]), abs=2e-6
        )


@pytest.mark.parametrize("fmt", [PCM16, PCMU], ids=lambda fmt: fmt.name)
@pytest.mark.parametrize("turn_detection", [SERVER_VAD, None], ids=["vad", "manual"])
@pytest.mark.parametrize("delay_ms", [0, 35])
def test_the_measured_wait_is_the_true_one_and_the_way_there_and_back(
    english, frames, fmt, turn_detection, delay_ms
) -> None:
    steps = [step for name in QUESTIONS for step in (Say(english.clip(name)), Listen(8_000 * MS))]
    duplex = Duplex(
        Script(tuple(steps), session(turn_detection, fmt), prebuffer_ns=150 * MS),
        service(english, "reply_yes", pace="0.8x", leading_silence="30 ms", rate_hz=fmt.rate_hz),
        frames,
        delay_ms,
    )
    turns, truth = duplex.hold()

    assert [turn.outcome for turn in turns] == ["answered"] * 5
    for turn in turns:
        error_ms = voice_to_voice_ms(turn) - true_wait_ms(duplex, turn, truth[turn.response_id])
        assert error_ms == pytest.approx(2 * delay_ms, abs=1_000 / fmt.rate_hz if fmt is PCMU else 2e-6)
        assert identity_error_ms(turn) == pytest.approx(0, abs=1e-6)
        assert turn.underrun_count > 0


@pytest.mark.parametrize("pace", ["1x", "burst"])
@pytest.mark.parametrize("silence_ms", [200, 500])
def test_callers_who_hesitate_are_answered_once_they_have_finished(english, frames, silence_ms, pace) -> None:
    names = ("hesitant_order", "hesitant_date", "hesitant_number", "hesitant_complaint", "hesitant_address")
    steps = [step for name in names for step in (Say(english.clip(name)), Listen(8_000 * MS))]
    duplex = Duplex(
        Script(tuple(steps), session({"type": "server_vad", "silence_duration_ms": silence_ms})),
        service(english, "reply_yes", response_delay="50 ms", pace=pace),
        frames,
    )
    turns, truth = duplex.hold()

    assert [turn.outcome for turn in turns] == ["answered"] * 5
    assert len(truth) > 5  # some were answered in the middle, too
    for turn in turns:
        assert voice_to_voice_ms(turn) == pytest.approx(
            true_wait_ms(duplex, turn, truth[turn.response_id]), abs=2e-6
        )
        assert voice_to_voice_ms(turn) > silence_ms
        assert turn.playout_wait_ms == 0
