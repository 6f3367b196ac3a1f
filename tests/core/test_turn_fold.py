from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtbench.core import pcm
from rtbench.core.agent_voice import AgentVoice
from rtbench.core.audio import PCM16, PCMU, Audio, AudioFormat
from rtbench.core.json_fields import string
from rtbench.core.metrics.response import identity_error_ms, voice_to_voice_ms
from rtbench.core.response_events import (
    AudioDelta,
    AudioDone,
    AudioTranscriptDelta,
    FunctionArgumentsDelta,
    FunctionArgumentsDone,
    ResponseCreated,
    ResponseDone,
    TextDelta,
)
from rtbench.core.script import Clip
from rtbench.core.server_events import InputAudioCommitted, SpeechStarted, SpeechStopped
from rtbench.core.turn_fold import TurnFold
from rtbench.core.turns import Turn

MS = 1_000_000
SPEECH_END_MS = 10_000
EARLY_MS = 9
"""How much earlier than an abrupt onset on the 1 ms grid the first window of 10 ms is loud."""


def quiet(duration_ms: float) -> np.ndarray:
    return np.zeros(round(duration_ms * 24), np.int16)


def tone(duration_ms: float) -> np.ndarray:
    """1 kHz at -20 dBFS."""
    phase = 2 * np.pi * np.arange(round(duration_ms * 24)) / 24
    return np.round(3276.8 * np.sqrt(2) * np.sin(phase)).astype(np.int16)


class Exchange:
    """A turn whose user speech ends at 10 s; events by their milliseconds."""

    def __init__(
        self,
        prebuffer_ms: int = 0,
        kind: str = "spoken",
        fmt: AudioFormat = PCM16,
        voice: AgentVoice | None = None,
    ) -> None:
        self.voice = voice or AgentVoice(fmt, prebuffer_ms * MS, listens_closely=False)
        turn = Turn(
            number=1,
            clip="c",
            kind=kind,
            user_speech_start_ns=8_000 * MS,
            user_speech_end_ns=SPEECH_END_MS * MS,
        )
        self.fold = TurnFold(turn, self.voice)
        self.turn = turn
        self.format = fmt

    def at(self, ms: float, *events: Any) -> None:
        now = round(ms * MS)
        for event in events:
            match event:
                case AudioDelta():
                    self.voice.receive(event, now)
                case SpeechStarted():
                    self.voice.flush(now)  # as applications do
                case AudioDone():
                    self.voice.finish(event.response_id, now)
                case ResponseDone():
                    self.voice.end(string(event.response, "id"), now)
            self.fold.receive(event, now)

    def audio(
        self, ms: float, signal: np.ndarray, response_id: str = "resp_1", item_id: str = "item_1"
    ) -> None:
        self.at(ms, self.delta(pcm.encode(signal, self.format), response_id, item_id))

    @staticmethod
    def delta(data: bytes | str, response_id: str = "resp_1", item_id: str = "item_1") -> AudioDelta:
        audio = Audio(base64=data) if isinstance(data, str) else Audio(data)
        return AudioDelta(
            response_id=response_id, item_id=item_id, output_index=0, content_index=0, delta=audio
        )

    def close(self, ms: float = 60_000) -> Turn:
        turn = self.fold.close("answered", "", round(ms * MS))
        error_ms = identity_error_ms(turn)
        assert error_ms is None or abs(error_ms) < 1e-6
        return turn


def created(response_id: str = "resp_1") -> ResponseCreated:
    return ResponseCreated(response={"id": response_id, "status": "in_progress"})


def done(response_id: str = "resp_1", status: str = "completed", **fields: Any) -> ResponseDone:
    return ResponseDone(response={"id": response_id, "status": status, **fields})


def cancelled(response_id: str = "resp_1", reason: str = "turn_detected") -> ResponseDone:
    return done(response_id, "cancelled", status_details={"type": "cancelled", "reason": reason})


def audio_done(response_id: str = "resp_1", item_id: str = "item_1") -> AudioDone:
    return AudioDone(response_id=response_id, item_id=item_id, output_index=0, content_index=0)


