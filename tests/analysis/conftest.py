"""Fixtures: tables of turns, sessions and generator rows made from the few columns that a test is about."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd
import pytest
from hdrh.histogram import HdrHistogram

from rtbench.results import schema

MakeRows = Callable[..., pd.DataFrame]

TURN = {
    "session": "s1", "outcome": "answered", "expects_answer": True, "void": False, "void_reason": "", "tool": False,
    "error_class": "", "number": 0, "user_speech_end_ns": 0, "closed_ns": 5_000_000_000, "at_unix_ns": 0, "clip": "c",
}  # fmt: skip
SESSION = {"session": "s1", "outcome": "completed", "error_class": "", "errors": "{}", "session_success": 1.0}
GENERATOR = {
    "worker": "w1", "at_unix_ns": 0, "interval_ms": 1000.0, "sessions": 1, "cpu_share": 0.1, "loop_lag_max_ms": 1.0,
    "gc_pause_max_ms": 0.5, "frames_sent": 25, "send_lateness_max_ms": 1.0, "rows_written": 0, "rss_bytes": 1000,
}  # fmt: skip


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
