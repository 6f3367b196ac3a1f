from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from rtbench.clock import NS_PER_MS
from rtbench.core import response_events as r
from rtbench.core import server_events as s
from rtbench.core.audio import PCM16, Audio
from rtbench.core.conversation import Conversation
from rtbench.core.microphone import PlayClip
from rtbench.core.script import Clip, Disturb, Interrupt, Listen, Moment, Say, Script, Step
from rtbench.engine.ledger import Ledger, Podium
from rtbench.engine.recording import Recording
from rtbench.engine.rows import RowKeys
from rtbench.engine.waveform import KEPT_TURNS, SlowestTurns, WaveformKeeper
from rtbench.results.schema import RECORDINGS, SESSIONS, STIMULI, TURNS, WAVEFORMS
from rtbench.scenario.prices import PRICES, Price

KEYS = RowKeys("w0", "w0-000001", user=0, iteration=0, scenario="barge_in", transport="websocket")
UNIX_OFFSET_NS = 10**18
MOMENT = Moment(heard_ns=1_000 * NS_PER_MS)


def ms(value: float) -> int:
    return round(value * NS_PER_MS)


def tone(length_ms: float) -> np.ndarray:
    return np.round(8_000 * np.sin(2 * np.pi * np.arange(round(length_ms * 24)) / 24)).astype(np.int16)


CLIP = Clip("clip", ms(800), ms(100), ms(700))
CLIP_SAMPLES = np.concatenate((np.zeros(2_400), tone(600), np.zeros(2_400))).astype(np.int16)