def transcript(response_id: str = "resp_1") -> AudioTranscriptDelta:
    return AudioTranscriptDelta(
        response_id=response_id, item_id="item_1", output_index=0, content_index=0, delta="hi"
    )


STARTED = SpeechStarted(item_id="user_1", audio_start_ms=0)
STOPPED = SpeechStopped(item_id="user_1", audio_end_ms=0)


def test_a_turn_from_speech_started_to_response_done() -> None:
    exchange = Exchange()
    exchange.at(8_200, STARTED)
    exchange.at(10_500, STOPPED, InputAudioCommitted(item_id="user_1"))
    exchange.at(10_510, created())
    exchange.at(10_790, transcript())
    exchange.audio(10_800, np.concatenate([quiet(60), tone(140)]))
    exchange.audio(10_900, tone(300))
    exchange.at(10_950, audio_done(), done())

    assert exchange.fold.over_ns() == 11_300 * MS
    turn = exchange.close(11_300)

    assert turn.speech_started_ns == 8_200 * MS
    assert turn.speech_stopped_ns == 10_500 * MS
    assert turn.user_item_id == "user_1"
    assert (turn.response_id, turn.response_created_ns) == ("resp_1", 10_510 * MS)
    assert turn.first_text_ns == 10_790 * MS
    assert turn.first_audio_ns == 10_800 * MS
    assert turn.leading_silence_ms == 60 - EARLY_MS
    assert turn.playout_wait_ms == 0
    assert turn.audible_ns == (10_800 + 60 - EARLY_MS) * MS
    assert turn.final_audible_ns is None
    assert (turn.response_done_ns, turn.response_status) == (10_950 * MS, "completed")
    assert (turn.last_audio_ns, turn.playout_end_ns) == (10_900 * MS, 11_300 * MS)
    assert (turn.audio_ms, turn.chunks, turn.chunk_gap_max_ms) == (500, 2, 100)
    assert (turn.underrun_count, turn.underrun_total_ms, turn.min_prebuffer_ms) == (0, 0, 0)
    assert (turn.outcome, turn.closed_ns) == ("answered", 11_300 * MS)


def test_leading_silence_is_counted_over_all_deltas_before_the_sound() -> None:
    exchange = Exchange()
    exchange.at(10_500, STOPPED, created())
    for at in (10_600, 10_610, 10_620):
        exchange.audio(at, quiet(100))
    exchange.audio(10_630, np.concatenate([quiet(43), tone(30)]))
    assert exchange.turn.audible_ns is None
    exchange.audio(10_640, tone(100))

    turn = exchange.close()
    assert turn.leading_silence_ms == 343 - EARLY_MS
    assert turn.audible_ns == (10_600 + 343 - EARLY_MS) * MS


def test_prebuffer_and_underrun_before_the_sound_are_playout_wait() -> None:
    exchange = Exchange(prebuffer_ms=100)
    exchange.at(10_500, STOPPED, created())
    exchange.audio(10_600, quiet(80))
    exchange.audio(10_650, quiet(70))  # 150 ms are there: plays 10 650 to 10 800
    exchange.audio(10_900, np.concatenate([quiet(20), tone(60)]))
    assert exchange.turn.audible_ns is None  # heard, but held back: 80 ms of 100
    exchange.audio(10_930, tone(100))

    turn = exchange.close()
    assert turn.leading_silence_ms == 170 - EARLY_MS
    assert turn.playout_wait_ms == 50 + 130
    assert turn.audible_ns == (10_930 + 20 - EARLY_MS) * MS
    assert (turn.underrun_count, turn.underrun_total_ms, turn.underrun_max_ms) == (1, 130, 130)


def test_an_underrun_after_the_sound_does_not_move_it() -> None:
    exchange = Exchange()
    exchange.at(10_500, STOPPED, created())
    exchange.audio(10_600, tone(100))
    exchange.audio(10_900, tone(100))

    turn = exchange.close()
    assert turn.audible_ns == 10_600 * MS
    assert (turn.playout_wait_ms, turn.underrun_total_ms, turn.min_prebuffer_ms) == (0, 200, 200)


