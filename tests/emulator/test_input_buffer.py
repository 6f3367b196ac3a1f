from __future__ import annotations

import numpy as np
import pytest

from rtbench.core.audio import PCM16, PCMU
from rtbench.core.vad import SpeechEnd, SpeechStart
from rtbench.emulator.input_buffer import InputBuffer
from rtbench.emulator.refusal import Refusal
from rtbench.emulator.settings import TurnDetection

DETECTION = TurnDetection(
    threshold=0.5,
    prefix_padding_ms=300,
    silence_ms=200,
    idle_timeout_ms=None,
    create_response=True,
    interrupt_response=True,
)


def silent(duration_ms: int) -> bytes:
    return bytes(48 * duration_ms)


def feed(buffer: InputBuffer, data: bytes, step_bytes: int = 960):
    edges = []
    for at in range(0, len(data), step_bytes):
        edges += buffer.append(data[at : at + step_bytes])
    return edges


def test_speech_is_found_at_its_place_in_the_stream(make_tone):
    buffer = InputBuffer(PCM16, DETECTION, 60)
    edges = feed(buffer, silent(1_000) + make_tone(500).tobytes() + silent(400))
    assert edges == [SpeechStart(24_000, 24_000 + 80 * 24), SpeechEnd(36_000, 36_000 + 200 * 24)]
    assert buffer.position == 1_900 * 24


def test_the_edges_do_not_depend_on_how_audio_is_cut(make_tone):
    data = silent(300) + make_tone(500).tobytes() + silent(400)
    expected = feed(InputBuffer(PCM16, DETECTION, 60), data)
    for step in (101, 4_800, len(data)):
        assert feed(InputBuffer(PCM16, DETECTION, 60), data, step) == expected


def test_old_silence_is_let_go_but_never_the_prefix_padding(make_tone):
    buffer = InputBuffer(PCM16, DETECTION, 60)
    feed(buffer, silent(60_000))
    assert buffer.position - buffer.start < 24_000 * 1.1
    [start] = feed(buffer, make_tone(200).tobytes())
    assert buffer.turn_start(start.sample) == start.sample - 300 * 24


def test_without_turn_detection_everything_is_kept():
    buffer = InputBuffer(PCM16, None, 60)
    feed(buffer, silent(60_000))
    assert buffer.start == 0
    assert len(buffer.take_all()) == 48 * 60_000
    assert buffer.start == buffer.position


def test_a_part_is_taken_with_all_before_it():
    buffer = InputBuffer(PCM16, None, 60)
    data = np.arange(4_800, dtype=np.int16).tobytes()
    feed(buffer, data)
    assert buffer.take(1_000, 2_000) == data[2_000:4_000]
    assert buffer.start == 2_000
    assert buffer.take(2_000, 4_800) == data[4_000:]


def test_too_little_is_not_taken():
    buffer = InputBuffer(PCM16, None, 60)
    feed(buffer, silent(99))
    with pytest.raises(Refusal, match=r"buffer only has 99\.00ms of audio"):
        buffer.take_all()


def test_half_a_sample_waits_for_the_other_half(make_tone):
    data = make_tone(200).tobytes()
    buffer = InputBuffer(PCM16, None, 60)
    buffer.append(data[:961])
    assert buffer.position == 480
    buffer.append(data[961:])
    assert buffer.take_all() == data


def test_another_format_goes_on_counting_in_its_own_rate(make_tone):
    buffer = InputBuffer(PCM16, DETECTION, 60)
    feed(buffer, silent(1_000))
    buffer.configure(PCMU, DETECTION)
    assert (buffer.position, buffer.start, buffer.ms(buffer.position)) == (8_000, 8_000, 1_000)


def test_turn_detection_hears_from_where_it_is_turned_on(make_tone):
    buffer = InputBuffer(PCM16, None, 60)
    feed(buffer, make_tone(500).tobytes())
    buffer.configure(PCM16, DETECTION)
    assert feed(buffer, silent(500)) == []
    [start] = feed(buffer, make_tone(200).tobytes())
    assert start.sample == 24_000


def test_silence_and_threshold_may_change_in_mid_speech(make_tone):
    buffer = InputBuffer(PCM16, DETECTION, 60)
    feed(buffer, make_tone(500).tobytes())
    slower = TurnDetection(0.5, 300, 400, None, True, True)
    buffer.configure(PCM16, slower)
    assert feed(buffer, silent(300)) == []
    assert feed(buffer, silent(200)) == [SpeechEnd(12_000, 12_000 + 400 * 24)]


class Patient:
    """Endpointing that waits for 700 ms, and keeps what it was asked about."""

    def __init__(self) -> None:
        self.heard = []

    def judges(self, detection) -> bool:
        return detection.silence_ms == 200

    def silence_ms(self, heard, rate_hz, detection) -> float:
        self.heard.append((len(heard), rate_hz))
        return 700


def test_a_pause_is_judged_by_all_that_was_said(make_tone):
    patient = Patient()
    buffer = InputBuffer(PCM16, DETECTION, 60, patient)
    data = silent(1_000) + make_tone(500).tobytes() + silent(300) + make_tone(400).tobytes() + silent(900)
    [_, ended] = feed(buffer, data)
    assert ended == SpeechEnd(2_200 * 24, 2_900 * 24)
    # From 100 ms ahead of speech to 100 ms into each pause.
    assert patient.heard == [(700 * 24, 24_000), (1_400 * 24, 24_000)]


def test_a_pause_is_measured_where_nobody_judges_it(make_tone):
    buffer = InputBuffer(PCM16, DETECTION, 60, Patient())
    buffer.configure(PCM16, TurnDetection(0.5, 300, 400, None, True, True))
    [_, ended] = feed(buffer, make_tone(500).tobytes() + silent(600))
    assert ended == SpeechEnd(500 * 24, 900 * 24)


def test_a_speaker_sounds_but_for_pauses(make_tone):
    buffer = InputBuffer(PCM16, DETECTION, 60)
    assert not buffer.sounding
    feed(buffer, make_tone(500).tobytes())
    assert buffer.sounding
    feed(buffer, silent(90))
    assert buffer.sounding
    feed(buffer, silent(10))
    assert buffer.speaking and not buffer.sounding


def test_silence_is_kept_where_speech_before_it_is_still_wanted():
    buffer = InputBuffer(PCM16, DETECTION, 60)
    buffer.keeps_all = True
    feed(buffer, silent(10_000))
    assert buffer.start == 0
