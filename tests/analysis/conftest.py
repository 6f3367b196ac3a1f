"""Fixtures: tables of turns, sessions and generator rows made from the few columns that a test is about."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hdrh.histogram import HdrHistogram

from rtbench.analysis.samples import Rows
from rtbench.analysis.summary import Summary, summarise
from rtbench.analysis.truth import with_interruption_truth
from rtbench.results import schema
from rtbench.results.reader import Run
from rtbench.results.reconciliation import Reconciliation
from rtbench.results.run_directory import RunDirectory

MakeRows = Callable[..., pd.DataFrame]

TURN = {
    "session": "s1", "outcome": "answered", "expects_answer": True, "void": False, "void_reason": "", "tool": False,
    "error_class": "", "number": 0, "user_speech_end_ns": 0, "closed_ns": 5_000_000_000, "at_unix_ns": 0, "clip": "c",
    "barged_in": False, "hold_pauses": 0, "false_cutoffs": 0, "cut_in": 0.0,
}  # fmt: skip
STIMULUS = {
    "session": "s1", "number": 1, "turn": 0, "kind": "interrupt", "clip": "c", "void": False, "onset_sample": 0,
    "session_id": "sess_1", "response_id": "resp_1",
}  # fmt: skip
SESSION = {
    "session": "s1", "session_id": "sess_1", "outcome": "completed", "error_class": "", "errors": "{}",
    "session_success": 1.0,
}  # fmt: skip
GENERATOR = {
    "worker": "w1", "at_unix_ns": 0, "interval_ms": 1000.0, "sessions": 1, "cpu_share": 0.1, "loop_lag_max_ms": 1.0,
    "gc_pause_max_ms": 0.5, "frames_sent": 25, "send_lateness_max_ms": 1.0, "rows_written": 0, "rss_bytes": 1000,
}  # fmt: skip

LIMIT = {"metric": "voice_to_voice_ms", "statistic": "p50", "operator": "<", "limit": 800}


def _maker(columns: list[str], defaults: Mapping[str, Any]) -> MakeRows:
    def make(*rows: Mapping[str, Any]) -> pd.DataFrame:
        frame = pd.DataFrame([{**defaults, **row} for row in rows or [{}]], columns=columns).head(len(rows))
        metrics = [name for name in columns if name not in defaults and not name.endswith("_ns")]
        return frame.astype({name: float for name in metrics if frame[name].isna().all()})

    return make


@pytest.fixture(scope="session")
def make_turns() -> MakeRows:
    return _maker(schema.TURNS.names, TURN)


@pytest.fixture(scope="session")
def make_sessions() -> MakeRows:
    return _maker(schema.SESSIONS.names, SESSION)


@pytest.fixture(scope="session")
def make_stimuli() -> MakeRows:
    return _maker(schema.STIMULI.names, STIMULUS)


@pytest.fixture(scope="session")
def make_rows(make_turns, make_sessions, make_stimuli) -> Callable[..., Rows]:
    """Rows of a run of which only these tables have any."""

    def make(
        turns: pd.DataFrame | None = None,
        sessions: pd.DataFrame | None = None,
        stimuli: pd.DataFrame | None = None,
        **tables: pd.DataFrame,
    ) -> Rows:
        return Rows(
            make_turns() if turns is None else turns,
            make_sessions() if sessions is None else sessions,
            make_stimuli() if stimuli is None else stimuli,
            **tables,
        )

    return make


@pytest.fixture(scope="session")
def broken_run(make_turns: MakeRows, make_sessions: MakeRows, make_stimuli: MakeRows) -> Callable[..., Run]:
    """A run of which these rows are known: what broke, what was injected, and what the callers had of it."""

    def frame(columns: list[str], rows: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
        return pd.DataFrame(list(rows), columns=columns)

    def make(turns=(), sessions=(), incidents=(), mishaps=(), faults=(), stimuli=()) -> Run:
        return Run(
            directory=RunDirectory(Path("x")),
            provenance={},
            turns=make_turns(*turns),
            sessions=make_sessions(*sessions),
            stimuli=make_stimuli(*stimuli),
            generator=pd.DataFrame(),
            waveforms=pd.DataFrame(),
            truth=pd.DataFrame(),
            incidents=frame(schema.INCIDENTS.names, incidents),
            mishaps=frame(schema.MISHAPS.names, mishaps),
            faults=pd.DataFrame(list(faults)),
        )

    return make


@pytest.fixture(scope="session")
def fault() -> Callable[..., dict[str, Any]]:
    """A row of the emulator's log of faults."""

    def make(kind: str, session_id: str = "", setting: str = "", response_id: str = "") -> dict[str, Any]:
        where = {"session_id": session_id, "response_id": response_id}
        return {"kind": kind, "at_ns": 1, **where, "setting": setting}

    return make


@pytest.fixture(scope="session")
def outage() -> Callable[..., dict[str, Any]]:
    """A row of `incidents`: a connection was lost, and the caller came back."""

    def make(session: str, before: str, error_class: str, **fields: Any) -> dict[str, Any]:
        return {
            "session": session, "session_before": before, "error_class": error_class, "kind": "drop", "injected": "",
            "outcome": "recovered", "recovered": 1.0, **fields,
        }  # fmt: skip

    return make


@pytest.fixture(scope="session")
def make_generator() -> MakeRows:
    """Rows whose `lateness_us` are put into the histogram of send lateness."""

    def make(*rows: Mapping[str, Any]) -> pd.DataFrame:
        encoded = []
        for row in rows or [{}]:
            histogram = HdrHistogram(1, 60_000_000, 3)
            for value in row.get("lateness_us", [500]):
                histogram.record_value(value)
            kept = {key: value for key, value in row.items() if key != "lateness_us"}
            encoded.append({**kept, "send_lateness": histogram.encode().decode()})
        return _maker(schema.GENERATOR.names, GENERATOR)(*encoded).head(len(rows))

    return make


@pytest.fixture(scope="session")
def summarised(make_turns, make_sessions, make_stimuli, make_generator) -> Callable[..., Summary]:
    """The summary of a hundred turns, ten to a session, three of them unanswered."""

    def make(
        turns: pd.DataFrame | None = None, ended: bool = True, limit: float = 800, stimuli=()
    ) -> Summary:
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
            stimuli=with_interruption_truth(make_stimuli(*stimuli), pd.DataFrame()),
            generator=make_generator({"rows_written": rows}),
            waveforms=pd.DataFrame(),
            truth=pd.DataFrame(),
        )
        return summarise(run)

    return make