def test_a_sound_held_for_the_prebuffer_gets_its_instant_when_the_audio_is_complete() -> None:
    exchange = Exchange(prebuffer_ms=500)
    exchange.at(10_500, STOPPED, created())
    exchange.audio(10_600, tone(100))
    assert exchange.turn.audible_ns is None
    exchange.at(10_640, audio_done())

    assert exchange.turn.audible_ns == 10_640 * MS
    assert exchange.close().playout_wait_ms == 40


def test_response_done_completes_the_audio_too() -> None:
    exchange = Exchange(prebuffer_ms=500)
    exchange.at(10_500, STOPPED, created())
    exchange.audio(10_600, tone(100))
    exchange.at(10_650, done())

    assert exchange.turn.audible_ns == 10_650 * MS
    assert exchange.fold.over_ns() == 10_750 * MS
    exchange.close()


def test_the_answer_waits_for_what_still_plays_of_the_turn_before() -> None:
    before = Exchange()
    before.audio(10_000, tone(1_000), "resp_0")
    exchange = Exchange(voice=before.voice)
    exchange.at(10_500, STOPPED, created())
    exchange.audio(10_700, tone(100))

    assert exchange.turn.audible_ns == 11_000 * MS
    assert exchange.close().playout_wait_ms == 300


def test_g711_is_decoded_at_its_own_rate() -> None:
    exchange = Exchange(fmt=PCMU)
    exchange.at(10_500, STOPPED, created())
    exchange.audio(10_600, np.concatenate([quiet(100), tone(200)])[::3])

    turn = exchange.close()
    assert turn.audio_ms == 300
    assert turn.leading_silence_ms == 100 - EARLY_MS


def test_a_preamble_item_and_then_the_final_one() -> None:
    exchange = Exchange()
    exchange.at(10_500, STOPPED, created())
    exchange.audio(10_600, tone(100), item_id="preamble")
    exchange.at(10_600, audio_done(item_id="preamble"))
    exchange.audio(11_000, np.concatenate([quiet(50), tone(100)]), item_id="final")
    exchange.at(11_010, audio_done(item_id="final"), done())

    turn = exchange.close()
    assert turn.audible_ns == 10_600 * MS
    assert turn.final_audible_ns == (11_000 + 50 - EARLY_MS) * MS
    assert turn.leading_silence_ms == 0
    assert voice_to_voice_ms(turn) == 600


def test_a_final_item_that_overtakes_the_held_preamble_does_not_take_its_place() -> None:
    exchange = Exchange(prebuffer_ms=400)
    exchange.at(10_500, STOPPED, created())
    exchange.audio(10_600, np.concatenate([quiet(20), tone(80)]), item_id="preamble")
    exchange.audio(10_650, np.concatenate([quiet(100), tone(100)]), item_id="final")
    exchange.audio(10_700, tone(100), item_id="final")

    turn = exchange.close()
    assert turn.audible_ns == (10_700 + 20 - EARLY_MS) * MS
    assert turn.leading_silence_ms == 20 - EARLY_MS
    assert turn.final_audible_ns == (10_700 + 200 - EARLY_MS) * MS


def test_an_item_without_sound_is_no_preamble() -> None:
    exchange = Exchange()
    exchange.at(10_500, STOPPED, created())
    exchange.audio(10_600, quiet(100), item_id="preamble")
    exchange.audio(10_650, tone(100), item_id="final")

    turn = exchange.close()
    assert turn.audible_ns == 10_700 * MS
    assert turn.final_audible_ns is None
    assert turn.leading_silence_ms == 100


def test_a_second_response_after_a_completed_one_continues_the_answer() -> None:
    exchange = Exchange()
    exchange.at(10_500, STOPPED, created("resp_1"))
    exchange.audio(10_600, tone(100), "resp_1")
    exchange.at(10_650, done("resp_1", usage={"output_token_details": {"audio_tokens": 2}}))
    exchange.at(12_000, created("resp_2"))
    assert exchange.fold.over_ns() is None
    exchange.audio(12_100, np.concatenate([quiet(100), tone(100)]), "resp_2")
    exchange.audio(12_150, tone(100), "resp_2")
    exchange.at(12_200, done("resp_2", usage={"output_token_details": {"audio_tokens": 6}}))

    assert exchange.fold.over_ns() == 12_400 * MS
    turn = exchange.close()
    assert turn.audible_ns == 10_600 * MS
    assert turn.final_audible_ns == (12_200 - EARLY_MS) * MS
    assert (turn.response_id, turn.response_done_ns) == ("resp_2", 12_200 * MS)
    assert turn.response_created_ns == 10_500 * MS
    assert (turn.audio_ms, turn.chunks, turn.output_audio_tokens) == (400, 3, 8)


