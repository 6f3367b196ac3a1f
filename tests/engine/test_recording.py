"""What is in a recording is judged by its samples alone, with an RMS of the test's own."""

import math

import numpy as np
import pyarrow as pa
import pytest

from rtbench.clock import NS_PER_MS
from rtbench.core.audio import PCM16, PCMU, Audio
from rtbench.core.jitter_buffer import JitterBuffer
from rtbench.core.microphone import PlayClip
from rtbench.core.playout import Player
from rtbench.core.script import Clip
from rtbench.engine.recording import HELD_TURNS, LONGEST_NS, Recording
from rtbench.results.schema import RECORDINGS

RATE_HZ = 24_000
START_MS = 50_000


def ms(value: float) -> int:
    return round(value * NS_PER_MS)


def tone(length_ms: float, level: int = 8_000) -> np.ndarray:
    return np.round(level * np.sin(2 * np.pi * np.arange(round(length_ms * 24)) / 24)).astype(np.int16)


CLIP = Clip("clip", ms(400), ms(100), ms(300))
CLIP_SAMPLES = np.concatenate((np.zeros(2_400), tone(200), np.zeros(2_400))).astype(np.int16)


class Session:
    """One session's recording, and the player of its caller; instants are milliseconds after 50 s."""

    def __init__(self, fmt=PCM16, prebuffer_ms: float = 0) -> None:
        self.recording = Recording(fmt, lambda clip, rate_hz: CLIP_SAMPLES[:: RATE_HZ // rate_hz])
        self.player = Player(ms(prebuffer_ms))
        self._format = fmt

    def say(self, at_ms: float, data: bytes | Audio, turn: int = 1, response_id: str = "r1") -> None:
        audio = data if isinstance(data, Audio) else Audio(data)
        now = ms(START_MS + at_ms)
        playback = self.player.add(response_id, self._format.duration_ns(audio.size_bytes), now)
        self.recording.agent_says(turn, playback, audio)

    def play(self, at_ms: float, gain_db: float = 0.0) -> None:
        self.recording.caller_plays(PlayClip(CLIP, ms(START_MS + at_ms), gain_db))

    def flush(self, at_ms: float) -> None:
        self.player.flush(ms(START_MS + at_ms))

    def agent(self, end_ms: float = 2_000, start_ms: float = 0) -> np.ndarray:
        return self.recording.agent(ms(START_MS + start_ms), ms(START_MS + end_ms))

    def caller(self, end_ms: float = 2_000, start_ms: float = 0) -> np.ndarray:
        return self.recording.caller(ms(START_MS + start_ms), ms(START_MS + end_ms))


@pytest.fixture
def session() -> Session:
    return Session()


def sounding_ms(track: np.ndarray, rate_hz: int = RATE_HZ) -> list[tuple[float, float]]:
    """Stretches of a track in which windows of 5 ms have an RMS above -40 dBFS, by their outer edges."""
    width = rate_hz * 5 // 1000
    loud = [
        math.sqrt(sum(int(sample) ** 2 for sample in track[at : at + width]) / width) > 327.68
        for at in range(0, len(track) - width + 1, width)
    ]
    edges = np.flatnonzero(np.diff([False, *loud, False])).reshape(-1, 2)
    return [(start * 5.0, end * 5.0) for start, end in edges.tolist()]


def test_the_agent_is_where_the_player_played_it(session) -> None:
    for number in range(5):
        session.say(300 + 100 * number, tone(100).tobytes())
    track = session.agent()
    assert len(track) == 2_000 * 24
    assert sounding_ms(track) == [(300, 800)]
    assert np.array_equal(track[300 * 24 : 800 * 24], np.tile(tone(100), 5))


def test_a_burst_is_stretched_to_the_time_it_took_to_hear_it(session) -> None:
    samples = tone(900)
    for at in range(0, 900, 100):
        session.say(300, samples[at * 24 : (at + 100) * 24].tobytes())
    assert np.array_equal(session.agent()[300 * 24 : 1_200 * 24], samples)


def test_a_flush_cuts_to_the_sample(session) -> None:
    samples = tone(1_000)
    session.say(300, samples.tobytes())
    session.flush(712.5)
    session.say(720, tone(200).tobytes())
    track = session.agent()
    heard = round(412.5 * 24)
    assert np.array_equal(track[7_200 : 7_200 + heard], samples[:heard])
    assert not track[7_200 + heard :].any()


def test_underruns_are_gaps(session) -> None:
    for at_ms in (300, 600):
        session.say(at_ms, tone(200).tobytes())
    assert sounding_ms(session.agent()) == [(300, 500), (600, 800)]


def test_the_prebuffer_is_a_delay() -> None:
    session = Session(prebuffer_ms=300)
    for at_ms in (300, 400, 500):
        session.say(at_ms, tone(100).tobytes())
    assert sounding_ms(session.agent()) == [(500, 800)]


def test_what_has_no_instant_yet_is_not_in_it() -> None:
    session = Session(prebuffer_ms=300)
    session.say(300, tone(100).tobytes())
    assert not session.agent().any()


def test_a_recording_shows_what_falls_into_it_and_no_more(session) -> None:
    samples = tone(600)
    session.say(300, samples.tobytes())
    assert np.array_equal(session.agent(start_ms=500, end_ms=700), samples[200 * 24 : 400 * 24])
    assert not session.agent(start_ms=1_000, end_ms=1_200).any()
    assert not session.agent(start_ms=0, end_ms=300).any()
    assert len(session.agent(start_ms=300, end_ms=200)) == 0


def test_the_caller_is_where_the_clip_was_due(session) -> None:
    session.play(240)
    session.play(1_000)
    track = session.caller()
    assert np.array_equal(track[240 * 24 : 640 * 24], CLIP_SAMPLES)
    assert sounding_ms(track) == [(340, 540), (1_100, 1_300)]
    assert sounding_ms(session.caller(start_ms=440, end_ms=1_200)) == [(0, 100), (660, 760)]


@pytest.mark.parametrize(("gain_db", "peak"), [(-20.0, 800), (0.0, 8_000), (20.0, 32_767)])
def test_the_caller_is_as_loud_as_it_was_played_and_clipped_not_wrapped(session, gain_db, peak) -> None:
    session.play(0, gain_db)
    track = session.caller(400)
    assert track.max() == peak
    assert np.sign(track.astype(int)).tolist() == np.sign(np.trunc(CLIP_SAMPLES * (peak / 8_000))).tolist()


def test_both_channels_of_a_barge_in_lie_on_one_clock(session) -> None:
    """The clip's sound is due at 1000; the player is flushed at 1180, when `speech_started` arrives."""
    samples = tone(100)
    session.play(900)
    for number in range(9):
        session.say(300 + 100 * number, samples.tobytes())
    session.flush(1_180)
    row = session.recording.row("s", 1, 1, ms(START_MS), ms(START_MS + 2_000))
    caller, agent = (np.frombuffer(row[name], "<i2") for name in ("caller", "agent"))
    ((onset_ms, _),) = sounding_ms(caller)
    ((_, silent_ms),) = sounding_ms(agent)
    assert abs((silent_ms - onset_ms) - 180) <= 5


def test_the_last_few_turns_are_held(session) -> None:
    for turn in range(1, HELD_TURNS + 3):
        session.say(1_000 * turn, tone(100).tobytes(), turn, f"r{turn}")
    held = sounding_ms(session.agent(10_000))
    assert [start_ms for start_ms, _ in held] == [1_000.0 * turn for turn in range(3, HELD_TURNS + 3)]


def test_a_payload_that_is_no_base64_is_silence(session) -> None:
    session.say(300, tone(100).tobytes())
    session.say(400, Audio(base64="!" * 6_400))
    session.say(500, tone(100).tobytes())
    assert sounding_ms(session.agent()) == [(300, 400), (500, 600)]


def test_g711_is_recorded_at_its_own_rate() -> None:
    session = Session(PCMU)
    session.say(300, b"\x80\x00" * 400)
    session.play(100)
    assert session.recording.rate_hz == 8_000
    assert sounding_ms(session.agent(), 8_000) == [(300, 400)]
    assert sounding_ms(session.caller(), 8_000) == [(200, 400)]


def test_a_row_fits_its_table_and_is_cut_at_the_longest(session) -> None:
    row = session.recording.row("w0-000001", 3, 2, ms(START_MS), ms(START_MS) + 2 * LONGEST_NS)
    assert pa.Table.from_pylist([row], schema=RECORDINGS).to_pylist() == [row]
    assert len(row["caller"]) == len(row["agent"]) == 2 * RATE_HZ * 60
    assert (row["turn"], row["stimulus"], row["start_ns"]) == (3, 2, ms(START_MS))


def test_what_was_lost_is_made_up_as_a_player_does() -> None:
    recording = Recording(PCM16, lambda clip, rate_hz: CLIP_SAMPLES)
    buffer = JitterBuffer(ms(100))
    playback = buffer.begin("r1", ms(START_MS))
    packet = tone(20)
    for number in (0, 1, 2, 4, 9):  # one lost, then four
        at = ms(START_MS + 20 * number)
        assert playback.place(ms(20 * number), ms(20), buffer.depth_ns, at)
        recording.agent_says(1, playback, Audio(packet.tobytes()))
    start_ns, _ = playback.pieces(0, ms(20))[0]
    track = recording.agent(start_ns, start_ns + ms(200))
    assert np.array_equal(track[: 8 * 480], np.tile(packet, 8))  # 60 ms are bridged, and no more
    assert not track[8 * 480 : 9 * 480].any()
    assert np.array_equal(track[9 * 480 :], packet)
