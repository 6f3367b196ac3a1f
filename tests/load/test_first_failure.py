"""Which of several failures is told."""

from __future__ import annotations

from rtbench.core.errors import RtbenchError, RunInvalid, TargetUnreachable
from rtbench.load.first_failure import FirstFailure


def test_the_first_failure_of_a_run_is_the_one_that_is_told() -> None:
    told: list[RtbenchError] = []
    failure = FirstFailure(told.append)
    first, second = TargetUnreachable("nobody there"), RunInvalid("rows were lost")
    failure.tell(first)
    failure.tell(second)
    assert (failure.error, told) == (first, [first])


def test_the_next_run_has_its_own() -> None:
    told: list[RtbenchError] = []
    failure = FirstFailure(told.append)
    first, second = RunInvalid("one"), RunInvalid("two")
    failure.tell(first)
    failure.forget()
    assert failure.error is None
    failure.tell(second)
    assert told == [first, second]