def test_delivery_is_that_of_all_responses_of_the_answer() -> None:
    exchange = Exchange()
    exchange.at(10_500, STOPPED, created("resp_1"))
    for at in (10_600, 10_900, 11_010):  # 200 and 10 ms of underrun; the first chunk of three is 210 ms short
        exchange.audio(at, tone(100), "resp_1")
    exchange.at(11_050, done("resp_1"), created("resp_2"))
    for at in (12_000, 12_130):
        exchange.audio(at, tone(100), "resp_2")
    assert exchange.fold.over_ns() is None

    turn = exchange.close(12_140)
    assert (turn.chunks, turn.audio_ms) == (5, 500)
    assert (turn.chunk_gap_max_ms, turn.min_prebuffer_ms) == (300, 210)
    assert (turn.underrun_count, turn.underrun_total_ms, turn.underrun_max_ms) == (3, 240, 200)
    assert (turn.last_audio_ns, turn.playout_end_ns) == (12_130 * MS, 12_230 * MS)
    assert turn.response_done_ns is None


def test_a_response_without_sound_is_no_preamble() -> None:
    exchange = Exchange()
    exchange.at(10_500, STOPPED, created("resp_1"))
    exchange.audio(10_600, quiet(100), "resp_1")
    exchange.at(10_600, done("resp_1"), created("resp_2"))
    exchange.audio(10_900, tone(100), "resp_2")

    turn = exchange.close()
    assert (turn.response_created_ns, turn.first_audio_ns) == (10_600 * MS, 10_900 * MS)
    assert (turn.audible_ns, turn.chunks) == (10_900 * MS, 1)


def test_nothing_is_left_of_a_premature_answer_but_its_price() -> None:
    exchange = Exchange()
    exchange.at(9_000, created())
    exchange.at(9_100, transcript())
    exchange.audio(9_100, tone(300))
    usage = {"output_token_details": {"audio_tokens": 6}}
    exchange.at(
        9_300, STARTED, done(status="cancelled", status_details={"reason": "turn_detected"}, usage=usage)
    )

    turn = exchange.fold.close("no_answer", "answer_timeout", 20_000 * MS)
    assert (turn.outcome, turn.error_class) == ("no_answer", "answer_timeout")
    assert (turn.response_id, turn.response_status, turn.response_reason) == ("", "", "")
    instants = (turn.response_created_ns, turn.first_text_ns, turn.first_audio_ns, turn.response_done_ns)
    assert instants == (None,) * 4
    assert turn.audible_ns is turn.leading_silence_ms is turn.playout_wait_ms is None
    assert (turn.chunks, turn.output_audio_tokens) == (0, 6)


def test_a_continuation_without_sound_has_no_final_answer() -> None:
    exchange = Exchange()
    exchange.at(10_500, STOPPED, created("resp_1"))
    exchange.audio(10_600, tone(100), "resp_1")
    exchange.at(10_650, done("resp_1"))
    exchange.at(12_000, created("resp_2"))
    exchange.audio(12_100, quiet(300), "resp_2")
    exchange.at(12_200, audio_done("resp_2"), done("resp_2"))

    turn = exchange.close()
    assert (turn.audible_ns, turn.final_audible_ns) == (10_600 * MS, None)


