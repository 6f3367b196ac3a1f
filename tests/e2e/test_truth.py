"""The headline against the emulator's own account: a small piece of `tests/benchmarks/bench_truth.py`.

Medians only: what one frame or one wake-up of a busy machine does to a single turn is no error of ours.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from rtbench.analysis.truth import with_truth
from rtbench.report.build import load_run
from rtbench.results.reader import Run

pytestmark = pytest.mark.e2e

SESSIONS, TURNS = 8, 3
BOUND_MS = 5.0
MS = 1_000_000

SCENARIO = f"""\
name: truth
session:
  turn_detection: {{type: server_vad, silence_duration_ms: 200}}
conversation:
  - repeat:
      times: {TURNS}
      steps:
        - say: yes_rms
        - listen
users: {SESSIONS}
spawn_rate: 20
think_time: 50 ms
emulator:
  response_delay: {{empirical: [0 ms, 300 ms]}}
  leading_silence: {{empirical: [0 ms, 200 ms]}}
  replies: [right_scotland]
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run through the command line."""
    folder = tmp_path_factory.mktemp("truth")
    scenario = folder / "truth.yaml"
    scenario.write_text(SCENARIO, encoding="utf-8")
    command = [sys.executable, "-m", "rtbench", "run", str(scenario), "--out", str(folder)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=90)
    assert ended.stdout, ended.stderr
    return load_run(Path(ended.stdout.split()[-1]).parent)


def median_error_ms(turns: pd.DataFrame) -> float:
    return float(turns["voice_to_voice_error_ms"].median())


def test_every_turn_is_answered_and_found_in_the_emulators_log(run: Run) -> None:
    assert len(run.turns) == SESSIONS * TURNS
    assert set(run.turns["outcome"]) == {"answered"}
    assert run.turns["voice_to_voice_error_ms"].notna().all()


def test_the_headline_is_what_the_emulator_did(run: Run) -> None:
    assert abs(median_error_ms(run.turns)) <= BOUND_MS


def test_a_delay_that_is_measured_50_ms_too_long_or_too_short_is_found(run: Run) -> None:
    for off_ns in (-50 * MS, 50 * MS):
        log = run.truth.assign(first_audio_sent_ns=run.truth["first_audio_sent_ns"] - off_ns)
        error_ms = median_error_ms(with_truth(run.turns, log))
        assert abs(error_ms) > BOUND_MS
        assert error_ms == pytest.approx(off_ns / MS, abs=BOUND_MS)


def test_injected_delays_and_leading_silences_lengthen_the_wait_by_themselves(run: Run) -> None:
    """By what was drawn, not by any instant of the log: same clip, same turn detection, so the rest is constant."""
    drawn = run.truth[["session_id", "response_id", "response_delay_drawn_ms", "leading_silence_ms"]]
    drawn = drawn.rename(columns={"leading_silence_ms": "lead_ms", "response_delay_drawn_ms": "delay_ms"})
    turns = run.turns.merge(drawn, on=["session_id", "response_id"], validate="one_to_one")
    turns["rest_ms"] = turns["voice_to_voice_ms"] - turns["delay_ms"] - turns["lead_ms"]
    medians = turns.groupby(["delay_ms", "lead_ms"])["rest_ms"].median()
    assert len(medians) == 4
    assert medians.max() - medians.min() <= 20
