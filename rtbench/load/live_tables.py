"""The tables that Locust's page shows of a run while it goes on: turns by kind, sessions, the generator, the verdict.

Quantiles are exact, over all turns so far and by the report's own rules: one without enough values is not
told, and a turn that was never answered counts as the longest of all.
"""

from __future__ import annotations

import math
from bisect import insort
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from rtbench.analysis.quantiles import samples_needed
from rtbench.core.validity import LATENESS_INVALID_MS, LATENESS_SUSPECT_MS, Level
from rtbench.load.live_verdict import LiveVerdict
from rtbench.scenario.live_threshold import values_of

Row = Mapping[str, Any]
Shown = list[dict[str, str | int]]
"""Rows as the page has them: texts and counts, by the keys of the tab's columns."""

HEADLINE = "voice_to_voice_ms"


class Tab(NamedTuple):
    """A table of the page: its name in the page's address, its title, and the titles of its columns by their keys."""

    key: str
    title: str
    columns: Mapping[str, str]


TURNS = Tab(
    "turns",
    "Turns",
    {
        "kind": "Turns",
        "turns": "# turns",
        "heard": "# heard",
        "p50": "Voice to voice p50 (ms)",
        "p95": "p95 (ms)",
        "p99": "p99 (ms)",
        "longest": "Longest (ms)",
    },
)
SESSIONS = Tab(
    "sessions", "Sessions", {"what": "Sessions", "count": "#", "p50": "p50 (ms)", "p95": "p95 (ms)"}
)
GENERATOR = Tab(
    "generator",
    "Generator",
    {
        "engine": "Engine",
        "sessions": "# sessions",
        "cpu": "CPU",
        "late": "Latest frame (ms)",
        "lag": "Longest hold-up (ms)",
        "pause": "Longest garbage collection (ms)",
        "memory": "Memory (MB)",
    },
)
VERDICT = Tab("verdict", "Verdict", {"level": "So far", "why": "Because"})

TABS = (TURNS, SESSIONS, GENERATOR, VERDICT)


class LiveTables:
    """Takes a run's rows as they come in, and tells what stands in each table."""

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """Nothing is known: a run begins, maybe after another."""
        self._verdict = LiveVerdict()
        self._turns: Counter[str] = Counter()
        self._waits_ms: defaultdict[str, list[float]] = defaultdict(list)
        self._ended: Counter[str] = Counter()
        self._losses: Counter[str] = Counter()
        self._times_ms: defaultdict[str, list[float]] = defaultdict(list)
        self._engines: dict[str, Row] = {}

    def take(self, table: str, row: Row) -> None:
        """One row of a table."""
        self._verdict.take(table, row)
        if table == "turns":
            kind = f"{row['kind']}, with a tool" if row["tool"] else row["kind"]
            self._turns[kind] += 1
            for value_ms in _WAIT(row):
                insort(self._waits_ms[kind], value_ms)
        elif table == "sessions":
            self._ended[row["outcome"]] += 1
        elif table == "incidents":
            self._losses[f"{row['kind']}: {row['outcome']}"] += 1
        elif table == "generator":
            self._engines[row["worker"]] = row
        for name, (of, read) in _TIMES.items():
            if table == of:
                for value_ms in read(row):
                    insort(self._times_ms[name], value_ms)

    def shown(self) -> dict[str, Shown]:
        """The rows of every tab, by its key."""
        return {
            TURNS.key: self._shown_turns(),
            SESSIONS.key: self._shown_sessions(),
            GENERATOR.key: self._shown_engines(),
            VERDICT.key: self._shown_verdict(),
        }

    def _shown_turns(self) -> Shown:
        rows: Shown = []
        for kind, count in sorted(self._turns.items()):
            waits_ms = self._waits_ms[kind]
            heard = sum(map(math.isfinite, waits_ms))
            rows.append(
                {
                    "kind": kind,
                    "turns": count,
                    "heard": heard,
                    "p50": _quantile(waits_ms, 0.5),
                    "p95": _quantile(waits_ms, 0.95),
                    "p99": _quantile(waits_ms, 0.99),
                    "longest": _ms(waits_ms[-1]) if waits_ms else "-",
                }
            )
        return rows

    def _shown_sessions(self) -> Shown:
        rows: Shown = [{"what": "open now", "count": sum(row["sessions"] for row in self._engines.values())}]
        rows += [{"what": outcome, "count": count} for outcome, count in sorted(self._ended.items())]
        rows += [{"what": loss, "count": count} for loss, count in sorted(self._losses.items())]
        for name in _TIMES:
            if values_ms := self._times_ms[name]:
                rows.append(
                    {
                        "what": name.removesuffix("_ms"),
                        "count": len(values_ms),
                        "p50": _quantile(values_ms, 0.5),
                        "p95": _quantile(values_ms, 0.95),
                    }
                )
        return [{"p50": "", "p95": "", **row} for row in rows]

    def _shown_engines(self) -> Shown:
        return [
            {
                "engine": worker,
                "sessions": row["sessions"],
                "cpu": f"{row['cpu_share']:.0%}",
                "late": f"{row['send_lateness_max_ms']:.1f}",
                "lag": f"{row['loop_lag_max_ms']:.1f}",
                "pause": f"{row['gc_pause_max_ms']:.1f}",
                "memory": round(row["rss_bytes"] / 1e6),
            }
            for worker, row in sorted(self._engines.items())
        ]

    def _shown_verdict(self) -> Shown:
        doubts = self._verdict.doubts()
        if doubts:
            return [{"level": str(doubt.level), "why": doubt.message} for doubt in doubts]
        lateness = self._verdict.lateness()
        if lateness is None or not lateness.get_total_count():
            return [{"level": str(Level.VALID), "why": "Nothing has been sent yet"}]
        late_ms = lateness.get_value_at_percentile(99) / 1000
        why = (
            f"99% of frames left at most {late_ms:.1f} ms late "
            f"(SUSPECT above {LATENESS_SUSPECT_MS:g}, INVALID above {LATENESS_INVALID_MS:g}), and no row was lost"
        )
        return [{"level": str(Level.VALID), "why": why}]


def _quantile(ordered: list[float], q: float) -> str:
    """The smallest value that a share q does not exceed."""
    needed = samples_needed(q)
    if len(ordered) < needed:
        return f"n/a (needs {needed})"
    return _ms(ordered[max(0, math.ceil(q * len(ordered) - 1e-9) - 1)])


def _ms(value: float) -> str:
    return f"{value:.0f}" if math.isfinite(value) else "never"


_WAIT = values_of(HEADLINE)[1]
_TIMES: dict[str, tuple[str, Callable[[Row], Any]]] = {
    name: values_of(name) for name in ("connect_ms", "reconnect_ms", "recovery_ms", "barge_in_heard_stop_ms")
}
"""Told beside the sessions: the table that they are measured on, and how they are read."""
