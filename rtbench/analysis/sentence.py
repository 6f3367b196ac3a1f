"""The one plain sentence that says how a run went."""

from __future__ import annotations

from collections.abc import Sequence

from rtbench.analysis.quantiles import Quantile
from rtbench.analysis.rates import Rate
from rtbench.analysis.thresholds import ThresholdResult
from rtbench.analysis.verdict import Level


def plain_sentence(
    level: Level,
    waits: tuple[Quantile, Quantile],
    unanswered: int,
    lost_sessions: int,
    thresholds: Sequence[ThresholdResult],
    yielded: Rate | None = None,
) -> str:
    """Verdict, median and p95 of `voice_to_voice_ms`, what was never answered, and the thresholds, in words.

    `yielded`: the yield rate, where callers interrupted.
    """
    median, p95 = waits
    clauses = [_wait(median, p95)]
    if unanswered:
        verb = "was" if unanswered == 1 else "were"
        clauses.append(f"{unanswered:,} ({unanswered / median.n:.1%}) {verb} never answered")
    if yielded is not None and yielded.value is not None:
        clauses.append(f"the agent yielded to {yielded.value:.1%} of {_counted(yielded.n, 'interruption')}")
    if lost_sessions:
        clauses.append(f"{_counted(lost_sessions, 'session')} failed or dropped")
    judged = [result for result in thresholds if result.status != "not_applicable"]
    if judged:
        passed = sum(not result.fails for result in judged)
        verb = "holds" if 1 in (passed, len(judged)) else "hold"
        clauses.append(f"{passed} of {_counted(len(judged), 'threshold')} {verb}")
    told = "; ".join(clauses)
    match level:
        case Level.INVALID:
            return f"This run cannot be relied on, and what it saw is: {told}."
        case Level.SUSPECT:
            return f"With reservations, {told}."
        case Level.VALID:
            return f"{told[0].upper()}{told[1:]}."


def _wait(median: Quantile, p95: Quantile) -> str:
    if median.n == 0:
        return "no turn that asks for an answer was finished"
    if median.value is None:
        return f"only {median.n} of the {median.needed} turns that a median needs came to an end"
    if median.value == float("inf"):
        return f"fewer than half of {_counted(median.n, 'turn')} were answered"
    half = f"half of {_counted(median.n, 'turn')} were answered within {median.value:,.0f} ms of the end of speech"
    if p95.value is None:
        return f"{half} (too few turns for a 95th percentile)"
    if p95.value == float("inf"):
        return f"{half}, but fewer than 95% at all"
    return f"{half}, 95% within {p95.value:,.0f} ms"


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
