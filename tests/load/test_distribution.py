import math

from rtbench.load.distribution import Distribution


def test_a_value_is_in_the_bucket_whose_end_it_does_not_exceed() -> None:
    waits = Distribution([0.0, 0.5, 1.0])
    for value in (-0.2, 0.0, 0.2, 0.5, 0.50001, 1.0, 7.0):
        waits.add(value)
    assert waits.counts == [2, 2, 2, 1]
    assert waits.cumulative() == [2, 4, 6, 7]
    assert waits.count == 7


def test_one_that_never_came_is_in_the_last_bucket_and_in_no_sum() -> None:
    waits = Distribution([1.0])
    waits.add(math.inf)
    assert (waits.cumulative(), waits.total) == ([0, 1], 0.0)
    assert (waits.least, waits.greatest) == (None, None)


def test_the_sum_never_falls() -> None:
    waits = Distribution([1.0])
    waits.add(0.75)
    waits.add(-0.5)
    assert waits.total == 0.75
    assert (waits.least, waits.greatest) == (-0.5, 0.75)


def test_values_can_come_by_the_dozen() -> None:
    frames = Distribution([0.001, 0.005])
    frames.add(0.002, 12)
    frames.add(0.001, 3)
    assert frames.counts == [3, 12, 0]
    assert math.isclose(frames.total, 0.027)
