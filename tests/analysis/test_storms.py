"""Storms among outages made by hand, and the rate of the tries that follow."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from rtbench.analysis.storms import begun_tries_ns, find_storms, most_tries_in_a_second

S = 1_000_000_000


def calls(count: int) -> pd.DataFrame:
    return pd.DataFrame({"session": [f"s{n}" for n in range(count)], "planned_ns": 0, "ended_ns": 60 * S})


def outages(*rows: tuple[int, float, float | None, str]) -> pd.DataFrame:
    """Caller, seconds of the drop and of the session's standing again, outcome."""
    return pd.DataFrame(
        {
            "session": [f"s{caller}" for caller, *_ in rows],
            "kind": "drop",
            "dropped_ns": [round(at * S) for _, at, *_ in rows],
            "restored_ns": [None if back is None else round(back * S) for _, _, back, _ in rows],
            "outcome": [outcome for *_, outcome in rows],
        }
    )


def test_steady_state_is_when_the_last_of_those_stands_again_who_come_back() -> None:
    rows = [(n, 10 + n / 100, 11.0 + n, "recovered") for n in range(6)]
    rows += [(6, 10.1, None, "gave_up"), (7, 10.1, None, "ended"), (8, 10.2, 14.5, "fell_back")]

    (storm,) = find_storms(outages(*rows), calls(20))
    assert (storm.at_s, storm.outages, storm.came_back) == (10.0, 9, 7)
    assert (storm.never_recovered, storm.cut_off) == (1, 1)
    assert storm.steady_state_ms == 6_000.0


def test_storms_that_follow_each_other_are_several() -> None:
    rows = [(n, at + n / 1000, at + 2.0, "recovered") for at in (10.0, 25.0) for n in range(5)]

    assert [(storm.at_s, storm.outages) for storm in find_storms(outages(*rows), calls(5))] == [
        (10.0, 5),
        (25.0, 5),
    ]


@pytest.mark.parametrize(
    ("callers", "apart_s", "in_calls"),
    [(4, 0.0, 4), (9, 0.0, 100), (10, 0.5, 10)],
    ids=["too few", "a small share", "one after the other"],
)
def test_what_befalls_few_at_a_time_is_no_storm(callers: int, apart_s: float, in_calls: int) -> None:
    rows = [(n, 10 + apart_s * n, 20.0, "recovered") for n in range(callers)]

    assert find_storms(outages(*rows), calls(in_calls)) == []


def test_a_storm_of_which_nobody_came_back_never_becomes_steady() -> None:
    (storm,) = find_storms(outages(*[(n, 10.0, None, "gave_up") for n in range(5)]), calls(5))
    assert (storm.came_back, storm.never_recovered, storm.steady_state_ms) == (0, 5, None)


def test_tries_are_counted_over_any_one_second_and_those_of_a_rotation_are_none() -> None:
    def tries(*at_s: float) -> str:
        return json.dumps([{"begun_ns": round(at * S)} for at in at_s] + [{"begun_ns": None}])

    incidents = pd.DataFrame(
        {
            "kind": ["drop", "refusal", "rotation"],
            "attempts": [tries(3.6, 1.0, 2.9), tries(3.5, 5.0), tries(3.5, 3.5)],
        }
    )
    begun = begun_tries_ns(incidents)

    assert (begun / S).tolist() == [1.0, 2.9, 3.5, 3.6, 5.0]
    assert most_tries_in_a_second(begun) == 3
    assert most_tries_in_a_second(np.array([0, S])) == 1, "a second does not hold both of its ends"
    assert most_tries_in_a_second(begun_tries_ns(pd.DataFrame())) == 0
