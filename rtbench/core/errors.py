"""The error tree, and the exit codes with one cause each.

    RtbenchError                 one clear sentence for the user; never a traceback
    |-- UsageError               1   bad input: names file, line and key where there is one
    |-- TargetError              5
    |   |-- TargetUnreachable        no connection could be made
    |   `-- CredentialsRefused       the target answered, and refused the key
    |-- ThresholdBroken          2   a threshold that may end a run early did not hold
    |-- RunInvalid               4   the generator could not do its work: workers or rows lost
    `-- BudgetReached            6   the run was stopped at what it was allowed to spend

A threshold that fails at the end (2), a regression (3) and an inconclusive comparison (7) are verdicts, not
errors; they have no exception.
"""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """Exit codes of the command line; one cause each."""

    PASS = 0
    USAGE = 1
    THRESHOLD_FAILED = 2
    REGRESSION = 3
    INVALID = 4
    TARGET = 5
    BUDGET = 6
    INCONCLUSIVE = 7
    INTERRUPTED = 130


class RtbenchError(Exception):
    """An error to be told to the user as its own sentence, with its exit code."""

    exit_code: ExitCode = ExitCode.USAGE


class UsageError(RtbenchError):
    """Bad input: a scenario, a corpus, an option, an output folder."""


class TargetError(RtbenchError):
    """The service under test cannot be used."""

    exit_code = ExitCode.TARGET


class TargetUnreachable(TargetError):
    """No connection to the target could be made, or it went away for good."""


class CredentialsRefused(TargetError):
    """The target answered and refused the key, or the key is missing."""


class RunInvalid(RtbenchError):
    """The generator failed, so the run cannot be judged: an engine or worker died, rows were lost."""

    exit_code = ExitCode.INVALID


class ThresholdBroken(RtbenchError):
    """A threshold with `abort_on_fail` did not hold, so the run was ended early."""

    exit_code = ExitCode.THRESHOLD_FAILED


class BudgetReached(RtbenchError):
    """The run came to the limit of what it was allowed to spend."""

    exit_code = ExitCode.BUDGET
