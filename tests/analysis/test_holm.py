"""Holm's adjustment against values by hand."""

import pytest

from rtbench.analysis.holm import holm


def test_the_smallest_is_held_against_all_and_the_others_never_fall_below_it() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.02, 0.0201]) == pytest.approx([0.04, 0.04])


def test_one_test_is_left_as_it_is_and_none_is_above_1() -> None:
    assert holm([0.2]) == [0.2]
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert holm([]) == []
