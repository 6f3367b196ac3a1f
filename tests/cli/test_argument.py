import argparse

import pytest

from rtbench.cli.argument import positive_int, positive_seconds, seconds
from rtbench.core.errors import UsageError


def test_a_whole_number_above_zero() -> None:
    assert positive_int("12") == 12


@pytest.mark.parametrize("written", ["0", "-1", "1.5", "many", ""])
def test_what_is_no_whole_number_is_refused_by_what_was_written(written) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match=f"not '{written}'"):
        positive_int(written)


def test_a_length_of_time_is_told_by_its_option() -> None:
    assert seconds("--hold", "1.5 min") == 90.0
    assert (positive_seconds("--duration", None), positive_seconds("--duration", "2 s")) == (None, 2.0)
    with pytest.raises(UsageError, match=r"^--hold: a duration needs its unit"):
        seconds("--hold", "3")
    with pytest.raises(UsageError, match=r"^--duration: must be longer than 0$"):
        positive_seconds("--duration", "0 s")
