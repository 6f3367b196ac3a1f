"""Every rate that has a name of its own: what it is a share of, and which way it is to go.

A rate is the share of ones among outcomes, 1 or 0, of the rows to which it applies. This is the one place
that knows a rate: thresholds, the live view, exporters, the report, comparisons and histories take from it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from rtbench.core.answers import was_answered
from rtbench.core.metrics.metric import Better

Row = Mapping[str, Any]
Table = Literal["turns", "sessions", "stimuli", "incidents", "events"]
"""Where outcomes are found: rows of these tables; events: turns and stimuli together, by no single row."""

Outcomes = Callable[[Row], Iterator[float]]
"""The outcomes in one row, of which some rates find several: none where the rate does not apply."""


@dataclass(frozen=True, slots=True)
class RateMetric:
    """A rate, 0 to 1: of a column of its table, or of outcomes that only a function can tell."""

    name: str
    """As a threshold and in the report."""

    table: Table
    better: Better
    definition: str
    met: str
    """When an outcome is 1, as a clause."""

    column: str = ""
    """The metric, 0 or 1, that it is the mean of; empty where `tell` finds the outcomes."""

    tell: Outcomes | None = None
    """Of rows of a table; neither this nor a column where the rate is of events."""

    of_void: bool = False
    """Whether void rows count, which are left out of every other rate."""

    def outcomes(self, row: Row) -> Iterator[float]:
        """The outcomes in a row of `table`. Raises TypeError for a rate of events."""
        if self.table == "events":
            raise TypeError(f"{self.name} is told by no single row")
        if row.get("void", False) and not self.of_void:
            return
        if self.tell is not None:
            yield from self.tell(row)
        elif (value := row[self.column]) is not None:
            yield float(value)


def _answered(turn: Row) -> Iterator[float]:
    answered = was_answered(turn)
    if answered is not None:
        yield answered


def _false_cutoffs(turn: Row) -> Iterator[float]:
    """One for each labelled hold pause."""
    holds = turn["hold_pauses"] or 0
    taken = min(turn["false_cutoffs"] or 0, holds)
    yield from [1.0] * taken + [0.0] * (holds - taken)


def _void(turn: Row) -> Iterator[float]:
    yield float(turn["void"])


RATES: tuple[RateMetric, ...] = (
    RateMetric(
        "response_rate",
        "turns",
        "more",
        "Answered turns over turns that ask for an answer.",
        "a turn that asked for an answer got one",
        tell=_answered,
    ),
    RateMetric(
        "continuity_ok_rate",
        "turns",
        "more",
        "Answers whose worst underrun is at most 100 ms, over answers with audio.",
        "an answer's worst underrun was at most 100 ms",
        "continuity_ok",
    ),
    RateMetric(
        "cut_in_rate",
        "turns",
        "less",
        "Turns in which the agent became audible while the caller was still speaking, over all turns.",
        "the agent was audible in the caller's utterance",
        "cut_in",
    ),
    RateMetric(
        "context_retained_rate",
        "turns",
        "more",
        "Questions for a fact told before, asked on a later connection, that were answered with it, over all of them.",
        "a fact told before was in the answer to a question for it on a later connection",
        "context_retained",
    ),
    RateMetric(
        "false_cutoff_rate",
        "turns",
        "less",
        "Labelled pauses inside utterances that the service took for the end of the turn, over all of them.",
        "a pause inside an utterance was taken for its end",
        tell=_false_cutoffs,
    ),
    RateMetric(
        "session_success_rate",
        "sessions",
        "more",
        "Sessions held to their end, or drained by the end of the run, over sessions asked for.",
        "a session was held to its end",
        "session_success",
    ),
    RateMetric(
        "yield_rate",
        "stimuli",
        "more",
        "Interruptions after which the agent was cut off and silent within 2.0 s, over eligible ones: those that found "
        "more than 2.0 s left to say, or the service still producing the answer, unless it ended by itself within 0.5 s.",
        "the agent fell silent within 2 s of an interruption",
        "yielded",
    ),
    RateMetric(
        "missed_interruption_rate",
        "stimuli",
        "less",
        "1 - yield_rate: eligible interruptions through which the agent went on speaking.",
        "the agent went on speaking through an interruption",
        "missed_interruption",
    ),
    RateMetric(
        "false_interruption_rate",
        "stimuli",
        "less",
        "Disturbances that stopped the agent within 1.0 s or drew an answer within 2.0 s, over all disturbances.",
        "a sound to be ignored stopped the agent or drew an answer",
        "false_interruption",
    ),
    RateMetric(
        "resumed_rate",
        "stimuli",
        "more",
        "Disturbances that stopped the agent and after which it was audible again, over those that stopped it.",
        "an agent that was stopped by such a sound was audible again",
        "resumed",
    ),
    RateMetric(
        "truncation_rejected_rate",
        "stimuli",
        "less",
        "Truncations that the service refused, over those sent.",
        "the service refused a truncation",
        "truncation_rejected",
    ),
    RateMetric(
        "conversation_flow",
        "events",
        "more",
        "Turn-taking events that the agent handled right, over all of them: turns answered before the caller gave up, "
        "eligible interruptions yielded to, disturbances ignored, and turns that it did not cut into. A threshold "
        "takes it from 0 to 1, the report tells it from 0 to 100.",
        "the agent handled a turn-taking event right",
    ),
    RateMetric(
        "void_rate",
        "turns",
        "less",
        "Turns whose numbers are not the service's, as a frame was late, over all turns.",
        "a turn's numbers are the load generator's own fault",
        tell=_void,
        of_void=True,
    ),
)
"""Those of turns, of sessions, of stimuli, then of events; at the end the generator's own."""
