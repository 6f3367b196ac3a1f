from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile

from rtbench.report.recording import Recording, find_recording, peaks

RATE_HZ = 8_000
CALLER = np.array([1, -2, 3, 32_767], dtype=np.int16)
AGENT = np.array([-32_768, 5], dtype=np.int16)


@pytest.fixture
def recordings() -> pd.DataFrame:
    audio = {"caller": CALLER.tobytes(), "agent": AGENT.tobytes()}
    return pd.DataFrame(
        [
            {"session": "s1", "turn": 2, "stimulus": 0, "rate_hz": RATE_HZ, "start_ns": 10, **audio},
            {"session": "s1", "turn": 2, "stimulus": 3, "rate_hz": RATE_HZ, "start_ns": 20, **audio},
        ]
    )


def test_the_caller_is_left_the_agent_right_and_the_shorter_one_is_followed_by_silence(
    tmp_path: Path,
) -> None:
    path = tmp_path / "x.wav"
    Recording(0, RATE_HZ, CALLER, AGENT).write_wav(path)
    samples, rate_hz = soundfile.read(path, dtype="int16")
    assert rate_hz == RATE_HZ
    assert samples[:, 0].tolist() == CALLER.tolist()
    assert samples[:, 1].tolist() == [-32_768, 5, 0, 0]
    assert soundfile.info(path).subtype == "PCM_16"


def test_a_turn_has_its_own_recording_and_a_stimulus_its_own(recordings: pd.DataFrame) -> None:
    turn, stimulus = (find_recording(recordings, "s1", 2, number) for number in (0, 3))
    assert turn is not None and stimulus is not None
    assert (turn.start_ns, stimulus.start_ns) == (10, 20)
    assert stimulus.caller.tolist() == CALLER.tolist()


def test_what_was_not_recorded_is_not_found(recordings: pd.DataFrame) -> None:
    assert find_recording(recordings, "s2", 2, 0) is None
    assert find_recording(recordings, "s1", 1, 0) is None
    assert find_recording(recordings, "s1", 2, 1) is None


def test_half_a_sample_or_no_audio_at_all_is_left_out(recordings: pd.DataFrame) -> None:
    recordings.loc[0, "caller"] = CALLER.tobytes() + b"x"
    recordings.loc[0, "agent"] = None
    found = find_recording(recordings, "s1", 2, 0)
    assert found is not None
    assert found.caller.tolist() == CALLER.tolist()
    assert found.agent.tolist() == []


def test_the_envelope_has_a_peak_for_each_whole_window_of_ten_milliseconds() -> None:
    samples = np.zeros(RATE_HZ // 100 * 3 - 1, dtype=np.int16)
    samples[5], samples[90] = -16_384, 8_192
    assert peaks(samples, RATE_HZ).tolist() == [0.5, 0.25]
    loud = Recording(7, RATE_HZ, samples, AGENT)
    assert (loud.caller_envelope().start_ns, loud.caller_envelope().window_ms) == (7, 10.0)
    assert len(loud.agent_envelope().peaks) == 0
