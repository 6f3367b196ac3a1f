"""The health of the load generator over a run: how late it sent, how busy it was."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from hdrh.histogram import HdrHistogram


@dataclass(frozen=True, slots=True)
class Health:
    """What `generator` rows tell of a whole run; None where nothing was recorded."""

    engines: int
    frames_sent: int
    send_lateness_p50_ms: float | None
    send_lateness_p99_ms: float | None
    send_lateness_max_ms: float | None
    cpu_share_p95: float | None
    """Of the busiest engine: the share of one core that it stayed below in 95% of its intervals."""

    cpu_seconds: float | None
    cpu_ms_per_session_second: float | None
    loop_lag_max_ms: float | None
    gc_pause_max_ms: float | None
    sessions_max: int
    """Most sessions alive at one time, over all engines."""

    rss_bytes_max: int | None
    """Of the largest engine."""

    rows_handed_over: int
    """Turn and session rows that the engines say they handed over."""

    waited_max_ms: float | None = None
    """In the worst interval of an engine: ready to run, while others of its machine ran."""

    stolen_max_ms: float | None = None
    """In the worst interval: processor time of an engine's machine that its hypervisor gave to others."""


def generator_health(generator: pd.DataFrame) -> Health:
    """Sum up a run's generator rows, over all engines."""
    if generator.empty:
        return Health(0, 0, None, None, None, None, None, None, None, None, 0, None, 0)
    lateness = merged_lateness(generator)
    by_engine = generator.groupby("worker")
    interval_s = generator["interval_ms"] / 1000
    cpu_seconds = float((generator["cpu_share"] * interval_s).sum())
    session_seconds = float((generator["sessions"] * interval_s).sum())
    return Health(
        engines=by_engine.ngroups,
        frames_sent=int(generator["frames_sent"].sum()),
        send_lateness_p50_ms=_percentile_ms(lateness, 50),
        send_lateness_p99_ms=_percentile_ms(lateness, 99),
        send_lateness_max_ms=_largest(generator["send_lateness_max_ms"]),
        cpu_share_p95=_largest(by_engine["cpu_share"].quantile(0.95, interpolation="lower")),
        cpu_seconds=cpu_seconds,
        cpu_ms_per_session_second=1000 * cpu_seconds / session_seconds if session_seconds else None,
        loop_lag_max_ms=_largest(generator["loop_lag_max_ms"]),
        gc_pause_max_ms=_largest(generator["gc_pause_max_ms"]),
        sessions_max=int(concurrency(generator).max()),
        rss_bytes_max=int(generator["rss_bytes"].max()),
        rows_handed_over=int(by_engine["rows_written"].max().sum()),
        waited_max_ms=_largest_told(generator, "waited_ms"),
        stolen_max_ms=_largest_told(generator, "stolen_ms"),
    )


def merged_lateness(generator: pd.DataFrame) -> HdrHistogram | None:
    """Send lateness in microseconds of every frame of every engine; None where none was recorded."""
    merged: HdrHistogram | None = None
    for encoded in generator["send_lateness"].dropna():
        if not encoded:
            continue
        part = HdrHistogram.decode(encoded)
        if merged is None:
            merged = part
        else:
            merged.add(part)
    return merged


def concurrency(generator: pd.DataFrame) -> pd.Series:
    """Sessions alive over all engines, by wall time in nanoseconds; an engine counts until its last row."""
    wide = generator.pivot_table(index="at_unix_ns", columns="worker", values="sessions", aggfunc="last")
    return wide.ffill().where(wide.bfill().notna()).fillna(0).sum(axis=1)


def _percentile_ms(histogram: HdrHistogram | None, percentile: float) -> float | None:
    if histogram is None or not histogram.get_total_count():
        return None
    return float(histogram.get_value_at_percentile(percentile)) / 1000


def _largest_told(generator: pd.DataFrame, column: str) -> float | None:
    """Of a column that older runs do not have, nor those on systems that do not tell."""
    return _largest(generator[column].astype(float)) if column in generator else None


def _largest(values: pd.Series) -> float | None:
    largest = values.max()
    return None if pd.isna(largest) else float(np.float64(largest))
