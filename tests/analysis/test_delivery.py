from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from rtbench.analysis.delivery import measure_delivery
from rtbench.results.reader import Run
from rtbench.results.run_directory import RunDirectory

S = 1_000_000_000


@pytest.fixture
def run(make_turns, make_sessions, make_stimuli, make_generator) -> Run:
    """Ten calls of 10 s over WebRTC with a turn each."""
    turns = [{"session": f"s{n}", "min_prebuffer_ms": float(n), "playout_wait_ms": 40.0} for n in range(10)]
    sessions = [
        {
            "session": f"s{n}", "connected_ns": 5 * S, "ended_ns": 15 * S, "bytes_sent": 40_000, "bytes_received": 20_000,
            "packets_expected": 100, "packets_lost": int(n < 4), "mos": 4.0 + n / 100, "connect_ms": 20.0 + n,
        }
        for n in range(10)
    ]  # fmt: skip
    return Run(
        directory=RunDirectory(Path("x")),
        provenance={},
        turns=make_turns(*turns),
        sessions=make_sessions(*sessions),
        stimuli=make_stimuli(),
        generator=make_generator({"cpu_share": 0.2, "sessions": 10}, {"cpu_share": 0.2, "sessions": 10}),
        waveforms=pd.DataFrame(),
        truth=pd.DataFrame(),
    )


def test_it_is_told_by_hand_computed_figures(run: Run) -> None:
    found = measure_delivery(run)

    assert found.playout_wait.p50.value == 40.0
    assert found.min_prebuffer.p50.value == 4.0
    assert found.connect.p50.value == 24.0
    assert (found.kbit_per_s_sent, found.kbit_per_s_received) == (32.0, 16.0)
    assert found.cpu_ms_per_session_second == pytest.approx(20.0)
    assert found.packet_loss == 0.004
    assert found.mos == pytest.approx(4.045)


def test_without_packets_there_is_no_loss_and_no_score(run: Run, make_sessions) -> None:
    found = measure_delivery(
        replace(run, sessions=make_sessions({"connected_ns": 0, "ended_ns": S, "bytes_sent": 125}))
    )

    assert (found.packet_loss, found.mos) == (None, None)
    assert found.kbit_per_s_sent == 1.0
    assert found.kbit_per_s_received is None


def test_a_run_in_which_nothing_happened_can_be_measured(run: Run, make_turns, make_sessions) -> None:
    found = measure_delivery(replace(run, turns=make_turns(), sessions=make_sessions()))

    assert (found.connect.n, found.kbit_per_s_sent, found.packet_loss) == (0, None, None)