def test_an_answer_cancelled_because_the_caller_went_on_is_forgotten() -> None:
    exchange = Exchange()
    exchange.at(9_000, STOPPED, InputAudioCommitted(item_id="user_1"))
    exchange.at(9_010, created("resp_1"))
    exchange.at(9_200, transcript("resp_1"))
    exchange.audio(9_200, tone(2_000), "resp_1")
    exchange.at(9_400, STARTED, cancelled("resp_1"))
    assert exchange.fold.over_ns() is None
    exchange.audio(9_410, tone(500), "resp_1")  # was under way
    exchange.at(10_500, SpeechStopped(item_id="user_2", audio_end_ms=0))
    exchange.at(10_500, InputAudioCommitted(item_id="user_2"), created("resp_2"))
    exchange.audio(10_800, tone(100), "resp_2")
    exchange.at(10_850, done("resp_2"))

    turn = exchange.close()
    assert (turn.response_id, turn.response_status, turn.response_reason) == ("resp_2", "completed", "")
    assert turn.user_item_id == "user_2"
    assert turn.speech_stopped_ns == 10_500 * MS
    assert turn.response_created_ns == 10_500 * MS
    assert turn.first_text_ns is None
    assert turn.first_audio_ns == turn.audible_ns == 10_800 * MS
    assert (turn.playout_wait_ms, turn.audio_ms, turn.chunks) == (0, 100, 1)


def test_an_answer_given_whole_before_the_caller_went_on_is_forgotten_too() -> None:
    exchange = Exchange()
    exchange.at(9_000, STOPPED, created("resp_1"))
    exchange.audio(9_100, tone(4_000), "resp_1")
    exchange.at(9_100, done("resp_1", usage={"input_token_details": {"audio_tokens": 10}}))
    exchange.at(9_400, STARTED)
    assert exchange.fold.over_ns() is None
    exchange.at(10_500, STOPPED, created("resp_2"))
    exchange.audio(10_800, tone(100), "resp_2")
    exchange.at(10_850, done("resp_2", usage={"input_token_details": {"audio_tokens": 30}}))

    turn = exchange.close()
    assert (turn.speech_stopped_ns, turn.audible_ns) == (10_500 * MS, 10_800 * MS)
    assert turn.final_audible_ns is None
    assert turn.input_audio_tokens == 40


def test_a_response_over_before_the_speech_end_is_no_preamble_to_the_next() -> None:
    exchange = Exchange(kind="manual")
    exchange.at(9_000, created("late"))
    exchange.audio(9_100, tone(100), "late")
    exchange.at(9_100, done("late"))
    exchange.turn.commit_sent_ns = 10_000 * MS
    exchange.at(10_010, created("resp_2"))
    exchange.audio(10_300, tone(100), "resp_2")

    turn = exchange.close()
    assert (turn.audible_ns, turn.final_audible_ns) == (10_300 * MS, None)


def test_an_agent_that_cuts_in_and_is_not_interrupted_has_a_negative_wait() -> None:
    exchange = Exchange()
    exchange.at(9_500, STOPPED, created())
    exchange.audio(9_700, tone(500))
    exchange.at(10_100, done())

    turn = exchange.close()
    assert voice_to_voice_ms(turn) == -300


def test_an_answer_cancelled_after_the_speech_end_stays_the_answer() -> None:
    exchange = Exchange()
    exchange.at(10_500, STOPPED, created())
    exchange.audio(10_800, tone(500))
    exchange.at(10_900, STARTED, cancelled())

    turn = exchange.close()
    assert (turn.response_status, turn.response_reason) == ("cancelled", "turn_detected")
    assert turn.audible_ns == 10_800 * MS
    assert turn.speech_started_ns == 10_900 * MS


def test_a_failed_response_is_replaced_by_the_next_one() -> None:
    exchange = Exchange()
    exchange.at(10_500, STOPPED, created("resp_1"))
    exchange.at(10_510, done("resp_1", "failed", status_details={"error": {"code": "server_error"}}))
    assert exchange.turn.error_class == "server_error"
    exchange.at(10_600, created("resp_2"))
    exchange.audio(10_700, tone(100), "resp_2")
    exchange.at(10_750, done("resp_2"))

    turn = exchange.close()
    assert (turn.response_id, turn.error_class, turn.response_status) == ("resp_2", "", "completed")
    assert turn.audible_ns == 10_700 * MS


