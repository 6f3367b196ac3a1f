"""How often the statistics are wrong, and how much they see: a simulation with turns that are alike within a session.

Waits are lognormal: each session has a mood of its own (30 %), each turn another deviation (20 %), and
where there are nights each of them a third one (4 %). Everything is judged by the product's own functions.

    python tests/benchmarks/bench_statistics.py [--runs N]

prints three tables. Coverage: in how many of N runs the 95 % interval of a quantile held the truth; an end
that the sessions cannot bound is open. False alarms: A against A, how often the interval of the ratio
excluded 1, and how often REGRESSED was said (beyond the margin of 5 %). Power: how often a service that is
8 % slower, or 20 %, was seen. Each rate comes with the simulation's own standard error: of 1,000 pairs 5 %
are told to ±0.7 %, so 3.9 and 4.6 are the same. Exit code 1 where coverage is outside 93-97 % or false
alarms outside 4-7 % by more than two of them.

What is not exact, and why. Medians of 40 sessions are told apart in 4.1 % ±0.2 % (of 10,000 pairs): Student's
allowance for a variance from 40 sessions is made for sums, and a little too much for them. Nights that are
alike are told apart less often than those that differ: see the table in `analysis/compare_nights.py`.
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from rtbench.analysis.compare_gate import Gate, Margins
from rtbench.analysis.compare_metric import Change, compare_figures
from rtbench.analysis.compare_side import Figure
from rtbench.analysis.quantiles import quantiles
from rtbench.analysis.samples import Sample

MOOD, DEVIATION, NIGHT = 0.30, 0.20, 0.04
TURNS = 8
RESAMPLES = 500
SESSIONS = (40, 100, 400)
QUANTILES = (0.5, 0.95)


def waits(
    generator: np.random.Generator, sessions: int, factor: float = 1.0, night: float = 0.0
) -> np.ndarray:
    """Waits of one run in ms, a row a session."""
    moods = generator.normal(0, MOOD, (sessions, 1)) + night * generator.normal()
    return factor * 700 * np.exp(moods + generator.normal(0, DEVIATION, (sessions, TURNS)))


def sessions_of(values: np.ndarray) -> pd.Series:
    return pd.Series(np.repeat(np.arange(len(values)), TURNS))


@dataclass
class Case:
    """Runs of one side of a comparison, and what they are called."""

    label: str
    base_runs: int
    runs: int
    sessions: int
    night: float = 0.0


def figure(generator: np.random.Generator, q: float, case: Case, runs: int, factor: float) -> Figure:
    gate = Gate("voice_to_voice_ms", f"p{100 * q:g}")
    drawn = [waits(generator, case.sessions, factor, case.night) for _ in range(runs)]
    samples = [Sample("voice_to_voice_ms", "ms", values.ravel(), sessions_of(values)) for values in drawn]
    return Figure(gate, samples, generator, RESAMPLES)


def coverage(generator: np.random.Generator, runs: int) -> bool:
    """The first table."""
    print(f"Coverage of the 95 % interval, {runs} runs of {TURNS} turns a session")
    print(f"{'sessions':>10} {'quantile':>9} {'covered':>15} {'below':>15} {'above':>15} {'open above':>15}")
    good = True
    for sessions in (15, *SESSIONS):
        for q in (*QUANTILES, 0.99):
            truth = 700 * math.exp(math.hypot(MOOD, DEVIATION) * stats.norm.ppf(q))
            below = above = opened = 0
            told = True
            for _ in range(runs):
                values = waits(generator, sessions)
                (found,) = quantiles(values.ravel(), sessions_of(values), [q])
                told = found.value is not None
                if not told:
                    break
                below += found.low is not None and truth < found.low
                above += found.high is not None and truth > found.high
                opened += found.high is None
            if told:
                covered = runs - below - above
                good &= _near(covered, runs, 0.93, 0.97)
                told_shares = "".join(
                    f" {_share(count, runs):>15}" for count in (covered, below, above, opened)
                )
                print(f"{sessions:>10} {f'p{100 * q:g}':>9}{told_shares}", flush=True)
    return good


def comparisons(generator: np.random.Generator, runs: int) -> bool:
    """The second and the third table."""
    print(
        f"\nComparison of {runs} pairs (a quarter of them for the power), as ratios with a margin of 5 %: told apart (interval excludes 1), REGRESSED"
    )
    print(f"{'sides':>34} {'quantile':>9} {'A against A':>31} {'+8 %':>31} {'+20 %':>31}")
    cases = [
        *(Case(f"1 run and 1, {count} sessions each", 1, 1, count) for count in SESSIONS),
        Case("7 nights and 1, alike, 40 each", 7, 1, 40),
        Case("5 nights and 5, alike, 40 each", 5, 5, 40),
        Case("7 nights and 1, nights differ", 7, 1, 40, NIGHT),
        Case("5 nights and 5, nights differ", 5, 5, 40, NIGHT),
        Case("3 nights and 3, nights differ", 3, 3, 40, NIGHT),
        Case("3 nights and 1, nights differ", 3, 1, 40, NIGHT),
    ]
    good = True
    for case in cases:
        for q in QUANTILES:
            row = []
            for factor in (1.0, 1.08, 1.20):
                pairs = runs if factor == 1.0 else math.ceil(runs / 4)
                apart, regressed = _judged(generator, pairs, q, case, factor)
                row.append(f"{_share(apart, pairs):>16} {_share(regressed, pairs):>14}")
                if factor == 1.0:
                    good &= _near(apart, runs, 0.04, 0.07)
            print(f"{case.label:>34} {f'p{100 * q:g}':>9} " + " ".join(row), flush=True)
    return good


def _judged(
    generator: np.random.Generator, runs: int, q: float, case: Case, factor: float
) -> tuple[int, int]:
    apart = regressed = 0
    for _ in range(runs):
        base = figure(generator, q, case, case.base_runs, 1.0)
        found = compare_figures(base, figure(generator, q, case, case.runs, factor), Margins(absolute=0.0))
        assert found.ratio is not None
        apart += found.ratio.low > 1 or found.ratio.high < 1
        regressed += found.change is Change.REGRESSED
    return apart, regressed


def _near(count: int, runs: int, low: float, high: float) -> bool:
    """Whether the share lies between, up to two standard errors of the simulation."""
    noise = 2 * _error(count, runs)
    return low - noise <= count / runs <= high + noise


def _share(count: int, runs: int) -> str:
    """With its standard error."""
    return f"{count / runs:.1%} ±{_error(count, runs):.1%}"


def _error(count: int, runs: int) -> float:
    """Standard error of a share that was seen so often; of one never seen, or always, as if half a time more."""
    share = min(max(count, 0.5), runs - 0.5) / runs
    return math.sqrt(share * (1 - share) / runs)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Coverage, false alarms and power of the statistics.")
    parser.add_argument("--runs", type=int, default=1000, help="simulated runs of each line (default: 1000)")
    runs = parser.parse_args(arguments).runs
    generator = np.random.default_rng(20261126)
    started = time.perf_counter()
    good = coverage(generator, 2 * runs)
    good &= comparisons(generator, runs)
    print(f"\n{time.perf_counter() - started:.0f} s; {'as it should be' if good else 'NOT as it should be'}")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
