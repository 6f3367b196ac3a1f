"""What is told of a run's outages in words, and of its storms in a table: the same in the page and in Markdown."""

from __future__ import annotations

from rtbench.analysis.reliability import Reliability
from rtbench.report import notation

NOUNS = {
    "attempts": ("attempt to connect in outages", "attempts to connect in outages"),
    "attempts_per_second_peak": ("of them in the busiest second", "of them in the busiest second"),
    "lost_connection": ("session with an outage", "sessions with an outage"),
    "never_recovered": ("session that never recovered", "sessions that never recovered"),
    "reconnects": ("session that came back", "sessions that came back"),
    "rotations": ("session replaced before its limit", "sessions replaced before their limit"),
    "turns_lost": ("turn lost", "turns lost"),
    "fell_back": ("session carried on in writing", "sessions carried on in writing"),
    "rate_limited": ("time that a limit was obeyed", "times that a limit was obeyed"),
}
"""What each of `Reliability.counts` is a number of: of one, and of more."""


def reliability_counts(found: Reliability) -> list[str]:
    """Each count that is not 0, with what it is of."""
    told = []
    for name, count in found.counts.items():
        if count:
            share = (
                f" ({notation.percent(found.never_recovered_share)} of them)"
                if name == "never_recovered"
                else ""
            )
            told.append(notation.counted(count, *NOUNS[name]) + share)
    return told


STORM_HEAD = (
    "storm, s since the first call",
    "outages",
    "came back",
    "never recovered",
    "cut off by the end",
    "time to steady state, ms",
)
STORM_NOTE = (
    "A storm: several callers, and a tenth of all at the least, lose their connections within a second. Steady state: from its "
    "first drop to the instant from which on all of its callers who ever came back stand again, with what was to be restored. "
    "Attempts per second are counted by the callers."
)


def storm_rows(found: Reliability) -> list[list[str]]:
    """A row for each storm, under STORM_HEAD."""
    return [
        [
            f"{storm.at_s:,.1f}",
            f"{storm.outages:,}",
            f"{storm.came_back:,}",
            f"{storm.never_recovered:,}",
            f"{storm.cut_off:,}",
            notation.number(storm.steady_state_ms),
        ]
        for storm in found.storms
    ]