def test_a_response_beside_the_answer_changes_nothing_of_it() -> None:
    exchange = Exchange()
    exchange.at(10_500, STOPPED, created("resp_1"))
    exchange.at(10_510, created("aside"), transcript("aside"))
    exchange.audio(10_520, quiet(50), "aside")
    exchange.at(10_530, done("aside", usage={"output_token_details": {"text_tokens": 9}}))
    assert exchange.fold.over_ns() is None
    exchange.audio(10_800, tone(100), "resp_1")
    exchange.at(10_900, done("resp_1"))

    turn = exchange.close()
    assert (turn.response_id, turn.response_created_ns) == ("resp_1", 10_500 * MS)
    assert (turn.first_text_ns, turn.first_audio_ns) == (None, 10_800 * MS)
    assert (turn.audio_ms, turn.chunks, turn.output_text_tokens) == (100, 1, 0)


def test_audio_of_a_response_that_did_not_begin_in_this_turn_is_not_its_answer() -> None:
    exchange = Exchange()
    exchange.audio(8_100, tone(100), "of the turn before")
    exchange.at(8_200, done("of the turn before"))
    exchange.at(10_500, STOPPED, created())
    exchange.audio(10_800, tone(100))
    exchange.at(10_900, done())

    turn = exchange.close()
    assert (turn.response_id, turn.audible_ns, turn.chunks) == ("resp_1", 10_800 * MS, 1)


def test_a_response_done_without_an_id_ends_nothing() -> None:
    exchange = Exchange()
    exchange.at(10_500, STOPPED, ResponseDone(response={"status": "completed"}))

    assert exchange.fold.over_ns() is None
    assert exchange.close().response_done_ns is None


def test_a_response_ends_once() -> None:
    exchange = Exchange()
    exchange.at(10_500, created())
    usage = {"output_token_details": {"audio_tokens": 5}}
    exchange.at(10_600, done(usage=usage))
    exchange.at(10_700, done(usage=usage))

    turn = exchange.close()
    assert (turn.response_done_ns, turn.output_audio_tokens) == (10_600 * MS, 5)


def test_usage_is_read_where_it_is() -> None:
    exchange = Exchange()
    details = {"text_tokens": 11, "audio_tokens": 22, "cached_tokens": 7, "cached_tokens_details": {}}
    usage = {"input_token_details": details, "output_token_details": {"text_tokens": 3, "audio_tokens": 44}}
    exchange.at(10_500, created(), done(usage=usage))

    turn = exchange.close()
    tokens = (turn.input_text_tokens, turn.input_audio_tokens, turn.cached_tokens)
    assert tokens == (11, 22, 7)
    assert (turn.output_text_tokens, turn.output_audio_tokens) == (3, 44)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.sampled_from(["input_token_details", "text_tokens", "reason", "error"]), inner)
    ),
    max_leaves=6,
)


@given(usage=JSON, details=JSON, status=JSON, response_id=st.just("resp_1") | JSON)
def test_objects_of_any_shape_are_survived(usage, details, status, response_id) -> None:
    exchange = Exchange()
    exchange.at(10_500, created())
    response = {"id": response_id, "status": status, "usage": usage, "status_details": details}
    exchange.at(10_600, ResponseDone(response=response), ResponseCreated(response=response))

    turn = exchange.close()
    assert all(type(tokens) is int for tokens in (turn.input_text_tokens, turn.output_audio_tokens))
    assert all(type(text) is str for text in (turn.response_status, turn.response_reason))


def test_a_payload_that_is_no_base64_is_refused_and_not_counted() -> None:
    exchange = Exchange()
    exchange.at(10_500, STOPPED, created())
    with pytest.raises(ValueError):
        exchange.at(10_600, exchange.delta("@@@@ not base64 @@@@"))
    assert (exchange.turn.first_audio_ns, exchange.voice.reply("resp_1")) == (None, None)
    exchange.audio(10_700, np.concatenate([quiet(50), tone(100)]))

    turn = exchange.close()
    assert turn.first_audio_ns == 10_700 * MS
    assert turn.leading_silence_ms == 50 - EARLY_MS
    assert turn.chunks == 1


