import json
from pathlib import Path

import pandas as pd
import pytest

from rtbench.analysis.summary import SUMMARY_VERSION, Summary, summarise
from rtbench.core.errors import ExitCode
from rtbench.results.reader import Run
from rtbench.results.reconciliation import Reconciliation
from rtbench.results.run_directory import RunDirectory

LIMIT = {"metric": "voice_to_voice_ms", "statistic": "p50", "operator": "<", "limit": 800}


@pytest.fixture
def summarised(make_turns, make_sessions, make_generator):
    """The summary of a hundred turns, ten to a session, three of them unanswered."""

    def make(turns: pd.DataFrame | None = None, ended: bool = True, limit: float = 800) -> Summary:
        if turns is None:
            answered = [
                {"session": f"s{n % 10}", "number": n // 10, "voice_to_voice_ms": 500.0 + n}
                for n in range(97)
            ]
            silent = [{"session": f"s{n}", "number": 9, "outcome": "no_answer"} for n in range(3)]
            turns = make_turns(*answered, *silent)
        sessions = make_sessions(
            *[{"session": f"s{n}", "uptime": 1.0, "errors_per_session": 0.0} for n in range(10)]
        )
        rows = len(turns) + len(sessions)
        counted = Reconciliation(rows_sent=rows, rows_received=rows).as_dict()
        run = Run(
            directory=RunDirectory(Path("20261123-x")),
            provenance={
                "reconciliation": counted if ended else None,
                "thresholds": [LIMIT | {"limit": limit}],
            },
            turns=turns.assign(voice_to_voice_error_ms=0.25, true_voice_to_voice_ms=500.0),
            sessions=sessions,
            generator=make_generator({"rows_written": rows}),
            waveforms=pd.DataFrame(),
            truth=pd.DataFrame(),
        )
        return summarise(run)

    return make


def test_summary_json_has_the_documented_keys(summarised) -> None:
    content = summarised().as_json()
    assert list(content) == [
        "summary_version", "metric_version", "run", "verdict", "sentence", "thresholds", "metrics", "rates", "outcomes",
        "errors", "generator", "measurement_error", "worst_turns",
    ]  # fmt: skip
    assert content["summary_version"] == SUMMARY_VERSION
    headline = content["metrics"][0]
    assert list(headline) == [
        "name",
        "unit",
        "group",
        "n",
        "unanswered",
        "mean",
        "min",
        "max",
        "p50",
        "p95",
        "p99",
    ]
    assert list(headline["p50"]) == ["n", "value", "low", "high", "above", "needed"]


def test_summary_json_is_strict_json_although_turns_were_never_answered(summarised) -> None:
    headline = json.loads(json.dumps(summarised().as_json(), allow_nan=False))["metrics"][0]
    assert (headline["n"], headline["unanswered"], headline["mean"]) == (100, 3, None)
    assert headline["p95"]["value"] == 594.0
    assert headline["p99"] == {
        "n": 100,
        "value": None,
        "low": None,
        "high": None,
        "above": None,
        "needed": 299,
    }


def test_a_percentile_among_unanswered_turns_tells_what_it_lies_above(summarised, make_turns) -> None:
    silent = {"outcome": "no_answer", "closed_ns": 15_000_000_000}
    turns = make_turns(*[{"voice_to_voice_ms": 500.0}] * 40, *[silent] * 60)
    p50 = summarised(turns).as_json()["metrics"][0]["p50"]
    assert (p50["value"], p50["above"]) == (None, 15_000.0)


@pytest.mark.parametrize(
    ("ended", "limit", "code"),
    [(True, 800, ExitCode.PASS), (True, 100, ExitCode.THRESHOLD_FAILED), (False, 100, ExitCode.INVALID)],
)
def test_the_exit_code_puts_an_invalid_run_before_a_failed_threshold(
    summarised, ended: bool, limit: float, code: ExitCode
) -> None:
    assert summarised(ended=ended, limit=limit).exit_code is code


def test_outcomes_errors_and_worst_turns_are_counted_out(summarised) -> None:
    content = summarised().as_json()
    assert content["outcomes"]["turns"] == {"answered": 97, "no_answer": 3}
    assert content["outcomes"]["sessions"] == {"completed": 10}
    assert [turn["voice_to_voice_ms"] for turn in content["worst_turns"]] == [
        None,
        596.0,
        595.0,
        594.0,
        593.0,
    ]
    assert content["measurement_error"]["mean_ms"] == 0.25


def test_a_run_in_which_nothing_happened_can_be_summed_up(summarised, make_turns) -> None:
    summary = summarised(make_turns())
    assert summary.exit_code is ExitCode.INVALID
    assert "No turn was finished" in summary.verdict.findings[0].message
    json.dumps(summary.as_json(), allow_nan=False)
