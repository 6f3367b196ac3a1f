"""What is shown while a run goes on: callers, turns, latency, errors, and how far that can be trusted so far."""

from __future__ import annotations

import math
from collections import Counter, deque
from collections.abc import Mapping
from typing import Any

from rich.console import Group
from rich.table import Table
from rich.text import Text

from rtbench.core.validity import LATENESS_SUSPECT_MS, Level
from rtbench.load.live_verdict import LiveVerdict

WINDOW_TURNS = 1_000
"""The live quantiles are those of the last turns; the report's are exact, over all."""

COLOURS = {Level.VALID: "green", Level.SUSPECT: "yellow", Level.INVALID: "red"}


class LiveFigures:
    """Running figures of a run, from the rows as they come in."""

    def __init__(self) -> None:
        self.turns = 0
        self.errors: Counter[str] = Counter()
        self.verdict = LiveVerdict()
        self._latencies_ms: deque[float] = deque(maxlen=WINDOW_TURNS)
        self._sessions: dict[str, int] = {}
        self._late_ms: dict[str, float] = {}

    def take(self, table: str, row: Mapping[str, Any]) -> None:
        """One row of a table."""
        self.verdict.take(table, row)
        if table == "turns":
            self._take_turn(row)
        elif table == "sessions" and row["outcome"] in ("failed", "dropped"):
            self.errors[row["error_class"] or row["outcome"]] += 1
        elif table == "generator":
            self._sessions[row["worker"]] = row["sessions"]
            self._late_ms[row["worker"]] = row["send_lateness_max_ms"]

    def _take_turn(self, row: Mapping[str, Any]) -> None:
        if row["outcome"] == "not_asked":
            return
        self.turns += 1
        if row["outcome"] == "answered":
            if row["voice_to_voice_ms"] is not None:
                self._latencies_ms.append(row["voice_to_voice_ms"])
        elif row["outcome"] != "interrupted":
            self.errors[row["error_class"] or row["outcome"]] += 1

    @property
    def sessions(self) -> int:
        """Sessions open, as of the engines' last word."""
        return sum(self._sessions.values())

    @property
    def send_lateness_max_ms(self) -> float:
        """Of all engines, over their last second."""
        return max(self._late_ms.values(), default=0.0)

    def latency_ms(self, quantile: float) -> float | None:
        """A quantile of the last turns' voice-to-voice latency (nearest rank), None before the first."""
        ordered = sorted(self._latencies_ms)
        if not ordered:
            return None
        return ordered[max(0, math.ceil(quantile * len(ordered)) - 1)]


def progress(figures: LiveFigures, heading: str, users: int, elapsed_s: float) -> Group:
    """One line of figures under its headings, 80 columns wide at most, and the verdict as it stands."""
    table = Table(title=heading, title_justify="left", title_style="bold", box=None, padding=(0, 2, 0, 0))
    late_ms = figures.send_lateness_max_ms
    columns = {
        "time": f"{elapsed_s:.0f} s",
        "users": str(users),
        "calls": str(figures.sessions),
        "turns": str(figures.turns),
        "v2v p50": _ms(figures.latency_ms(0.5)),
        "p95": _ms(figures.latency_ms(0.95)),
        "errors": str(figures.errors.total()),
        "send late": f"[yellow]{late_ms:.1f} ms[/]" if late_ms > LATENESS_SUSPECT_MS else f"{late_ms:.1f} ms",
    }
    for name in columns:
        table.add_column(name, justify="right", header_style="dim", no_wrap=True)
    table.add_row(*columns.values())
    return Group(table, _verdict(figures.verdict))


def _verdict(verdict: LiveVerdict) -> Text:
    """The level, and the first of what speaks against more."""
    doubts = verdict.doubts()
    level = doubts[0].level if doubts else Level.VALID
    line = Text(f"{level} so far", style=f"bold {COLOURS[level]}", overflow="ellipsis", no_wrap=True)
    return line.append(f": {doubts[0].message}", style=COLOURS[level]) if doubts else line


def _ms(value: float | None) -> str:
    return "-" if value is None else f"{value:.0f} ms"