def test_a_payload_that_nobody_needs_is_not_decoded() -> None:
    exchange = Exchange()
    exchange.at(10_500, STOPPED, created())
    exchange.audio(10_600, tone(100))
    exchange.at(10_700, exchange.delta("@@@@"))

    assert exchange.close().chunks == 2


def test_an_empty_delta_is_no_audio() -> None:
    exchange = Exchange()
    exchange.at(10_500, STOPPED, created())
    exchange.at(10_600, exchange.delta(b""))
    assert exchange.turn.first_audio_ns is None
    exchange.audio(10_700, tone(100))
    exchange.at(11_000, exchange.delta(b""), done())

    turn = exchange.close()
    assert (turn.first_audio_ns, turn.playout_end_ns, turn.chunks) == (10_700 * MS, 10_800 * MS, 1)


def test_a_single_delta_has_no_gap() -> None:
    exchange = Exchange()
    exchange.at(10_500, created())
    exchange.audio(10_700, tone(100))

    assert exchange.close().chunk_gap_max_ms is None


def test_a_turn_without_audio_has_no_delivery() -> None:
    exchange = Exchange()
    exchange.at(10_500, created(), done())

    turn = exchange.close()
    assert (turn.chunks, turn.audio_ms) == (0, 0)
    assert turn.min_prebuffer_ms is turn.chunk_gap_max_ms is turn.playout_end_ns is turn.last_audio_ns is None


def test_a_written_answer_is_over_with_its_response() -> None:
    exchange = Exchange()
    text = TextDelta(response_id="resp_1", item_id="i", output_index=0, content_index=0, delta="hi")
    exchange.at(10_500, created())
    exchange.at(10_700, text)
    exchange.at(10_800, text, done())

    assert exchange.fold.over_ns() == 10_800 * MS
    assert exchange.close().first_text_ns == 10_700 * MS


def test_a_tool_call_marks_the_turn() -> None:
    ids = {"item_id": "i", "output_index": 0, "call_id": "call_1"}
    for event in (
        FunctionArgumentsDelta(response_id="resp_1", delta="{", **ids),
        FunctionArgumentsDone(response_id="resp_1", name="f", arguments="{}", **ids),
    ):
        exchange = Exchange()
        exchange.at(10_500, created(), event)
        assert exchange.close().tool

    exchange = Exchange()
    exchange.at(10_500, created(), FunctionArgumentsDelta(response_id="aside", delta="{", **ids))
    assert not exchange.close().tool


def test_progress_is_what_arrives_of_the_answer() -> None:
    exchange = Exchange()
    exchange.at(10_500, STOPPED, created())
    assert exchange.fold.progress_ns == 10_500 * MS
    exchange.at(10_600, transcript("aside"), STARTED)
    assert exchange.fold.progress_ns == 10_500 * MS
    exchange.at(10_700, transcript())
    assert exchange.fold.progress_ns == 10_700 * MS


def test_speech_stopped_after_the_first_audio_is_not_the_endpoint() -> None:
    exchange = Exchange()
    exchange.at(10_300, STOPPED)
    exchange.at(10_500, STOPPED, created())
    exchange.audio(10_600, tone(100))
    exchange.at(10_700, STOPPED)

    assert exchange.close().speech_stopped_ns == 10_500 * MS


@given(
    prebuffer_ms=st.sampled_from([0, 40, 200]),
    lead_ms=st.integers(0, 300),
    chunks=st.lists(st.tuples(st.integers(1, 120), st.integers(0, 200)), min_size=1, max_size=12),
)
def test_the_parts_add_up_to_the_whole_however_audio_arrives(prebuffer_ms, lead_ms, chunks) -> None:
    exchange = Exchange(prebuffer_ms)
    exchange.at(10_500, STOPPED, created())
    signal = np.concatenate([quiet(lead_ms), tone(12 * 120)])
    at, position = 10_600, 0
    for duration_ms, gap_ms in chunks:
        exchange.audio(at, signal[position * 24 : (position + duration_ms) * 24])
        position += duration_ms
        at += gap_ms
    exchange.at(at, done())

    turn = exchange.close()  # checks the identity
    heard_ms = sum(duration for duration, _ in chunks)
    assert (turn.audible_ns is not None) == (heard_ms >= max(lead_ms - EARLY_MS, 0) + 59)
    if turn.audible_ns is not None:
        assert turn.leading_silence_ms == max(lead_ms - EARLY_MS, 0)


