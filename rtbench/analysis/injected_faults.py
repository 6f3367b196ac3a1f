"""What was broken on purpose in a run, beside what its callers saw of it: each fault has to show under the class that is its own.

The emulator's faults come from its log, one row each (`emulator.fault_log`); the caller's own from the incidents that they made.
Most faults name their session or their answer, and are looked for there; those at the door are matched by number.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import groupby
from typing import Any

import numpy as np
import pandas as pd

from rtbench.analysis.injected import Injected, breaks_by_the_caller
from rtbench.core.codec import PACKET_MS
from rtbench.core.farewells import ABNORMAL_CLOSURE, NORMAL_CLOSURE, told_over_webrtc
from rtbench.core.metrics.metric import NS_PER_MS
from rtbench.results.reader import Run


def injected_faults(run: Run) -> list[Injected]:
    """Every kind of fault of a run, the emulator's first."""
    return [*_by_the_emulator(run), *breaks_by_the_caller(run)]


def _by_the_emulator(run: Run) -> list[Injected]:
    if run.faults.empty:
        return []
    faults = run.faults.fillna({"setting": "", "session_id": "", "response_id": ""})
    found = []
    taken: Counter[str] = Counter()
    for (kind, setting), rows in faults.groupby(["kind", "setting"], sort=True):
        seen_as, count = _seen(str(kind), str(setting), rows, run)
        if kind in _REFUSING:  # which look alike: what one of them explains is no evidence of the other
            count -= taken[seen_as]
            taken[seen_as] += min(len(rows), max(0, count))
        count = min(len(rows), max(0, count))
        found.append(
            Injected("emulator", str(kind), str(setting), len(rows), count, seen_as, kind in _BEHAVIOUR)
        )
    return list(_drawn_together(found))


MOST_SETTINGS = 3
"""Of one kind that are told each by itself, where they are times: more were drawn."""


def _drawn_together(found: list[Injected]) -> Iterator[Injected]:
    """The same, with one row for all times of a kind that were drawn from a distribution."""
    for _, group in groupby(found, lambda each: each.kind):
        rows = list(group)
        if len(rows) <= MOST_SETTINGS or not all(each.setting.endswith(" ms") for each in rows):
            yield from rows
            continue
        times_ms = [_ms(each.setting) for each in rows]
        yield replace(
            rows[0],
            setting=f"{min(times_ms):.0f} to {max(times_ms):.0f} ms",
            injected=sum(each.injected for each in rows),
            found=sum(each.found for each in rows),
        )


def _seen(kind: str, setting: str, rows: pd.DataFrame, run: Run) -> tuple[str, int]:
    """The class under which a kind of fault is to be seen, and how many of these rows were."""
    look = _LOOKS.get(kind)
    return look(kind, setting, rows, run) if look is not None else ("", 0)


def _met(kind: str, setting: str, rows: pd.DataFrame, run: Run) -> tuple[str, int]:
    name = _IN_MISHAPS[kind] or setting
    return name, _matched(rows, run.mishaps, "session_id", {name})


def _too_big(kind: str, setting: str, rows: pd.DataFrame, run: Run) -> tuple[str, int]:
    name = "message_too_big"
    return name, _matched(rows, run.incidents, "session_before", {name})


def _in_an_answer(kind: str, setting: str, rows: pd.DataFrame, run: Run) -> tuple[str, int]:
    said, shows = _IN_ANSWERS[kind]
    turns = run.turns[run.turns["response_id"].isin(set(rows["response_id"]))]
    return said.format(setting=setting), int(shows(turns, setting).sum())


def _in_a_session(kind: str, setting: str, rows: pd.DataFrame, run: Run) -> tuple[str, int]:
    """Of each session as many as it has turns that show the fault."""
    said, shows = _IN_SESSIONS[kind]
    names = run.turns[shows(run.turns, setting).astype(bool)]["session_id"]
    wanted = rows["session_id"].value_counts()
    matched = np.minimum(wanted, names.value_counts().reindex(wanted.index).fillna(0)).sum()
    return said, min(len(rows), int(matched) + int(names.isna().sum()))


def _in_an_interruption(kind: str, setting: str, rows: pd.DataFrame, run: Run) -> tuple[str, int]:
    """Answers that were struck, and spoken into by a stimulus that shows it."""
    said, shows = _IN_INTERRUPTIONS[kind]
    if run.stimuli.empty:
        return said, 0
    spoken_into = run.stimuli[run.stimuli["response_id"].isin(set(rows["response_id"]))]
    return said, int(spoken_into[shows(spoken_into, setting).astype(bool)]["response_id"].nunique())


def _at_the_door(kind: str, setting: str, rows: pd.DataFrame, run: Run) -> tuple[str, int]:
    return _AT_THE_DOOR[kind](setting, run)


Shows = Callable[[pd.DataFrame, str], "pd.Series[bool]"]
"""Which turns, or stimuli, show a fault with this setting."""


def _ms(setting: str) -> float:
    return float(setting.removesuffix(" ms"))


