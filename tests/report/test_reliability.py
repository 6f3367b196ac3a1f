import dataclasses

from rtbench.analysis.reliability import Reliability, summarise_reliability
from rtbench.analysis.storms import Storm
from rtbench.report.reliability import NOUNS, STORM_HEAD, reliability_counts, storm_rows
from rtbench.results.reader import Run


def found(run: Run, **counts: int) -> Reliability:
    cut = run.sessions.assign(cuts=1)
    reliability = summarise_reliability(dataclasses.replace(run, sessions=cut))
    assert reliability is not None
    assert set(reliability.counts) == set(NOUNS)
    return dataclasses.replace(reliability, counts=dict.fromkeys(NOUNS, 0) | counts)


def test_one_of_a_kind_is_told_in_the_singular_and_none_not_at_all(run: Run) -> None:
    assert reliability_counts(found(run, attempts=1, reconnects=1, turns_lost=1)) == [
        "1 attempt to connect in outages",
        "1 session that came back",
        "1 turn lost",
    ]


def test_more_are_told_in_the_plural(run: Run) -> None:
    assert reliability_counts(found(run, attempts=1_200, rate_limited=2)) == [
        "1,200 attempts to connect in outages",
        "2 times that a limit was obeyed",
    ]


def test_who_never_recovered_is_told_with_the_share_of_those_who_were_out(run: Run) -> None:
    assert reliability_counts(
        found(run, attempts=400, attempts_per_second_peak=90, lost_connection=200, never_recovered=3)
    ) == [
        "400 attempts to connect in outages",
        "90 of them in the busiest second",
        "200 sessions with an outage",
        "3 sessions that never recovered (1.5% of them)",
    ]


def test_a_storm_is_a_row_with_its_time_to_steady_state(run: Run) -> None:
    storms = [Storm(10.04, 200, 197, 2, 1, 3_456.7), Storm(25.0, 5, 0, 5, 0, None)]
    rows = storm_rows(dataclasses.replace(found(run), storms=storms))

    assert rows == [["10.0", "200", "197", "2", "1", "3,457"], ["25.0", "5", "0", "5", "0", "–"]]
    assert all(len(row) == len(STORM_HEAD) for row in rows)
