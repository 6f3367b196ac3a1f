"""One side of a comparison: one or several runs, and their figures as resampled."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from rtbench.analysis.bootstrap import RESAMPLES, Counts, draw_sessions, resampled_means, resampled_quantiles
from rtbench.analysis.compare_gate import Gate
from rtbench.analysis.filtering import filtered
from rtbench.analysis.quantiles import Floats, rank_of
from rtbench.analysis.samples import Rows, Sample, sample

RESAMPLES_OF_A_RUN = 200
"""For a variance, which needs fewer than a percentile."""


class Side:
    """The base, or what is compared with it."""

    def __init__(self, runs: Sequence[Rows], seed: int) -> None:
        """`runs`: the rows of each; `seed`: another one for either side, so that they are drawn apart."""
        self.runs = runs
        self._seed = seed

    def figure(self, gate: Gate, resamples: int = RESAMPLES) -> Figure:
        """A gate's statistic on this side."""
        samples = [sample(gate.metric, filtered(rows, gate.filters)) for rows in self.runs]
        # The draws of a figure are its own: other figures of the comparison do not move them.
        generator = np.random.default_rng([self._seed, zlib.crc32(str(gate).encode())])
        return Figure(gate, [each for each in samples if each.n], generator, resamples)


class Figure:
    """A statistic over all runs of a side. Runs without a value of it are left out."""

    def __init__(
        self, gate: Gate, samples: Sequence[Sample], generator: np.random.Generator, resamples: int
    ) -> None:
        self.gate = gate
        self.run_count = len(samples)
        self.values: Floats = np.concatenate([np.empty(0), *(each.values for each in samples)])
        self._runs: list[tuple[Floats, npt.NDArray[np.intp], int]] = []
        codes: list[npt.NDArray[np.intp]] = []
        sizes: list[int] = []
        for each in samples:
            numbered, names = pd.factorize(each.sessions.to_numpy())
            self._runs.append((each.values, numbered, len(names)))
            codes.append(numbered + sum(sizes))
            sizes.append(len(names))
        self.sessions: npt.NDArray[np.intp] = np.concatenate([np.empty(0, np.intp), *codes])
        self.session_count = sum(sizes)
        self.generator = generator
        self._drawn = draw_sessions(sizes, resamples, generator) if sizes else None

    @property
    def n(self) -> int:
        return len(self.values)

    @property
    def units(self) -> int:
        """How many of what was resampled at the top: runs, or sessions where there is one run."""
        return self.run_count if self.run_count > 1 else self.session_count

    @property
    def session_series(self) -> pd.Series:
        """The session of each value."""
        return pd.Series(self.sessions)

    def estimate(self, q: float | None = None) -> float:
        """The statistic itself, or the quantile `q`."""
        return self._statistic(self.values, q)

    def draws(self, q: float | None = None) -> Floats:
        """The statistic, or the quantile `q`, in each resample."""
        assert self._drawn is not None
        return self._resampled(self.values, self.sessions, self._drawn, q)

    def single_runs(self, q: float | None = None, *, as_ratio: bool) -> tuple[Floats, Floats]:
        """The statistic of each run by itself, and its variance as far as the run's sessions are the cause.

        As logarithms for a comparison of ratios; not finite where a run's figure is infinite, or not above 0.
        """
        values, variances = [], []
        for own, sessions, size in self._runs:
            drawn = draw_sessions([size], RESAMPLES_OF_A_RUN, self.generator)
            draws = self._resampled(own, sessions, drawn, q)
            value = np.array([self._statistic(own, q)])
            with np.errstate(divide="ignore", invalid="ignore"):
                if as_ratio:
                    value, draws = np.log(value), np.log(draws)
                values.append(float(value[0]))
                variances.append(float(np.var(draws)) * size / max(size - 1, 1))
        return np.array(values), np.array(variances)

    def _resampled(
        self, values: Floats, sessions: npt.NDArray[np.intp], drawn: Counts, q: float | None
    ) -> Floats:
        q = self.gate.quantile if q is None else q
        if q is None:
            return resampled_means(values, sessions, drawn)
        return resampled_quantiles(values, sessions, drawn, q)

    def _statistic(self, values: Floats, q: float | None) -> float:
        q = self.gate.quantile if q is None else q
        return float(values.mean()) if q is None else float(np.sort(values)[rank_of(q, len(values))])
