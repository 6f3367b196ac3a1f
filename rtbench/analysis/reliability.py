"""How a run's connections fared: outages and how they ended, errors by class and phase, and what was injected beside what was seen."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from rtbench.analysis.metric_summary import PERCENTILES, MetricSummary
from rtbench.analysis.quantiles import quantiles
from rtbench.analysis.rates import Rate, rate
from rtbench.core.codec import PACKET_MS
from rtbench.core.farewells import ABNORMAL_CLOSURE, NORMAL_CLOSURE, told_over_webrtc
from rtbench.core.metrics import INCIDENT_METRICS
from rtbench.core.metrics.metric import NS_PER_MS
from rtbench.results.reader import Run


@dataclass(frozen=True, slots=True)
class Injected:
    """One kind of fault that was made on purpose."""

    side: str
    """emulator, or caller."""

    kind: str
    setting: str
    injected: int
    found: int
    """Of these, seen by the callers under the class that is theirs."""

    seen_as: str
    """That class, or the metric that moved."""


@dataclass(frozen=True, slots=True)
class Reliability:
    """The connections of a run."""

    incidents: dict[str, int]
    """Outages by outcome; rotations apart, as `rotation`."""

    metrics: list[MetricSummary]
    recovered: Rate
    context_retained: Rate
    errors: pd.DataFrame
    """Columns error_class, phase, count; the most frequent first."""

    injected: list[Injected]
    counts: dict[str, int]
    """Totals over all sessions. `attempts` are those to connect in outages, as `incident_attempts` counts them."""

    @property
    def all_found(self) -> bool:
        return all(each.found >= each.injected for each in self.injected)


def summarise_reliability(run: Run) -> Reliability | None:
    """Sum up; None where no connection was lost, no error met, and nothing broken on purpose."""
    cuts = _total(run.sessions, "cuts")
    if run.incidents.empty and run.mishaps.empty and run.faults.empty and not cuts:
        return None
    incidents, turns = run.incidents, run.turns
    return Reliability(
        incidents=_outcomes(incidents),
        metrics=[
            _metric(metric.name, metric.unit, incidents)
            for metric in INCIDENT_METRICS
            if metric.unit != "rate"
        ],
        recovered=_rate(incidents, "recovered"),
        context_retained=_rate(turns, "context_retained"),
        errors=_errors(run.mishaps),
        injected=[*_by_the_emulator(run), *_by_the_caller(run)],
        counts={
            "attempts": _total(incidents, "incident_attempts"),
            "reconnects": _total(run.sessions, "reconnects"),
            "rotations": _total(run.sessions, "rotations"),
            "turns_lost": _total(run.sessions, "turns_lost"),
            "fell_back": _total(run.sessions, "fell_back"),
            "rate_limited": _total(run.sessions, "rate_limited"),
        },
    )


def _outcomes(incidents: pd.DataFrame) -> dict[str, int]:
    if incidents.empty:
        return {}
    shown = incidents["outcome"].mask(incidents["kind"].eq("rotation"), "rotation")
    return {str(name): int(count) for name, count in shown.value_counts().items()}


def _metric(name: str, unit: str, incidents: pd.DataFrame) -> MetricSummary:
    there = incidents[name].dropna() if name in incidents else pd.Series(dtype=float)
    values = there.to_numpy(np.float64)
    sessions = incidents["session"].reindex(there.index) if len(there) else pd.Series(dtype=object)
    p50, p95, p99 = quantiles(values, sessions, PERCENTILES)
    some = len(values) > 0
    return MetricSummary(
        name=name,
        unit=unit,
        group="incidents",
        n=len(values),
        unanswered=0,
        known_up_to=float("inf"),
        mean=float(values.mean()) if some else None,
        smallest=float(values.min()) if some else None,
        largest=float(values.max()) if some else None,
        p50=p50,
        p95=p95,
        p99=p99,
    )


def _rate(rows: pd.DataFrame, column: str) -> Rate:
    there = rows[column].dropna() if column in rows else pd.Series(dtype=float)
    sessions = rows["session"].reindex(there.index) if len(there) else pd.Series(dtype=object)
    return rate(there.to_numpy(np.float64), sessions)


def _errors(mishaps: pd.DataFrame) -> pd.DataFrame:
    if mishaps.empty:
        return pd.DataFrame({"error_class": [], "phase": [], "count": []})
    counts = mishaps.groupby(["error_class", "phase"]).size().rename("count").reset_index()
    return counts.sort_values(["count", "error_class"], ascending=[False, True], ignore_index=True)


def _total(rows: pd.DataFrame, column: str) -> int:
    return int(rows[column].fillna(0).sum()) if column in rows else 0


# What was injected, and who saw it.


def _by_the_caller(run: Run) -> list[Injected]:
    cuts = _total(run.sessions, "cuts")
    if not cuts:
        return []
    injected = (
        run.incidents[run.incidents["injected"].fillna("").ne("")] if len(run.incidents) else run.incidents
    )
    classes = sorted(injected["error_class"].unique()) if len(injected) else []
    unseen = _total(run.sessions, "cuts_unseen")
    drops = []
    if cuts > unseen:
        drops.append(Injected("caller", "drop", "", cuts - unseen, len(injected), ", ".join(classes)))
    if unseen:
        ended = "the call was over before anything was missed"
        drops.append(Injected("caller", "drop", "at a call's end", unseen, unseen, ended))
    return drops


def _by_the_emulator(run: Run) -> list[Injected]:
    if run.faults.empty:
        return []
    faults = run.faults.fillna({"setting": "", "session_id": "", "response_id": ""})
    found = []
    for (kind, setting), rows in faults.groupby(["kind", "setting"], sort=True):
        seen_as, count = _seen(str(kind), str(setting), rows, run)
        found.append(Injected("emulator", str(kind), str(setting), len(rows), min(len(rows), count), seen_as))
    return found


def _seen(kind: str, setting: str, rows: pd.DataFrame, run: Run) -> tuple[str, int]:
    """The class under which a kind of fault is to be seen, and how many of these rows were."""
    if kind in ("close", "reset", "restart", "vanish", "close_channel"):
        return _ended(kind, setting, rows, run)
    if kind == "oversized":
        name = "message_too_big"
        return name, _matched(rows, run.incidents, "session_before", {name})
    if kind in _IN_MISHAPS:
        name = _IN_MISHAPS[kind] or setting
        return name, _matched(rows, run.mishaps, "session_id", {name})
    if kind in _IN_TURNS:
        column, value = _IN_TURNS[kind]
        value = value or setting
        turns = run.turns[run.turns["response_id"].isin(set(rows["response_id"]))]
        return f"{column} {value}", int(turns[column].eq(value).sum())
    if kind in ("stall", "lost_packets"):
        return _gaps(kind, setting, rows, run)
    return _AT_THE_DOOR[kind](setting, run) if kind in _AT_THE_DOOR else ("", 0)


def _gaps(kind: str, setting: str, rows: pd.DataFrame, run: Run) -> tuple[str, int]:
    """An answer in which something was missing, in time or for good."""
    turns = run.turns[run.turns["response_id"].isin(set(rows["response_id"]))]
    if kind == "lost_packets":
        return "chunk_gap_ms", int(turns["chunk_gap_max_ms"].gt(float(setting) * PACKET_MS).sum())
    stalled = turns["error_class"].eq("answer_stalled") | turns["chunk_gap_max_ms"].gt(200)
    return "answer_stalled, or chunk_gap_ms", int((stalled | turns["outcome"].eq("dropped")).sum())


def _ended(kind: str, setting: str, rows: pd.DataFrame, run: Run) -> tuple[str, int]:
    """A session that the service ended: under its close code, or under what stands for that over WebRTC."""
    streams = set(run.sessions["transport"]) == {"webrtc"}
    told = _told_over_webrtc(kind, setting) if streams else _told_over_websocket(kind, setting)
    in_setup = rows["response_id"].eq("") & (kind != "restart")
    if _is_filtered(run):
        # No set-up is told there, nor the reason of a close: only the goodbye is seen.
        in_setup &= False
        told = list(dict.fromkeys((*told, f"closed_{NORMAL_CLOSURE}"))) if setting else told
    named = rows[~in_setup]
    if streams:
        found = _matched(named, run.mishaps, "session_id", set(told))
    else:
        found = _matched(named, run.incidents, "session_before", set(told))
    # The caller never learned the name of a session that ended in its set-up: those are matched by number.
    unnamed = sum(_mishaps(run, name, "setup") for name in (*told, "setup_timeout"))
    return " or ".join(told), found + min(int(in_setup.sum()), unnamed)


def _told_over_websocket(kind: str, setting: str) -> list[str]:
    if kind == "vanish":
        return ["no_sign_of_life"]
    return ["connection_lost" if setting == str(ABNORMAL_CLOSURE) else f"closed_{setting}"]


def _told_over_webrtc(kind: str, setting: str) -> list[str]:
    if kind == "close_channel":
        return [f"closed_{NORMAL_CLOSURE}"]
    told = told_over_webrtc(int(setting)) if setting else ""
    # Without a word: found by who looks after idle lines, else when ICE's consent has expired.
    return [told] if told else ["no_sign_of_life", "connection_lost"]


_IN_MISHAPS = {
    "error_event": "",
    "duplicate_events": "duplicate_event",
    "stale_events": "stale_event",
    "unknown_event": "unknown_event",
    "invalid_json": "protocol_error",
    "odd_audio": "odd_audio",
}
_IN_TURNS = {"response_failed": ("error_class", ""), "response_incomplete": ("response_reason", "")}


def _matched(rows: pd.DataFrame, seen: pd.DataFrame, key: str, classes: set[str]) -> int:
    """How many of the faults find a row of their own session with one of these classes.

    Rows of sessions whose names were not told (see `core.filtered_events`) are matched by number.
    """
    if seen.empty:
        return 0
    names = seen[seen["error_class"].isin(classes)][key]
    wanted = rows["session_id"].value_counts()
    matched = np.minimum(wanted, names.value_counts().reindex(wanted.index).fillna(0)).sum()
    return min(len(rows), int(matched) + int(names.isna().sum()))


def _is_filtered(run: Run) -> bool:
    """Callers were told few events (see `core.filtered_events`); then no session's name was."""
    return bool(run.sessions["session_id"].isna().any())


