"""A run as a whole: what it ran against, and the totals that a threshold may limit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import pandas as pd

from rtbench.analysis.errors import count_errors
from rtbench.analysis.health import generator_health
from rtbench.results.reader import Run
from rtbench.results.reconciliation import Reconciliation


@dataclass(frozen=True, slots=True)
class RunTotals:
    """What is known of a run besides its rows of turns, sessions and stimuli."""

    target: str
    transport: str
    scenarios: tuple[str, ...]
    generator: pd.DataFrame
    counts: dict[str, int]
    """Totals by the names of `scenario.threshold_metric.RUN_COUNTS`."""

    @classmethod
    def of(cls, run: Run) -> Self:
        """Of a run as read."""
        provenance = run.provenance
        errors = count_errors(run.turns, run.sessions)
        return cls(
            target=str(provenance.get("target", "")),
            transport=str(provenance.get("transport", "")),
            scenarios=tuple(scenario["name"] for scenario in provenance.get("scenarios", [])),
            generator=run.generator,
            counts={
                "turns": len(run.turns),
                "sessions": len(run.sessions),
                "errors": sum(errors.reported.values()),
                "void_turns": int(run.turns["void"].sum()),
                "rows_lost": _rows_lost(run),
            },
        )

    def is_of(self, name: str, value: str) -> bool:
        """Whether a filter of runs (`scenario`, `transport`, `target`) means this one."""
        if name == "scenario":
            return value in self.scenarios
        return value == (self.target if name == "target" else self.transport)


def _rows_lost(run: Run) -> int:
    counted = run.provenance.get("reconciliation")
    if not counted:
        return 0
    reconciliation = Reconciliation.from_dict(counted)
    return rows_lost(
        reconciliation, generator_health(run.generator).rows_handed_over, len(run.turns) + len(run.sessions)
    )


def rows_lost(reconciliation: Reconciliation, rows_handed_over: int, rows_read: int) -> int:
    """Turn and session rows that the engines handed over and that are not in the tables; at least 0."""
    handed_over = max(reconciliation.rows_sent, rows_handed_over)
    return max(0, handed_over - min(rows_read, reconciliation.rows_received))
