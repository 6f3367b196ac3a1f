"""How often the statistics are wrong, and how much they see: a simulation with turns that are alike within a session.

Waits are lognormal: each session has a mood of its own (30 %), each turn another deviation (20 %), and
where there are nights each of them a third one (4 %). Everything is judged by the product's own functions.

    python tests/benchmarks/bench_statistics.py [--runs N]

prints three tables. Coverage: in how many of N runs the 95 % interval of a quantile held the truth; an end
that the sessions cannot bound is open. False alarms: A against A, how often the interval of the ratio
excluded 1, and how often REGRESSED was said (beyond the margin of 5 %). Power: how often a service that is
8 % slower, or 20 %, was seen. Exit code 1 where coverage is outside 93-97 % or false alarms outside 4-7 %
by more than the simulation's own noise.
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
    print(f"{'sessions':>10} {'quantile':>9} {'covered':>9} {'below':>7} {'above':>7} {'open above':>11}")
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
                shares = (covered / runs, below / runs, above / runs, opened / runs)
                print(f"{sessions:>10} {f'p{100 * q:g}':>9}" + "".join(f"{share:>9.1%}" for share in shares))
    return good


def comparisons(generator: np.random.Generator, runs: int) -> bool:
    """The second and the third table."""
    print(
        f"\nComparison of {runs} pairs (a quarter of them for the power), as ratios with a margin of 5 %: told apart (interval excludes 1), REGRESSED"
    )
    print(f"{'sides':>34} {'quantile':>9} {'A against A':>18} {'+8 %':>18} {'+20 %':>18}")
    cases = [
        *(Case(f"1 run and 1, {count} sessions each", 1, 1, count) for count in SESSIONS),
        Case("7 nights and 1, alike, 40 each", 7, 1, 40),
        Case("7 nights and 1, nights differ", 7, 1, 40, NIGHT),
        Case("5 nights and 5, nights differ", 5, 5, 40, NIGHT),
    ]
    good = True
    for case in cases:
        for q in QUANTILES:
            row = []
            for factor in (1.0, 1.08, 1.20):
                pairs = runs if factor == 1.0 else math.ceil(runs / 4)
                apart, regressed = _judged(generator, pairs, q, case, factor)
                row.append(f"{apart / pairs:>9.1%} {regressed / pairs:>8.1%}")
                if factor == 1.0:
                    # Nights are allowed to be judged with care: fewer alarms than the level are no fault.
                    good &= _near(apart, runs, 0.04 if case.runs == case.base_runs == 1 else 0.0, 0.07)
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
    share = count / runs
    noise = 2 * math.sqrt(max(share * (1 - share), 0.01) / runs)
    return low - noise <= share <= high + noise


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Coverage, false alarms and power of the statistics.")
    parser.add_argument("--runs", type=int, default=400, help="simulated runs of each line (default: 400)")
    runs = parser.parse_args(arguments).runs
    generator = np.random.default_rng(20261126)
    started = time.perf_counter()
    good = coverage(generator, 2 * runs)
    good &= comparisons(generator, runs)
    print(f"\n{time.perf_counter() - started:.0f} s; {'as it should be' if good else 'NOT as it should be'}")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
