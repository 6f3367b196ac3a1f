"""One step of a capacity search: what callers lived through under one load, and whether the SLOs held."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from rtbench.analysis.capacity_search import Judgement, Phase, Trial
from rtbench.analysis.errors import count_errors
from rtbench.analysis.health import Health, concurrency, generator_health
from rtbench.analysis.quantiles import rank_of, samples_needed
from rtbench.analysis.rates import MIN_SAMPLES
from rtbench.analysis.run_totals import RunTotals
from rtbench.analysis.samples import Rows, sample
from rtbench.analysis.thresholds import ThresholdResult, judge_thresholds
from rtbench.analysis.verdict import Level, Verdict, judge_part
from rtbench.core.emulator_load import EmulatorLoad
from rtbench.results.reader import Run
from rtbench.scenario.threshold import Threshold

PARTS = ("endpoint_delay_ms", "speech_stop_to_first_audio_ms", "leading_silence_ms", "playout_wait_ms")
"""They add up to `voice_to_voice_ms`."""


@dataclass(frozen=True, slots=True)
class StepResult:
    """One load, held until its percentiles could be told."""

    level: float
    """What was asked for: callers at a time, or calls per second."""

    phase: Phase
    judgement: Judgement
    started_unix_ns: int
    """Wall time at which the measuring began."""

    seconds: float
    """Measured time; the settling before it is not in it."""

    concurrency: float
    """Sessions alive on average."""

    turns: int
    """That ended, void ones left out."""

    slos: tuple[ThresholdResult, ...]
    verdict: Verdict
    health: Health
    parts_ms: dict[str, float]
    """Medians of answered turns, by PARTS; those that have none are left out."""

    voice_to_voice_ms: tuple[float | None, float | None]
    """Median and p95; infinite among turns never answered, None where n does not suffice."""

    goodput_per_s: float
    """Turns that were answered, within the limits that SLOs set for a single turn's wait, per second."""

    turns_per_s: float
    errors: dict[str, int]
    """Turns and sessions that were lost, by class."""

    cost_usd_per_hour: float | None = None

    @property
    def broken(self) -> list[ThresholdResult]:
        """SLOs that did not hold, the one that is furthest beyond its limit first."""
        failed = [result for result in self.slos if result.status == "failed"]
        return sorted(failed, key=excess, reverse=True)


def measure_step(
    run: Run,
    trial: Trial,
    started_unix_ns: int,
    seconds: float,
    slos: Sequence[Threshold],
    *,
    tolerant: bool = False,
    emulator: EmulatorLoad | None = None,
) -> StepResult:
    """The result of the rows that came in while a load was held. `run`: those rows, as a part of their run.

    `emulator`: how busy the embedded one was meanwhile. A step whose verdict is SUSPECT counts only where that is tolerated.
    """
    rows = Rows.of(run)
    results = tuple(judge_thresholds(slos, rows, RunTotals.of(run)))
    health = generator_health(run.generator)
    verdict = judge_part(run.turns, health, emulator)
    turns = rows.valid_turns
    errors = count_errors(run.turns, run.sessions)
    answered = turns[turns["outcome"].eq("answered")]
    median, p95 = _waits(rows)
    return StepResult(
        level=trial.level,
        phase=trial.phase,
        judgement=_judgement(results, verdict, tolerant=tolerant),
        started_unix_ns=started_unix_ns,
        seconds=seconds,
        concurrency=float(concurrency(run.generator).mean()) if not run.generator.empty else 0.0,
        turns=len(turns),
        slos=results,
        verdict=verdict,
        health=health,
        parts_ms={
            name: float(answered[name].median()) for name in PARTS if not answered[name].dropna().empty
        },
        voice_to_voice_ms=(median, p95),
        goodput_per_s=_good(answered, slos) / seconds if seconds else 0.0,
        turns_per_s=len(turns) / seconds if seconds else 0.0,
        errors=_lost(errors.turns, errors.sessions),
        cost_usd_per_hour=_cost_per_hour(run.turns, seconds),
    )


def enough(results: Sequence[ThresholdResult], factor: float) -> bool:
    """Whether every SLO has `factor` times the samples that its statistic needs."""
    return all(result.n >= factor * needed(result.threshold) for result in results)


def needed(threshold: Threshold) -> int:
    """The smallest n that tells a threshold's statistic.

    A rate's limit is told as a percentile is: with fewer outcomes none of the rarer kind may be seen.
    """
    if threshold.quantile is not None:
        return samples_needed(threshold.quantile)
    if threshold.statistic == "rate":
        rarer = min(threshold.limit, 1 - threshold.limit)
        return max(MIN_SAMPLES, samples_needed(1 - rarer)) if rarer > 0 else MIN_SAMPLES
    return MIN_SAMPLES


def excess(result: ThresholdResult) -> float:
    """How far a value is beyond its limit, as a ratio: of what should be small, or of what should not be missing."""
    threshold, actual = result.threshold, result.actual
    if actual is None:
        return 0.0
    if threshold.operator in ("<", "<="):
        return actual / threshold.limit if threshold.limit > 0 else math.inf
    if threshold.statistic == "rate":
        return (1 - actual) / (1 - threshold.limit) if threshold.limit < 1 else math.inf
    return threshold.limit / actual if actual > 0 else math.inf


def _judgement(results: Sequence[ThresholdResult], verdict: Verdict, *, tolerant: bool) -> Judgement:
    """A generator that was itself too slow says nothing of the service, whatever broke."""
    if verdict.level is Level.INVALID or (verdict.level is Level.SUSPECT and not tolerant):
        return Judgement.GENERATOR
    if any(result.status == "failed" for result in results):
        return Judgement.BREAKS
    if any(result.fails for result in results):
        return Judgement.UNKNOWN
    return Judgement.HOLDS


def _waits(rows: Rows) -> tuple[float | None, float | None]:
    values = np.sort(sample("voice_to_voice_ms", rows).values)
    n = len(values)
    median, p95 = (float(values[rank_of(q, n)]) if n >= samples_needed(q) else None for q in (0.5, 0.95))
    return median, p95


def _good(answered: pd.DataFrame, slos: Sequence[Threshold]) -> int:
    good = pd.Series(True, index=answered.index)
    for slo in slos:
        if (
            slo.quantile is not None
            and slo.operator in ("<", "<=")
            and slo.metric in answered
            and not slo.filters
        ):
            good &= answered[slo.metric].fillna(0.0) <= slo.limit
    return int(good.sum())


def _lost(*counts: dict[str, int]) -> dict[str, int]:
    total: dict[str, int] = {}
    for each in counts:
        for name, count in each.items():
            total[name] = max(total.get(name, 0), count)
    return total


def _cost_per_hour(turns: pd.DataFrame, seconds: float) -> float | None:
    """Of the turns that ended, at their rate; None where they have no price."""
    costs = turns["cost_usd"].dropna()
    return None if costs.empty or not seconds else float(costs.sum()) / seconds * 3600
