import pytest

from rtbench.core import errors
from rtbench.core.errors import (
    BudgetReached,
    CredentialsRefused,
    ExitCode,
    RtbenchError,
    RunInvalid,
    TargetError,
    TargetUnreachable,
    ThresholdBroken,
    UsageError,
)

TREE = [
    (UsageError, RtbenchError, 1),
    (TargetError, RtbenchError, 5),
    (TargetUnreachable, TargetError, 5),
    (CredentialsRefused, TargetError, 5),
    (ThresholdBroken, RtbenchError, 2),
    (RunInvalid, RtbenchError, 4),
    (BudgetReached, RtbenchError, 6),
]


@pytest.mark.parametrize(("error", "parent", "exit_code"), TREE)
def test_every_error_has_its_place_in_the_tree_and_one_exit_code(error, parent, exit_code) -> None:
    assert error.__bases__ == (parent,)
    assert error.exit_code == exit_code


def test_the_tree_is_whole_and_printed_in_the_module() -> None:
    known = {error for error, _, _ in TREE} | {RtbenchError}
    there = {
        value for value in vars(errors).values() if isinstance(value, type) and issubclass(value, Exception)
    }

    assert there == known
    assert errors.__doc__ is not None
    assert all(error.__name__ in errors.__doc__ for error in known)


def test_exit_codes_are_those_of_the_command_line() -> None:
    assert {code.name: code.value for code in ExitCode} == {
        "PASS": 0,
        "USAGE": 1,
        "THRESHOLD_FAILED": 2,
        "REGRESSION": 3,
        "INVALID": 4,
        "TARGET": 5,
        "BUDGET": 6,
        "INCONCLUSIVE": 7,
        "INTERRUPTED": 130,
    }


def test_an_error_is_told_in_its_own_sentence() -> None:
    assert str(UsageError("a.yaml:3: no key 'sya'")) == "a.yaml:3: no key 'sya'"