def _mishaps(run: Run, error_class: str, phase: str) -> int:
    if run.mishaps.empty:
        return 0
    return int((run.mishaps["error_class"].eq(error_class) & run.mishaps["phase"].eq(phase)).sum())


def _refusals(setting: str, run: Run) -> tuple[str, int]:
    if setting == "429":
        return "rate_limited", _total(run.sessions, "rate_limited")
    phases = ("key", "sdp") if "webrtc" in set(run.sessions["transport"]) else ("upgrade",)
    names = [f"{phase}_{setting}" for phase in phases]
    return " or ".join(names), sum(_mishaps(run, name, "handshake") for name in names)


def _slow(setting: str, run: Run) -> tuple[str, int]:
    limit_ms = float(setting.removesuffix(" ms"))
    later = 0
    for transport, one in _later_tries(run):
        requests = 2 if transport == "webrtc" else 1  # each of which may be slow: for a key, and the offer
        wait_ms = (one["over_ns"] - one["begun_ns"]) / NS_PER_MS
        later += min(requests, int(wait_ms // limit_ms))
    parts = [name for name in ("upgrade_ms", "key_ms", "sdp_ms") if run.sessions[name].notna().any()]
    first = sum(int(run.sessions[name].ge(limit_ms).sum()) for name in parts)
    return f"{', '.join(parts)}, or a try as long", first + later


def _later_tries(run: Run) -> list[tuple[str, dict[str, Any]]]:
    """Tries to connect that have ended, each with its transport, but for the one that made a session's first
    connection: `sessions` tells of that.
    """
    if run.incidents.empty:
        return []
    tries = []
    columns = (run.incidents[name] for name in ("transport", "kind", "attempts"))
    for transport, kind, written in zip(*columns, strict=True):
        for one in json.loads(written) if isinstance(written, str) else ():
            if one["over_ns"] is not None and (kind != "refusal" or one["error_class"]):
                tries.append((str(transport), one))
    return tries


def _late(setting: str, run: Run) -> tuple[str, int]:
    limit_ms = float(setting.removesuffix(" ms"))
    slow = run.sessions["session_created_ms"].ge(0.9 * limit_ms).sum()
    again = _drops(run)
    later = 0
    if len(again):
        waits_ms = (again["created_ns"] - again["connected_ns"]).astype(float) / NS_PER_MS
        later = int(waits_ms.ge(0.9 * limit_ms).sum())
    return "session_created_ms, or reconnect_ms", int(slow) + later + _mishaps(run, "setup_timeout", "setup")


def _drops(run: Run) -> pd.DataFrame:
    """Outages after a first connection, whose own way is told by `sessions`."""
    return run.incidents if run.incidents.empty else run.incidents[run.incidents["kind"].ne("refusal")]


_AT_THE_DOOR: dict[str, Callable[[str, Run], tuple[str, int]]] = {
    "refusal": _refusals,
    "refuse": lambda _, run: ("connection_lost", _mishaps(run, "connection_lost", "handshake")),
    "slow_upgrade": _slow,
    "late_session": _late,
    "no_session": lambda _, run: ("setup_timeout", _mishaps(run, "setup_timeout", "setup")),
}
"""Faults before a session has a name that the caller knows: they are matched by number."""
