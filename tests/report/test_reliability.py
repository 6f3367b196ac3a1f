import dataclasses

from rtbench.analysis.reliability import Reliability, summarise_reliability
from rtbench.report.reliability import NOUNS, reliability_counts
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