def _stalled(turns: pd.DataFrame, setting: str) -> pd.Series[bool]:
    long_ago = turns["error_class"].eq("answer_stalled") | turns["chunk_gap_max_ms"].gt(STALL_MS)
    return long_ago | turns["outcome"].eq("dropped")


def _with_a_hole(kind: str, setting: str, rows: pd.DataFrame, run: Run) -> tuple[str, int]:
    """Packets in a row that were lost: missing by their numbers in the session, or heard as a hole in the answer.

    The hole alone is no measure: it is as much shorter as the packet before it came late.
    """
    turns = run.turns[run.turns["chunk_gap_max_ms"].gt(float(setting) * PACKET_MS)]
    is_heard = rows["response_id"].isin(set(turns["response_id"]))
    missing = run.sessions.groupby("session_id")["packets_lost"].sum()
    lost = run.faults[run.faults["kind"].eq("lost_packets")]
    wanted = lost["setting"].astype(float).groupby(lost["session_id"]).sum()
    is_missing = missing.reindex(wanted.index).fillna(0).ge(wanted)
    is_counted = rows["session_id"].isin(set(is_missing[is_missing].index))
    return "packets_lost, or chunk_gap_ms", int((is_heard | is_counted).sum())


STALL_MS = 200
"""A pause between two pieces of an answer that is longer than any that is sent on purpose."""

_IN_ANSWERS: dict[str, tuple[str, Shows]] = {
    "response_failed": ("error_class {setting}", lambda turns, setting: turns["error_class"].eq(setting)),
    "no_slot": ("error_class {setting}", lambda turns, setting: turns["error_class"].eq(setting)),
    "response_incomplete": (
        "response_reason {setting}",
        lambda turns, setting: turns["response_reason"].eq(setting),
    ),
    "stall": ("answer_stalled, or chunk_gap_ms", _stalled),
    "cut_in": ("cut_in", lambda turns, setting: turns["cut_in"].eq(1)),
    "late_answer": (
        "first_audio_ms, or no_answer",
        lambda turns, setting: turns["first_audio_ms"].ge(_ms(setting)) | turns["outcome"].eq("no_answer"),
    ),
}
"""Faults of one answer, by what its turn shows."""

_IN_SESSIONS: dict[str, tuple[str, Shows]] = {
    "no_answer": ("no_answer", lambda turns, setting: turns["outcome"].eq("no_answer")),
    "premature_cutoff": ("false_cutoff_rate", lambda turns, setting: turns["false_cutoffs"].gt(0)),
}
"""Faults of a turn before it has an answer, by what one of the session's turns shows."""

_IN_INTERRUPTIONS: dict[str, tuple[str, Shows]] = {
    "late_cancel": (
        "barge_in_server_stop_ms",
        lambda stimuli, setting: stimuli["barge_in_server_stop_ms"].ge(_ms(setting)),
    ),
    "stale_audio": ("stale_audio_ms", lambda stimuli, setting: stimuli["stale_audio_ms"].gt(0)),
    "detection_delay": (
        "barge_in_detect_ms",
        lambda stimuli, setting: stimuli["barge_in_detect_ms"].ge(_ms(setting)),
    ),
    "missed_interruption": ("not yielded", lambda stimuli, setting: stimuli["yielded"].ne(1)),
    "truncation_rejected": (
        "truncation_rejected",
        lambda stimuli, setting: stimuli["truncation_rejected"].eq(1),
    ),
}
"""Faults of an answer that is spoken into, by what a stimulus that falls into it shows."""


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
    "expiry": "session_expired",
}
"""By kind of fault the class of the error that it is met as; empty for the fault's own setting."""


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
    limit_ms = _ms(setting)
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
    limit_ms = _ms(setting)
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
    "capacity": _refusals,
    "refuse": lambda _, run: ("connection_lost", _mishaps(run, "connection_lost", "handshake")),
    "slow_upgrade": _slow,
    "late_session": _late,
    "no_session": lambda _, run: ("setup_timeout", _mishaps(run, "setup_timeout", "setup")),
}
"""Faults before a session has a name that the caller knows: they are matched by number."""

_REFUSING = ("capacity", "refusal")
_BEHAVIOUR = {*_IN_INTERRUPTIONS, "premature_cutoff", "cut_in", "late_answer"}

_LOOKS: dict[str, Callable[[str, str, pd.DataFrame, Run], tuple[str, int]]] = {
    **dict.fromkeys(("close", "reset", "restart", "vanish", "close_channel"), _ended),
    "oversized": _too_big,
    "lost_packets": _with_a_hole,
    **dict.fromkeys(_IN_MISHAPS, _met),
    **dict.fromkeys(_IN_ANSWERS, _in_an_answer),
    **dict.fromkeys(_IN_SESSIONS, _in_a_session),
    **dict.fromkeys(_IN_INTERRUPTIONS, _in_an_interruption),
    **dict.fromkeys(_AT_THE_DOOR, _at_the_door),
}
"""Where each kind of fault is looked for."""


def _total(rows: pd.DataFrame, column: str) -> int:
    return int(rows[column].fillna(0).sum()) if column in rows else 0
