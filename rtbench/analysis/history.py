"""The history of nightly runs: one row per run, the figures that callers mind, and where they changed."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from rtbench.analysis.change_points import ChangePoint, find_change_points
from rtbench.core.metrics import BETTER

TRENDS: tuple[tuple[str, str, str], ...] = (
    ("voice_to_voice_ms", "without_tool", "p50"),
    ("voice_to_voice_ms", "without_tool", "p95"),
    ("voice_to_voice_ms", "with_tool", "p95"),
    ("endpoint_delay_ms", "without_tool", "p50"),
    ("speech_stop_to_first_audio_ms", "without_tool", "p50"),
    ("connect_ms", "sessions", "p95"),
    ("barge_in_heard_stop_ms", "stimuli", "p95"),
    ("response_rate", "without_tool", "rate"),
    ("session_success_rate", "sessions", "rate"),
    ("yield_rate", "stimuli", "rate"),
    ("false_interruption_rate", "stimuli", "rate"),
)
"""Metric, group, statistic."""


@dataclass(frozen=True, slots=True)
class Night:
    """One run of a history."""

    run: str
    time: str
    """When it began, ISO 8601."""

    verdict: str
    turns: int
    values: dict[str, float]
    """By the names of the trends; what could not be told is missing."""


@dataclass(frozen=True, slots=True)
class Trend:
    """One figure over the nights that have it."""

    name: str
    direction: int
    """1 where more is better, else -1."""

    nights: list[Night]
    changes: list[ChangePoint]

    @property
    def values(self) -> list[float]:
        return [night.values[self.name] for night in self.nights]

    def is_worse(self, change: ChangePoint) -> bool:
        """Whether a change was for the worse."""
        return (change.after - change.before) * self.direction < 0


@dataclass(frozen=True, slots=True)
class History:
    """Runs of one scenario against one target over one transport that can be compared, the oldest first."""

    name: str
    nights: list[Night]
    trends: list[Trend]
    left_out: list[str]
    """Runs that are INVALID, which say nothing of the service."""

    unlike: str = ""
    """Why its nights are not those of the history before it, where both have the same name but for a number."""


def histories(summaries: Iterable[Mapping[str, Any]]) -> list[History]:
    """Histories from the contents of `summary.json` of runs, one for all nights that can be compared.

    Nights of one scenario, target, transport, codec and network that cannot (the load was another one, or the
    corpus) have histories of their own, numbered by their first night.
    """
    named: dict[str, dict[str, list[Mapping[str, Any]]]] = {}
    for summary in sorted(summaries, key=lambda summary: str(summary["run"]["started_at"])):
        run = summary["run"]
        if not run["started_at"]:  # its place among the others cannot be known
            continue
        alike = json.dumps(run.get("likeness", {}), sort_keys=True)
        named.setdefault(_name(run), {}).setdefault(alike, []).append(summary)
    return [
        _history(f"{name} #{number}" if number > 1 else name, members, _unlike(list(groups.values()), number))
        for name, groups in sorted(named.items())
        for number, members in enumerate(groups.values(), 1)
    ]


def _name(run: Mapping[str, Any]) -> str:
    parts = (
        "+".join(run["scenarios"]),
        run["target"],
        run["transport"],
        run.get("codec"),
        run.get("network"),
    )
    return " ".join(str(part) for part in parts if part)


def _unlike(groups: list[list[Mapping[str, Any]]], number: int) -> str:
    """What is different in a group from the one before it, in a sentence; empty for the first."""
    if number == 1:
        return ""
    before, own = (groups[place][0]["run"].get("likeness", {}) for place in (number - 2, number - 1))
    keys = [key for key in before | own if before.get(key) != own.get(key)]
    return f"Its nights cannot be compared with those of the history before it: other {', '.join(keys)}."


def trend_name(metric: str, group: str, statistic: str) -> str:
    """As a column: `voice_to_voice_ms_p95`, `voice_to_voice_ms_tool_p95`, `response_rate`."""
    tool = "_tool" if group == "with_tool" else ""
    return f"{metric}{tool}" + ("" if statistic == "rate" else f"_{statistic}")


def _history(name: str, ordered: list[Mapping[str, Any]], unlike: str) -> History:
    nights = [_night(summary) for summary in ordered if summary["verdict"]["level"] != "INVALID"]
    trends = []
    for metric, group, statistic in TRENDS:
        column = trend_name(metric, group, statistic)
        there = [night for night in nights if column in night.values]
        if there:
            changes = find_change_points([night.values[column] for night in there])
            trends.append(Trend(column, 1 if BETTER[metric] == "more" else -1, there, changes))
    invalid = [summary["run"]["name"] for summary in ordered if summary["verdict"]["level"] == "INVALID"]
    return History(name, nights, trends, invalid, unlike)


def _night(summary: Mapping[str, Any]) -> Night:
    figures = _figures(summary)
    values = {
        trend_name(metric, group, statistic): value
        for metric, group, statistic in TRENDS
        if (value := figures.get((metric, group, statistic))) is not None and math.isfinite(value)
    }
    return Night(
        run=summary["run"]["name"],
        time=str(summary["run"]["started_at"]),
        verdict=summary["verdict"]["level"],
        turns=sum(summary["outcomes"]["turns"].values()),
        values=values,
    )


def _figures(summary: Mapping[str, Any]) -> dict[tuple[str, str, str], float | None]:
    turn_taking = summary.get("turn_taking") or {"metrics": [], "rates": []}
    figures: dict[tuple[str, str, str], float | None] = {}
    for metric in (*summary["metrics"], *turn_taking["metrics"]):
        for statistic in ("p50", "p95"):
            figures[metric["name"], metric["group"], statistic] = metric[statistic]["value"]
    for rate in summary["rates"]:
        figures[rate["name"], rate["group"], "rate"] = rate["value"]
    for rate in turn_taking["rates"]:
        figures[rate["name"], "stimuli", "rate"] = rate["value"]
    return figures
