import numpy as np
import pyarrow as pa
import pytest

from rtbench.clock import NS_PER_MS
from rtbench.core.audio import PCM16, PCMU, Audio
from rtbench.core.playout import Player
from rtbench.core.turns import Turn
from rtbench.engine.waveform import KEPT_TURNS, SlowestTurns, WaveformKeeper
from rtbench.results.schema import WAVEFORMS


def ms(value: float) -> int:
    return round(value * NS_PER_MS)


def sound(length_ms: int, level: int = 8_000) -> Audio:
    return Audio(np.full(length_ms * 24, level, np.int16).tobytes())


class Listener:
    """Plays and keeps one session's answers, as a call does."""

    def __init__(self, slowest: SlowestTurns, fmt=PCM16, prebuffer_ms: float = 0) -> None:
        self.keeper = WaveformKeeper(slowest, fmt)
        self.player = Player(ms(prebuffer_ms))
        self._format = fmt

    def hear(self, turn: Turn, audio: Audio, at_ms: float) -> None:
        duration_ns = self._format.duration_ns(audio.size_bytes)
        playback = self.player.add(turn.response_id, duration_ns, ms(at_ms))
        turn.audible_ns = turn.audible_ns or playback.play_ns(0)
        self.keeper.hear(turn, playback, audio)


def turn_of(number: int = 1, latency_ms: float = 500, audible: bool = True) -> Turn:
    """A turn whose speech ended at 1 s; its answer is audible `latency_ms` later."""
    turn = Turn(number, "question", response_id=f"resp_{number}", user_speech_end_ns=ms(1_000))
    turn.audible_ns = ms(1_000 + latency_ms) if audible else None
    return turn


@pytest.fixture
def slowest() -> SlowestTurns:
    return SlowestTurns()


@pytest.fixture
def listener(slowest) -> Listener:
    return Listener(slowest)


def test_the_first_turns_are_admitted_and_later_ones_only_if_slower_than_one_of_them() -> None:
    slowest = SlowestTurns(kept=2)
    assert [slowest.admit(latency) for latency in (50, 20, 20, 10, 30, 40, 45)] == [
        True,
        True,
        False,
        False,
        True,
        True,
        True,
    ]


def test_five_turns_are_kept() -> None:
    slowest = SlowestTurns()
    assert sum(slowest.admit(100 - latency) for latency in range(20)) == KEPT_TURNS == 5


def test_an_answer_is_kept_as_a_peak_for_every_ten_milliseconds_from_when_it_began_to_play(listener) -> None:
    turn = turn_of()
    listener.hear(turn, sound(30, level=-9_000), at_ms=1_500)
    assert listener.keeper.take(turn)() == {
        "turn": 1,
        "window_ms": 10.0,
        "start_ns": ms(1_500),
        "peaks": [9_000] * 3,
    }


def test_chunks_that_play_without_a_gap_stand_side_by_side(listener) -> None:
    turn = turn_of()
    listener.hear(turn, sound(20, level=5_000), at_ms=1_500)
    listener.hear(turn, sound(20, level=6_000), at_ms=1_505)
    assert listener.keeper.take(turn)()["peaks"] == [5_000, 5_000, 6_000, 6_000]


def test_an_underrun_is_seen_as_silence_of_its_length(listener) -> None:
    turn = turn_of()
    listener.hear(turn, sound(20), at_ms=1_500)
    listener.hear(turn, sound(20), at_ms=1_570)
    assert listener.keeper.take(turn)()["peaks"] == [8_000, 8_000, 0, 0, 0, 0, 0, 8_000, 8_000]


def test_chunks_of_odd_lengths_do_not_stretch_the_picture(listener) -> None:
    turn = turn_of()
    for index in range(40):
        listener.hear(turn, sound(25), at_ms=1_500 + index)
    assert len(listener.keeper.take(turn)()["peaks"]) == 40 * 25 / 10


def test_a_chunk_shorter_than_a_window_does_not_hide_a_louder_one_before_it(listener) -> None:
    turn = turn_of()
    listener.hear(turn, sound(14, level=9_000), at_ms=1_500)
    listener.hear(turn, sound(2, level=100), at_ms=1_500)
    assert listener.keeper.take(turn)()["peaks"] == [9_000, 9_000]


def test_audio_before_the_first_sound_belongs_to_the_picture(listener) -> None:
    """While the player still gathers its prebuffer nobody knows when the sound will be heard."""
    turn = turn_of(audible=False)
    listener = Listener(SlowestTurns(), prebuffer_ms=40)
    listener.hear(turn, sound(20, level=1), at_ms=1_500)
    assert turn.audible_ns is None
    listener.hear(turn, sound(20), at_ms=1_520)
    assert turn.audible_ns == ms(1_520)
    assert listener.keeper.take(turn)()["peaks"] == [1, 1, 8_000, 8_000]


def test_an_answer_that_becomes_audible_only_when_it_is_complete_is_kept(slowest) -> None:
    listener = Listener(slowest, prebuffer_ms=1_000)
    turn = turn_of(audible=False)
    listener.hear(turn, sound(20), at_ms=1_500)
    listener.player.finish(turn.response_id, ms(1_600))
    turn.audible_ns = ms(1_600)
    assert listener.keeper.take(turn)()["start_ns"] == ms(1_600)


def test_only_admitted_turns_are_kept_and_of_others_no_audio_is_held(slowest, listener) -> None:
    for _ in range(KEPT_TURNS):
        slowest.admit(ms(2_000))
    turn = turn_of(latency_ms=500)
    listener.hear(turn, sound(20), at_ms=1_500)
    listener.hear(turn, sound(20), at_ms=1_520)
    assert not any(held.chunks for held in listener.keeper._held.values())
    assert listener.keeper.take(turn) is None


