"""Reliability of a run made by hand: outages, errors, and what was injected beside what was seen."""

from __future__ import annotations

import pytest

from rtbench.analysis.reliability import Reliability, summarise_reliability


@pytest.fixture
def summarised(broken_run):
    def make(**rows) -> Reliability | None:
        return summarise_reliability(broken_run(**rows))

    return make


def test_a_run_in_which_nothing_broke_has_no_such_section(summarised) -> None:
    assert summarised(sessions=[{}]) is None


def test_outages_are_counted_by_outcome_and_rotations_apart(summarised, outage) -> None:
    found = summarised(
        incidents=[
            outage("s1", "a", "closed_1011", reconnect_ms=1_100.0, recovery_ms=4_000.0),
            outage("s2", "b", "connection_lost", outcome="gave_up", recovered=0.0),
            outage("s3", "c", "", kind="rotation", recovered=None),
        ]
    )

    assert found.incidents == {"recovered": 1, "gave_up": 1, "rotation": 1}
    assert found.recovered.n == 2
    assert (found.counts["lost_connection"], found.counts["never_recovered"]) == (2, 1)


def test_who_never_came_back_waits_for_ever_in_the_percentiles_too(summarised, outage) -> None:
    back = [outage(f"s{n}", "a", "closed_1011", reconnect_ms=100.0 + n) for n in range(50)]
    gone = [outage(f"g{n}", "b", "closed_1011", outcome="gave_up", recovered=0.0) for n in range(9)]
    cut_off = outage("e", "c", "closed_1011", outcome="ended", recovered=None)
    found = summarised(incidents=[*back, *gone, cut_off])

    (reconnect,) = [metric for metric in found.metrics if metric.name == "reconnect_ms"]
    assert (reconnect.n, reconnect.unanswered, reconnect.known_up_to) == (59, 9, 149.0)
    assert (reconnect.p50.value, reconnect.p95.value) == (129.0, float("inf"))
    (detect,) = [metric for metric in found.metrics if metric.name == "outage_detect_ms"]
    assert (detect.n, detect.unanswered) == (0, 0), "how long it took to be noticed is no wait for an end"


def test_errors_are_counted_by_class_and_phase(summarised) -> None:
    found = summarised(
        mishaps=[
            {"session": "s", "error_class": "server_error", "phase": "waiting"},
            {"session": "s", "error_class": "server_error", "phase": "waiting"},
            {"session": "s", "error_class": "upgrade_503", "phase": "handshake"},
        ]
    )

    assert found.errors.to_dict("records") == [
        {"error_class": "server_error", "phase": "waiting", "count": 2},
        {"error_class": "upgrade_503", "phase": "handshake", "count": 1},
    ]


def test_attempts_to_connect_are_those_of_the_incidents_table(summarised, outage) -> None:
    found = summarised(
        sessions=[{"redials": 1}],
        incidents=[outage("s1", "", "upgrade_429", kind="refusal", incident_attempts=2.0)],
    )
    assert found.counts["attempts"] == 2


def test_a_storm_has_its_figures_and_the_books_are_told_where_they_do_not_balance(summarised, outage) -> None:
    begun = '[{"due_ns": 1, "begun_ns": 1500000000, "over_ns": 1600000000}]'
    found = summarised(
        sessions=[
            {"session": f"s{n}", "planned_ns": 0, "ended_ns": 9_000_000_000, "cuts": 1, "turns_lost": 1}
            for n in range(5)
        ],
        incidents=[
            outage(
                f"s{n}", "a", "connection_lost", injected="reset", dropped_ns=1_000_000_000, attempts=begun,
                restored_ns=1_700_000_000 + n, lost_turns=int(n > 0),
            )
            for n in range(5)
        ],
    )  # fmt: skip

    (storm,) = found.storms
    assert (storm.outages, storm.came_back, storm.steady_state_ms) == (5, 5, 700.000004)
    assert found.counts["attempts_per_second_peak"] == 5
    assert found.imbalances == [
        "1 sessions have lost other turns (5) than their incidents have cost (4)",
    ]


def test_how_the_service_took_its_turns_is_told_and_need_not_show_each_time(summarised) -> None:
    late = {"kind": "late_cancel", "session_id": "a", "response_id": "r", "setting": "300 ms", "at_ns": 1}
    found = summarised(sessions=[{}], faults=[late])
    assert [(each.kind, each.injected, each.found, each.is_behaviour) for each in found.injected] == [
        ("late_cancel", 1, 0, True)
    ]
    assert found.all_found

    found = summarised(sessions=[{}], faults=[{**late, "kind": "no_answer"}])
    assert [each.is_behaviour for each in found.injected] == [False]
    assert not found.all_found
