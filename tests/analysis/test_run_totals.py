"""The totals of a run, and what it is of."""

from pathlib import Path

import pandas as pd
import pytest

from rtbench.analysis.run_totals import RunTotals, rows_lost
from rtbench.results.reader import Run
from rtbench.results.reconciliation import Reconciliation
from rtbench.results.run_directory import RunDirectory
from rtbench.scenario.threshold_metric import RUN_COUNTS


@pytest.fixture
def totals(make_turns, make_sessions, make_stimuli, make_generator) -> RunTotals:
    counted = Reconciliation(rows_sent=6, rows_received=6).as_dict()
    return RunTotals.of(
        Run(
            directory=RunDirectory(Path("x")),
            provenance={
                "target": "openai",
                "transport": "webrtc",
                "scenarios": [{"name": "brief"}],
                "reconciliation": counted,
            },
            turns=make_turns({}, {"void": True}, {}),
            sessions=make_sessions({"errors": '{"closed": 2, "late": 1}'}, {}),
            stimuli=make_stimuli(),
            generator=make_generator({"rows_written": 5}),
            waveforms=pd.DataFrame(),
            truth=pd.DataFrame(),
        )
    )


def test_everything_is_counted(totals: RunTotals) -> None:
    assert totals.counts == {"turns": 3, "sessions": 2, "errors": 3, "void_turns": 1, "rows_lost": 1}
    assert tuple(totals.counts) == RUN_COUNTS


def test_a_run_knows_what_it_is_of(totals: RunTotals) -> None:
    assert totals.is_of("target", "openai") and totals.is_of("transport", "webrtc")
    assert totals.is_of("scenario", "brief") and not totals.is_of("scenario", "openai")


@pytest.mark.parametrize(("handed_over", "read", "lost"), [(10, 10, 0), (10, 7, 3), (14, 10, 4), (0, 12, 0)])
def test_rows_are_lost_on_either_side_of_the_wire(handed_over: int, read: int, lost: int) -> None:
    assert rows_lost(Reconciliation(rows_sent=10, rows_received=10), handed_over, read) == lost