def test_an_answer_that_was_never_audible_takes_no_place(slowest, listener) -> None:
    turn = turn_of(audible=False)
    listener.keeper.hear(turn, listener.player.add("resp_1", ms(20), ms(1_500)), sound(20, level=0))
    assert listener.keeper.take(turn) is None
    assert [slowest.admit(1) for _ in range(KEPT_TURNS + 1)][-2:] == [True, False]


def test_a_turn_without_an_answer_has_no_waveform(listener) -> None:
    turn = turn_of(audible=False)
    listener.keeper.hear(turn, None, sound(20))
    assert listener.keeper.take(turn) is None


def test_what_was_taken_is_let_go(listener) -> None:
    turn = turn_of()
    listener.hear(turn, sound(20), at_ms=1_500)
    assert listener.keeper.take(turn) is not None
    assert not any(held.chunks for held in listener.keeper._held.values())
    assert listener.keeper.take(turn) is None


def test_an_answer_that_the_service_took_back_is_judged_anew_and_not_in_the_picture(listener) -> None:
    turn = turn_of(latency_ms=100)
    listener.hear(turn, sound(20, level=1_000), at_ms=1_100)
    turn.response_id, turn.audible_ns = "resp_again", None
    listener.hear(turn, sound(20, level=2_000), at_ms=1_900)
    waveform = listener.keeper.take(turn)()
    assert (waveform["start_ns"], waveform["peaks"]) == (ms(1_900), [2_000, 2_000])


def test_each_turn_of_a_session_has_its_own_picture(listener) -> None:
    first, second = turn_of(1), turn_of(2, latency_ms=900)
    listener.hear(first, sound(10), at_ms=1_500)
    assert listener.keeper.take(first)()["turn"] == 1
    listener.hear(second, sound(20), at_ms=1_900)
    waveform = listener.keeper.take(second)()
    assert (waveform["turn"], len(waveform["peaks"])) == (2, 2)


def test_a_turn_that_was_spoken_into_and_the_next_one_end_together_each_with_its_picture(slowest) -> None:
    listener = Listener(slowest)
    first, second = turn_of(1), turn_of(2, latency_ms=900)
    listener.hear(first, sound(10), at_ms=1_500)
    listener.hear(second, sound(20), at_ms=1_900)
    assert [len(listener.keeper.take(turn)()["peaks"]) for turn in (first, second)] == [1, 2]
    assert sum(slowest.admit(ms(1_000)) for _ in range(KEPT_TURNS)) == KEPT_TURNS
    assert slowest.admit(ms(950)) is False


def test_a_payload_that_is_no_base64_leaves_a_gap_and_harms_nobody(listener) -> None:
    turn = turn_of()
    listener.hear(turn, sound(20), at_ms=1_500)
    listener.hear(turn, Audio(base64="!" * 640), at_ms=1_510)
    listener.hear(turn, sound(20), at_ms=1_520)
    assert listener.keeper.take(turn)()["peaks"] == [8_000, 8_000, 0, 8_000, 8_000]


def test_the_loudest_sample_fits_the_column(listener) -> None:
    turn = turn_of()
    listener.hear(turn, sound(10, level=-32_768), at_ms=1_500)
    row = {"session": "w0-000001", **listener.keeper.take(turn)()}
    table = pa.Table.from_pylist([row], schema=WAVEFORMS)
    assert table.to_pylist() == [row]
    assert row["peaks"] == [32_767]


def test_answers_in_g711_are_decoded_by_their_own_rate(slowest) -> None:
    listener = Listener(slowest, PCMU)
    turn = turn_of()
    listener.hear(turn, Audio(b"\x80" * 240), at_ms=1_500)
    assert listener.keeper.take(turn)()["peaks"] == [32_124] * 3


def test_a_turn_is_known_to_be_kept_once_it_is_audible_and_among_the_slowest() -> None:
    listener = Listener(SlowestTurns(kept=1))
    silent, slow, quick = turn_of(1, audible=False), turn_of(2, latency_ms=900), turn_of(3, latency_ms=100)
    assert not listener.keeper.keeps(slow)
    for turn in (slow, quick):
        listener.hear(turn, sound(30), at_ms=2_000)

    assert [listener.keeper.keeps(turn) for turn in (silent, slow, quick)] == [False, True, False]


def test_a_turn_that_slower_ones_put_out_before_it_ends_is_kept_no_longer() -> None:
    listener = Listener(SlowestTurns(kept=1))
    first, slower = turn_of(1, latency_ms=500), turn_of(2, latency_ms=900)
    listener.hear(first, sound(30), at_ms=1_500)
    assert listener.keeper.keeps(first)
    listener.hear(slower, sound(30), at_ms=1_900)

    assert not listener.keeper.keeps(first)
    assert [listener.keeper.take(turn) is None for turn in (first, slower)] == [True, False]


def test_of_equally_slow_turns_each_that_was_admitted_stays() -> None:
    slowest = SlowestTurns(kept=2)
    assert [slowest.admit(ms(latency)) for latency in (500, 700)] == [True, True]
    assert [slowest.still_holds(ms(latency)) for latency in (499, 500, 700)] == [False, True, True]
    assert slowest.admit(ms(600))
    assert [slowest.still_holds(ms(latency)) for latency in (500, 600, 700)] == [False, True, True]
