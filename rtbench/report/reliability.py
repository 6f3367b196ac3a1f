"""What is told of a run's outages in words, the same in the page and in Markdown."""

from __future__ import annotations

from rtbench.analysis.reliability import Reliability
from rtbench.report import notation

NOUNS = {
    "attempts": ("attempt to connect in outages", "attempts to connect in outages"),
    "reconnects": ("session that came back", "sessions that came back"),
    "rotations": ("session replaced before its limit", "sessions replaced before their limit"),
    "turns_lost": ("turn lost", "turns lost"),
    "fell_back": ("session carried on in writing", "sessions carried on in writing"),
    "rate_limited": ("time that a limit was obeyed", "times that a limit was obeyed"),
}
"""What each of `Reliability.counts` is a number of: of one, and of more."""


def reliability_counts(found: Reliability) -> list[str]:
    """Each count that is not 0, with what it is of."""
    return [notation.counted(count, *NOUNS[name]) for name, count in found.counts.items() if count]
