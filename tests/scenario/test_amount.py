import argparse

import pytest

from rtbench.scenario.amount import positive_amount


@pytest.mark.parametrize(("written", "amount"), [("2", 2.0), ("0.5", 0.5), ("1e3", 1000.0)])
def test_a_number_above_zero_is_an_amount(written, amount) -> None:
    assert positive_amount(written) == amount


@pytest.mark.parametrize("written", ["0", "-1", "inf", "nan", "many", ""])
def test_anything_else_is_refused_by_what_was_written(written) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match=f"not '{written}'"):
        positive_amount(written)
