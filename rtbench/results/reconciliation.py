"""The reconciliation of a run: what was planned against what came back, as the controller counted it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """Written into `run.json` when a run ends; a run that was killed has none."""

    workers_planned: int = 1
    workers_finished: int = 1
    """Workers that reported all their work done."""

    engines_died: int = 0
    engines_silent: int = 0
    """Of those that died: killed by their workers, as they gave no sign of life."""

    rows_sent: int = 0
    """Turn and session rows that the engines handed over."""

    rows_received: int = 0
    """Those that reached the run's tables."""

    sessions_planned: int | None = None
    """None where the run was bounded by time, so that no number was planned; in an open load, the arrivals."""

    sessions_started: int = 0
    sessions_finished: int = 0
    sessions_not_started: int = 0
    """Arrivals of an open load that were due while as many callers as it may have were in calls."""

    emulator_cpu_share: float | None = None
    """Of one core, by the busiest process of the embedded emulator: what it stayed below in 95% of the run's seconds."""

    emulator_loop_lag_ms: float | None = None
    """What its event loop was late by at the most, in 95% of the run's seconds."""

    interrupted: bool = False
    """The run was stopped by hand."""

    def as_dict(self) -> dict[str, Any]:
        """For `run.json`."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Reconciliation:
        """From `run.json`; keys of a later version are left out."""
        known = {field.name for field in fields(cls)}
        return cls(**{key: value for key, value in values.items() if key in known})
