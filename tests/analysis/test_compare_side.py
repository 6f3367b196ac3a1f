"""One side of a comparison and its figures."""

import numpy as np
import pytest

from rtbench.analysis.compare_gate import parse_gate
from rtbench.analysis.compare_side import Figure, Side

MEDIAN = parse_gate("voice_to_voice_ms:p50")


@pytest.fixture
def rows(make_turns, make_rows):
    """Rows of a run in which session k waits k times a hundred ms, twice."""

    def make(first: int, last: int):
        waits = [(f"s{k}", 100.0 * k) for k in range(first, last + 1) for _ in range(2)]
        return make_rows(make_turns(*[{"session": name, "voice_to_voice_ms": wait} for name, wait in waits]))

    return make


def figure(*runs) -> Figure:
    return Side(runs, 1).figure(MEDIAN, 300)


def test_sessions_of_the_same_name_in_two_runs_are_two(rows) -> None:
    both = figure(rows(1, 3), rows(1, 3))
    assert (both.run_count, both.session_count, both.n, both.units) == (2, 6, 12, 2)
    assert figure(rows(1, 3)).units == 3


def test_a_figure_is_that_of_all_turns_of_all_runs(rows) -> None:
    assert figure(rows(1, 5), rows(11, 15)).estimate() == 500.0
    assert figure(rows(1, 5)).estimate(0.9) == 500.0


def test_a_resample_may_be_of_one_run_alone(rows) -> None:
    draws = figure(rows(1, 1), rows(9, 9)).draws()
    assert set(draws) == {100.0, 900.0}
    assert np.mean(draws == 900.0) == pytest.approx(0.25, abs=0.1)  # both draws of the later run


def test_a_run_without_the_metric_is_left_out(rows, make_rows) -> None:
    assert figure(rows(1, 3), make_rows()).run_count == 1
    assert figure(make_rows()).n == 0


def test_each_run_has_its_own_figure_and_variance(rows) -> None:
    values, variances = figure(rows(4, 4), rows(1, 9)).single_runs(as_ratio=False)
    assert list(values) == [400.0, 500.0]
    assert variances[0] == 0.0
    assert variances[1] > 0.0
    logs, _ = figure(rows(4, 4)).single_runs(as_ratio=True)
    assert logs[0] == pytest.approx(np.log(400))


def test_the_same_side_is_drawn_the_same(rows) -> None:
    one, other = (Side([rows(1, 9)], seed).figure(MEDIAN, 300).draws() for seed in (1, 2))
    assert (one == Side([rows(1, 9)], 1).figure(MEDIAN, 300).draws()).all()
    assert (one != other).any()
