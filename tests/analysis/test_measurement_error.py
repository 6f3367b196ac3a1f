import pandas as pd
import pytest

from rtbench.analysis.measurement_error import measurement_error


def test_the_error_is_told_signed_in_its_middle_and_by_size_at_its_end() -> None:
    found = measurement_error(pd.Series([-4.0, 3.0, *[1.0] * 98]))
    assert found is not None
    assert found.mean_ms == pytest.approx(0.97)
    assert (found.n, found.p50_ms, found.p99_abs_ms, found.max_abs_ms) == (100, 1.0, 3.0, 4.0)


def test_rows_without_a_truth_are_left_out() -> None:
    found = measurement_error(pd.Series([1.0, float("nan")]))
    assert found is not None and found.n == 1


def test_without_a_truth_there_is_no_error() -> None:
    assert measurement_error(pd.Series([float("nan")])) is None
