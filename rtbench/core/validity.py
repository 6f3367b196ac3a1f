"""What casts doubt on a run's numbers: the limits, and what is said where one is passed.

The report judges whole runs by them (`analysis.verdict`), the live view what there is of one so far.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

VOID_LATENESS_MS = 20.0
"""A turn with a frame later than this was not the turn that was planned."""

LATENESS_INVALID_MS, LATENESS_SUSPECT_MS = VOID_LATENESS_MS, 5.0
VOID_INVALID, VOID_SUSPECT = 0.05, 0.01
CPU_SUSPECT = 0.85
EMULATOR_LAG_SUSPECT_MS = 20.0
"""A frame of the caller's audio: an answer's delta that is so late is still played on time behind any buffer."""


SIMULATION_LATE_SUSPECT_MS = 5.0
"""The simulated network promises its delays within this: one that is later in the mean is not the network asked for, and
as much of every wait is the generator's own, as with frames that are sent late."""


class Level(StrEnum):
    """How far a run can be trusted, the best first."""

    VALID = "VALID"
    SUSPECT = "SUSPECT"
    INVALID = "INVALID"


@dataclass(frozen=True, slots=True)
class Doubt:
    """One thing that speaks against a run."""

    level: Level
    message: str
    """What was found, with its number and the limit; without a full stop."""


def late(p99_ms: float) -> Doubt | None:
    """Of the send lateness that 1% of frames exceeded."""
    if p99_ms <= LATENESS_SUSPECT_MS:
        return None
    invalid = p99_ms > LATENESS_INVALID_MS
    limit_ms = LATENESS_INVALID_MS if invalid else LATENESS_SUSPECT_MS
    return Doubt(
        _level(invalid), f"1% of frames left more than {p99_ms:.1f} ms late (limit {limit_ms:.0f} ms)"
    )


def void(share: float) -> Doubt | None:
    """Of the share of turns whose numbers are not the service's."""
    if share <= VOID_SUSPECT:
        return None
    invalid = share > VOID_INVALID
    limit = VOID_INVALID if invalid else VOID_SUSPECT
    return Doubt(_level(invalid), f"{share:.1%} of turns are void (limit {limit:.0%})")


def busy(cpu_share: float) -> Doubt | None:
    """Of the busiest engine's share of a core, which it stayed below in 95% of the run's seconds."""
    if cpu_share <= CPU_SUSPECT:
        return None
    return Doubt(Level.SUSPECT, f"An engine used {cpu_share:.0%} of its core (limit {CPU_SUSPECT:.0%})")


def emulator_busy(cpu_share: float) -> Doubt | None:
    """Of the share of a core that the emulator's busiest process stayed below in 95% of the run's seconds."""
    if cpu_share <= CPU_SUSPECT:
        return None
    return Doubt(Level.SUSPECT, f"The emulator used {cpu_share:.0%} of its core (limit {CPU_SUSPECT:.0%})")


def emulator_late(loop_lag_ms: float) -> Doubt | None:
    """Of what the emulator's event loop was late by at the most, in 95% of the run's seconds."""
    if loop_lag_ms <= EMULATOR_LAG_SUSPECT_MS:
        return None
    return Doubt(
        Level.SUSPECT,
        f"The emulator's event loop was up to {loop_lag_ms:.0f} ms late (limit {EMULATOR_LAG_SUSPECT_MS:.0f} ms)",
    )


def simulation_late(mean_ms: float) -> Doubt | None:
    """Of how late the simulated network was in the mean of a call, which 99% of the calls stayed at or below."""
    if mean_ms <= SIMULATION_LATE_SUSPECT_MS:
        return None
    return Doubt(
        Level.SUSPECT,
        f"The simulated network itself was {mean_ms:.1f} ms late in the mean of a call (limit {SIMULATION_LATE_SUSPECT_MS:.0f} ms)",
    )


def lost(rows: int, handed_over: int) -> Doubt | None:
    """Of turn and session rows that did not come in."""
    if rows <= 0:
        return None
    return Doubt(Level.INVALID, f"{rows:,} of {handed_over:,} rows of turns and sessions were lost")


def _level(invalid: bool) -> Level:
    return Level.INVALID if invalid else Level.SUSPECT
