import pandas as pd
import pytest

from rtbench.analysis.heard_quality import summarise_heard


def scores(*values: float, sessions: int) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "session": [f"s{number % sessions}" for number in range(len(values))],
            "turn": range(len(values)),
            "heard_ms": 2_000.0,
            "plc_mos": values,
        }
    )


def test_scores_are_summed_up_with_what_they_are_of() -> None:
    found = summarise_heard(scores(2.0, 4.0, 3.0, 4.5, 4.0, sessions=5))
    assert found is not None
    assert (found.answers, found.sessions, found.heard_s, found.lowest) == (5, 5, 10.0, 2.0)
    assert (found.median.n, found.median.value) == (5, 4.0)
    assert found.mean == pytest.approx(3.5)
    assert found.median.low is None


def test_from_ten_sessions_on_the_median_has_an_interval() -> None:
    found = summarise_heard(scores(*(2 + 0.1 * number for number in range(20)), sessions=20))
    assert found is not None
    low, high = found.median.low, found.median.high
    assert low is not None and high is not None
    assert 2.0 < low < 2.9 == found.median.value < high < 3.9


def test_fewer_than_five_answers_have_no_median() -> None:
    found = summarise_heard(scores(2.0, 4.0, sessions=2))
    assert found is not None
    assert (found.median.value, found.median.needed) == (None, 5)


def test_where_nothing_was_scored_there_is_nothing_to_sum_up() -> None:
    assert summarise_heard(scores(sessions=1)) is None