# Pauses of the caller's own, and both speaking.

HESITANT = Clip(
    "c", 3_000 * MS, 0, 2_000 * MS, holds=((500 * MS, 900 * MS), (1_200 * MS, 1_400 * MS)), role="statement"
)
"""Speech from 8.0 to 10.0 s, with pauses at 8.5 to 8.9 and 9.2 to 9.4 s."""


def hesitant(kind: str = "spoken") -> Exchange:
    exchange = Exchange(kind=kind)
    exchange.fold = TurnFold(exchange.turn, exchange.voice, HESITANT)
    return exchange


@pytest.mark.parametrize(
    ("story", "cutoffs"),
    [
        ([], 0),
        ([(8_400, [STOPPED])], 0),  # no pause yet: whatever that was, it was not this
        ([(8_700, [STOPPED])], 1),
        ([(8_950, [STOPPED])], 1),  # its arrival may be as late as it likes
        ([(8_700, [STOPPED]), (8_800, [STARTED, STOPPED])], 1),
        ([(8_700, [STOPPED]), (9_300, [STOPPED])], 2),
        ([(8_700, [STOPPED, created()])], 1),
        ([(8_700, [STOPPED]), (9_300, [created()])], 1),  # a late answer to the first of the two
        ([(8_700, [created()])], 1),
        ([(9_000, [created()])], 0),  # the caller speaks: it cut in
        ([(10_000, [STOPPED, created()])], 0),
    ],
)
def test_a_pause_taken_for_the_end_is_counted_once(story, cutoffs) -> None:
    exchange = hesitant()
    for ms, events in story:
        exchange.at(ms, *events)
    turn = exchange.close()
    assert (turn.hold_pauses, turn.false_cutoffs) == (2, cutoffs)


def test_no_pause_can_be_taken_for_the_end_where_the_caller_ends_the_turn() -> None:
    exchange = hesitant("manual")
    exchange.at(8_700, STOPPED)
    turn = exchange.close()
    assert (turn.hold_pauses, turn.false_cutoffs) == (0, 0)


def test_an_agent_that_is_audible_before_the_end_of_speech_cuts_in() -> None:
    exchange = hesitant()
    exchange.at(8_600, created())
    exchange.audio(8_700, tone(1_000))
    turn = exchange.close()
    assert turn.agent_cut_in
    assert turn.overlap_ms == 300 + 300  # from 8.9 to 9.2 and from 9.4 to 9.7: not in the caller's pauses
    assert voice_to_voice_ms(turn) == -1_300


def test_an_answer_that_is_flushed_before_its_first_sound_was_never_heard() -> None:
    exchange = hesitant()
    exchange.at(8_700, STOPPED, created())
    exchange.audio(8_750, np.concatenate((quiet(400), tone(500))))
    exchange.at(9_000, STARTED)
    assert exchange.turn.audible_ns is exchange.turn.playout_wait_ms is None
    turn = exchange.close()
    assert (turn.agent_cut_in, turn.overlap_ms, turn.leading_silence_ms) == (False, 0.0, None)
    assert turn.first_audio_ns == 8_750 * MS


def test_an_early_answer_that_was_heard_and_taken_back_cut_in_all_the_same() -> None:
    exchange = hesitant()
    exchange.at(8_700, STOPPED, created())
    exchange.audio(8_750, tone(1_000))
    exchange.at(9_000, STARTED, cancelled())
    exchange.at(10_500, STOPPED, created("resp_2"))
    exchange.audio(10_600, tone(300), "resp_2")
    turn = exchange.close()
    assert (turn.response_id, turn.agent_cut_in, turn.overlap_ms) == ("resp_2", True, 100.0)
    assert voice_to_voice_ms(turn) == 600


def test_a_turn_that_is_closed_in_mid_speech_overlaps_up_to_then() -> None:
    exchange = hesitant()
    exchange.audio(8_000, tone(1_000))
    assert exchange.close(8_300).overlap_ms == 300.0