class BookedCall:
    """A conversation by hand, in milliseconds, with everything that a call keeps of it; ready at 100 ms."""

    def __init__(
        self, *steps: Step, podium: Podium | None = None, keeps_sound: bool = True, price: Price | None = None
    ) -> None:
        self.conversation = Conversation(Script(steps), frame_ns=ms(20))
        self.podium = podium or Podium()
        self.waveform = WaveformKeeper(self.podium.turns, PCM16)
        self.recording = Recording(PCM16, lambda clip, rate_hz: CLIP_SAMPLES)
        self.rows: list[tuple[str, dict[str, Any]]] = []
        self.late_max_ms = 0.0
        self._keeps_sound = keeps_sound
        self.ledger = Ledger(
            KEYS,
            self.conversation,
            PCM16.rate_hz,
            UNIX_OFFSET_NS,
            lambda *row: self.rows.append(row),
            lambda: price,
        )
        self.conversation.start(0)
        self.hear(50, s.SessionCreated(session={"id": "sess_1"}))
        self.hear(100, s.SessionUpdated(session={}))

    def hear(self, at_ms: float, *events: Any) -> None:
        while (wake_ns := self.conversation.next_wake()) is not None and wake_ns <= ms(at_ms):
            self.conversation.wake(wake_ns)
            self._settle(wake_ns)
        for event in events:
            self.conversation.receive(event, ms(at_ms))
            if isinstance(event, r.AudioDelta):
                self._keep(event)
            self._settle(ms(at_ms))

    def answer(self, at_ms: float, length_ms: float, response_id: str, *, ends: bool = True) -> None:
        """An answer in pieces of 100 ms, all at once."""
        self.hear(at_ms, s.SpeechStopped(item_id="u", audio_end_ms=0))
        self.hear(at_ms, r.ResponseCreated(response={"id": response_id}))
        piece = Audio(tone(100).tobytes())
        for _ in range(int(length_ms // 100)):
            self.hear(
                at_ms,
                r.AudioDelta(
                    response_id=response_id, item_id="i", output_index=0, content_index=0, delta=piece
                ),
            )
        if ends:
            usage = {"output_token_details": {"audio_tokens": 100 if response_id == "r2" else 0}}
            self.hear(
                at_ms, r.ResponseDone(response={"id": response_id, "status": "completed", "usage": usage})
            )

    def interrupted(self) -> BookedCall:
        """The first answer from 1.5 s on, spoken into at 2.6 s, noticed at 2.75 s; the second from 4 s on."""
        self.answer(1_500, 5_000, "r1")
        self.hear(2_750, s.SpeechStarted(item_id="u", audio_start_ms=0))
        self.answer(4_000, 500, "r2")
        self.hear(20_000)
        return self

    def of(self, table: str) -> list[dict[str, Any]]:
        return [row for name, row in self.rows if name == table]

    def _keep(self, event: r.AudioDelta) -> None:
        fold, reply = self.conversation.open_turn, self.conversation.reply(event.response_id)
        if fold is not None and fold.turn.response_id == event.response_id:
            self.waveform.hear(fold.turn, reply.playback, event.delta)
        self.recording.agent_says(self.conversation.session.turns, reply.playback, event.delta)

    def _settle(self, now: int) -> None:
        for event, _ in self.conversation.outgoing():
            if isinstance(event, PlayClip):
                self.recording.caller_plays(event)
            self.conversation.sent(event, now)
        kept = self.recording if self._keeps_sound else None
        for turn in self.conversation.finished_turns():
            self.ledger.turn(turn, self.late_max_ms, 7, self.waveform, kept)
        for stimulus in self.conversation.finished_stimuli():
            self.ledger.stimulus(
                stimulus,
                self.late_max_ms,
                self.podium.stops,
                self.recording,
                keeps_sound=self._keeps_sound,
            )


BARGE_IN = (Say(CLIP), Interrupt(CLIP, MOMENT), Listen(ms(5_000)))
COUGH = (Say(CLIP), Disturb(CLIP, "cough", MOMENT), Listen(ms(5_000)))


def loud_until_ms(samples: np.ndarray, from_ms: float = 0) -> float:
    """End of the first stretch of sound from a place on, by the RMS of windows of 5 ms above -40 dBFS."""
    windows = samples[round(from_ms * 24) :].astype(np.float64)
    windows = windows[: len(windows) // 120 * 120].reshape(-1, 120)
    loud = np.sqrt((windows**2).mean(axis=1)) > 327.68
    first = int(loud.argmax())
    return from_ms + 5.0 * (first + int((~loud[first:]).argmax()))


def loud_from_ms(samples: np.ndarray, from_ms: float = 0) -> float:
    windows = samples[round(from_ms * 24) :].astype(np.float64)
    windows = windows[: len(windows) // 120 * 120].reshape(-1, 120)
    return from_ms + 5.0 * int((np.sqrt((windows**2).mean(axis=1)) > 327.68).argmax())


def test_the_rows_fit_their_tables() -> None:
    call = BookedCall(*BARGE_IN).interrupted()
    call.ledger.session(Counter({"session.created.mood": 1}), bytes_sent=1, bytes_received=2, frames_sent=3)
    for table, schema in {
        "turns": TURNS,
        "stimuli": STIMULI,
        "waveforms": WAVEFORMS,
        "recordings": RECORDINGS,
        "sessions": SESSIONS,
    }.items():
        rows = call.of(table)
        assert rows
        assert all(set(row) <= set(schema.names) for row in rows)
        pa.Table.from_pylist(rows, schema=schema)


def test_rows_carry_their_place_in_wall_time_and_in_the_input() -> None:
    call = BookedCall(*BARGE_IN).interrupted()
    first, second = call.of("turns")
    assert [turn["number"] for turn in (first, second)] == [1, 2]
    assert first["at_unix_ns"] == ms(800) + UNIX_OFFSET_NS
    assert (first["speech_end_sample"], first["concurrency"]) == (700 * 24, 7)
    (stimulus,) = call.of("stimuli")
    assert stimulus["onset_ns"] == ms(2_500)
    assert stimulus["at_unix_ns"] == ms(2_500) + UNIX_OFFSET_NS
    assert stimulus["onset_sample"] == 2_400 * 24
    assert (stimulus["session"], stimulus["session_id"]) == ("w0-000001", "sess_1")
    assert (stimulus["barge_in_heard_stop_ms"], stimulus["eligible"]) == (250.0, True)
    assert (stimulus["void"], stimulus["void_reason"]) == (False, "")


def test_a_late_frame_voids_a_stimulus() -> None:
    call = BookedCall(*BARGE_IN)
    call.late_max_ms = 25.0
    (stimulus,) = call.interrupted().of("stimuli")
    assert (stimulus["void"], stimulus["void_reason"]) == (True, "a frame was sent 25 ms late")


def test_in_the_recording_of_a_barge_in_the_agent_falls_silent_when_the_metric_says() -> None:
    call = BookedCall(*BARGE_IN).interrupted()
    (stimulus,) = call.of("stimuli")
    (row,) = [row for row in call.of("recordings") if row["stimulus"] == stimulus["number"]]
    caller, agent = (np.frombuffer(row[name], "<i2") for name in ("caller", "agent"))
    answer_ms = (ms(1_500) - row["start_ns"]) / NS_PER_MS
    onset_ms = loud_from_ms(caller, answer_ms)
    silent_ms = loud_until_ms(agent, answer_ms)
    assert onset_ms == pytest.approx((stimulus["onset_ns"] - row["start_ns"]) / NS_PER_MS, abs=5)
    assert silent_ms - onset_ms == pytest.approx(stimulus["barge_in_heard_stop_ms"], abs=20)
    assert loud_from_ms(agent, silent_ms) == pytest.approx((ms(4_000) - row["start_ns"]) / NS_PER_MS, abs=5)


def test_a_recording_reaches_from_before_the_onset_until_after_the_new_answer_began() -> None:
    call = BookedCall(*BARGE_IN).interrupted()
    row = call.of("recordings")[-1]
    end_ns = row["start_ns"] + len(row["agent"]) // 2 * 10**9 // row["rate_hz"]
    assert row["start_ns"] == ms(2_500 - 3_000)
    assert end_ns == ms(4_500 + 500)  # half a second behind its close


def test_each_turn_is_drawn_once() -> None:
    call = BookedCall(*BARGE_IN).interrupted()
    assert [row["turn"] for row in call.of("waveforms")] == [1, 2]


def test_an_interrupted_turn_that_is_none_of_the_slowest_is_drawn_for_its_stop() -> None:
    podium = Podium(turns=SlowestTurns(1))
    podium.turns.admit(ms(60_000))
    call = BookedCall(*BARGE_IN, podium=podium).interrupted()
    (row,) = call.of("waveforms")
    assert (row["session"], row["turn"], row["window_ms"]) == ("w0-000001", 1, 10.0)
    assert row["start_ns"] == ms(2_500 - 3_000)
    sounding = [index for index, peak in enumerate(row["peaks"]) if peak > 327]
    assert (sounding[0], sounding[124]) == (200, 324)  # from 1500 ms on, up to the flush at 2750
    assert sounding[125] == 450  # the new answer, at 4000 ms


def test_only_the_worst_stops_are_kept() -> None:
    podium = Podium(stops=SlowestTurns(1))
    podium.stops.admit(ms(251))
    call = BookedCall(*BARGE_IN, podium=podium).interrupted()
    assert len(call.of("stimuli")) == 1
    assert [row["stimulus"] for row in call.of("recordings")] == [0, 0]  # those of the slowest turns


def test_an_agent_that_never_stopped_is_worse_than_any_that_did() -> None:
    podium = Podium(stops=SlowestTurns(1))
    podium.stops.admit(ms(30_000))
    call = BookedCall(*BARGE_IN, podium=podium)
    call.answer(1_500, 5_000, "r1", ends=False)
    call.hear(20_000)
    assert call.of("stimuli")[0]["barge_in_heard_stop_ms"] is None
    assert [row["stimulus"] for row in call.of("recordings") if row["stimulus"]] == [1]


def test_turns_have_their_price_and_the_session_their_sum() -> None:
    call = BookedCall(*BARGE_IN).interrupted()
    call.ledger.session(Counter())
    assert [row["cost_usd"] for row in (*call.of("turns"), *call.of("sessions"))] == [None] * 3

    call = BookedCall(*BARGE_IN, price=PRICES["gpt-realtime"]).interrupted()
    call.ledger.session(Counter())
    assert [row["cost_usd"] for row in call.of("turns")] == [0.0, pytest.approx(100 * 64 / 1e6)]
    assert [row["cost_usd"] for row in call.of("sessions")] == [pytest.approx(0.0064)]


def test_of_disturbances_there_are_rows_only() -> None:
    call = BookedCall(*COUGH)
    call.answer(1_500, 3_000, "r1")
    call.hear(20_000)
    assert [row["kind"] for row in call.of("stimuli")] == ["cough"]
    assert [row["stimulus"] for row in call.of("recordings")] == [0]


def test_where_sound_may_not_be_kept_there_are_pictures_only() -> None:
    call = BookedCall(*BARGE_IN, keeps_sound=False).interrupted()
    assert call.of("recordings") == []
    assert len(call.of("waveforms")) == 2


def test_the_podium_is_shared_by_all_calls() -> None:
    podium = Podium()
    calls = [BookedCall(*BARGE_IN, podium=podium).interrupted() for _ in range(KEPT_TURNS + 2)]
    kept = [any(row["stimulus"] for row in call.of("recordings")) for call in calls]
    assert kept == [True] * KEPT_TURNS + [False] * 2
