"""What a run comes to, for a person and for a pipeline: one exit code.

In this order, the first that holds:

    4   the run is INVALID: numbers that cannot be trusted fail nothing, and pass nothing
    2   a threshold failed, or had too few samples
    3   a figure regressed against the baseline
    7   the comparison is inconclusive, where `--strict` makes that matter
    0   none of them
"""

from __future__ import annotations

from rtbench.analysis.compare import Comparison
from rtbench.analysis.summary import Summary
from rtbench.core.errors import ExitCode


def decide(summary: Summary, comparison: Comparison | None, *, strict: bool) -> ExitCode:
    """The exit code of a run and, where there is one, of its comparison with a baseline."""
    if summary.exit_code != ExitCode.PASS or comparison is None:
        return summary.exit_code
    return comparison.exit_code(strict=strict)
