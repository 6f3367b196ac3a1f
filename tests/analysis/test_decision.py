"""One exit code out of a verdict, thresholds and a comparison: the order of precedence."""

import dataclasses
from types import SimpleNamespace

import pytest

from rtbench.analysis.decision import decide
from rtbench.analysis.verdict import Level, Verdict
from rtbench.core.errors import ExitCode


@pytest.mark.parametrize(
    ("level", "limit", "compared", "code"),
    [
        (Level.VALID, 800, None, 0),
        (Level.SUSPECT, 800, 0, 0),
        (Level.VALID, 800, 3, 3),
        (Level.VALID, 800, 7, 7),
        (Level.VALID, 1, 3, 2),
        (Level.INVALID, 800, 3, 4),
        (Level.INVALID, 1, 3, 4),
    ],
)
def test_the_first_cause_decides(
    summarised, level: Level, limit: float, compared: int | None, code: int
) -> None:
    summary = dataclasses.replace(summarised(limit=limit), verdict=Verdict(level, ()))
    comparison = None if compared is None else SimpleNamespace(exit_code=lambda strict: ExitCode(compared))
    assert decide(summary, comparison, strict=True) == code
